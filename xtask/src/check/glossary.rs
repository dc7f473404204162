//! The glossary is a table of unique terms in alphabetical order, each with a meaning.

use super::Finding;
use super::tree::Tree;

const PATH: &str = "docs/glossary.md";
/// Cells of a row: term, meaning, source.
const CELLS: usize = 3;

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let Some(file) = tree.files.iter().find(|file| file.path == PATH) else { return Vec::new() };
    let mut findings = Vec::new();
    let mut before = String::new();
    // The first two rows are the head of the table.
    for (line, text) in file.lines().filter(|(_, text)| text.starts_with('|')).skip(2) {
        let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
        let term = cells[0].to_lowercase();
        if cells.len() != CELLS || cells[..2].iter().any(|cell| cell.is_empty()) {
            findings.push(Finding::new(file.at(line), "not a row of term, meaning and source"));
        } else if term == before {
            findings.push(Finding::new(file.at(line), format!("{term} stands twice")));
        } else if term < before {
            findings.push(Finding::new(file.at(line), format!("{term} must stand before {before}")));
        }
        before = term;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(rows: &str) -> Vec<String> {
        let text = format!("# Glossary\n\n| term | meaning | source |\n|---|---|---|\n{rows}");
        check(&Tree::of(&[(PATH, &text)])).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn terms_are_sorted_without_regard_to_case() {
        assert!(
            messages("| arc | an edge | OSRM |\n| CCH | an order | |\n| cell | a square | |\n").is_empty()
        );
        assert_eq!(messages("| cell | a square | |\n| arc | an edge | |\n"), ["arc must stand before cell"]);
    }

    #[test]
    fn a_term_has_one_meaning() {
        assert_eq!(messages("| arc | an edge | |\n| Arc | a piece | |\n"), ["arc stands twice"]);
        assert_eq!(messages("| arc | | |\n"), ["not a row of term, meaning and source"]);
        assert_eq!(messages("| arc | an edge |\n").len(), 1);
    }
}
