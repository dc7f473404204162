//! Nothing unfinished: no notes to a later self, no holes, no skipped tests, no code in comments.

use super::Finding;
use super::tree::{File, Tree};

/// Split, so that this file does not find itself.
const ANYWHERE: [&str; 2] = [concat!("TO", "DO"), concat!("FIX", "ME")];
const IN_SOURCES: [&str; 4] = [
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("#[", "ignore]"),
    concat!("#[", "ignore ="),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    tree.files.iter().filter(|file| !file.is_generated()).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in file.lines() {
        let marker = ANYWHERE.into_iter().find(|word| has_word(line, word));
        let hole = IN_SOURCES.into_iter().find(|text| file.is_source() && line.contains(text));
        if let Some(what) = marker.or(hole) {
            found.push(Finding::new(file.at(number), format!("{what:?}: finish it or leave it out")));
        }
        if file.is_source() && is_commented_code(line) {
            found.push(Finding::new(file.at(number), "code in a comment: leave it out"));
        }
    }
    found
}

/// Whether `word` stands in `line` by itself.
fn has_word(line: &str, word: &str) -> bool {
    let part_of_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(start, _)| {
        !line[..start].ends_with(part_of_name) && !line[start + word.len()..].starts_with(part_of_name)
    })
}

/// A plain comment that begins or ends as only code does. Doc comments may hold examples.
fn is_commented_code(line: &str) -> bool {
    let Some(comment) = line.trim_start().strip_prefix("//") else { return false };
    if comment.starts_with(['/', '!']) {
        return false;
    }
    let comment = comment.trim();
    let statement = ["let ", "use ", "pub ", "fn ", "impl ", "return ", "if ", "for ", "while "];
    let begins = statement.iter().any(|word| comment.starts_with(word));
    comment.starts_with("#[") || comment.ends_with(");") || (begins && comment.ends_with([';', '{', '}']))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.place).collect()
    }

    #[test]
    fn notes_and_holes_are_found() {
        assert_eq!(places("README.md", concat!("a\nTO", "DO: b")), ["README.md:2"]);
        assert_eq!(places("a.rs", concat!("todo", "!()")), ["a.rs:1"]);
        assert_eq!(places("a.rs", concat!("#[", "ignore]")), ["a.rs:1"]);
        assert!(places("a.rs", concat!("let MASTO", "DON = 1;")).is_empty());
        assert!(places("a/generated/b.rs", concat!("// TO", "DO")).is_empty());
    }

    #[test]
    fn code_in_comments_is_found_and_prose_is_not() {
        assert_eq!(places("a.rs", "  // let x = 3;"), ["a.rs:1"]);
        assert_eq!(places("a.rs", "// call(x);"), ["a.rs:1"]);
        assert_eq!(places("a.rs", "// #[test]"), ["a.rs:1"]);
        assert!(places("a.rs", "// if both are equal, the first wins\n/// let x = 3;\n// use it").is_empty());
    }
}
