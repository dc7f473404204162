//! One word, one meaning: refuses the words, names and sentence patterns of `terms.toml`, and shows the term to write
//! instead.

mod allowed;
mod docs;
mod names;
mod region;
mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Finding;
use super::tree::{File, Tree};
use crate::Result;
use region::{Kind, Region};
use table::{Table, Violation};

/// How many words the summary names: the most frequent ones.
const SUMMARY_MAX: usize = 20;

/// Prints what `cargo xtask check` finds of this rule in the files below `paths`, or in all of them; fails when there
/// is something.
pub(crate) fn run(root: &Path, paths: &[&str]) -> Result<()> {
    let tree = Tree::tracked(root)?;
    let mut violations = find(&tree)?;
    violations.retain(|found| paths.is_empty() || paths.iter().any(|path| is_below(&found.path, path)));
    let mut counts = BTreeMap::<&str, usize>::new();
    for found in &violations {
        println!("{}", found.finding());
        *counts.entry(&found.denied).or_default() += 1;
    }
    if violations.is_empty() {
        return Ok(());
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let summary: Vec<String> =
        counts.iter().take(SUMMARY_MAX).map(|(denied, count)| format!("{denied} {count}")).collect();
    Err(format!("{} findings: {}", violations.len(), summary.join(", ")).into())
}

/// Every violation that the list of allowed ones does not hold, and every line of that list which nothing needs.
pub(super) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let allowed = allowed::Allowed::of(allowed::LIST)?;
    let violations = find(tree)?;
    let stale = allowed.stale(&violations);
    let refused = violations.iter().filter(|found| !allowed.holds(found)).map(Violation::finding);
    Ok(refused.chain(stale).collect())
}

fn find(tree: &Tree) -> Result<Vec<Violation>> {
    let table = Table::of(table::TERMS)?;
    let files = tree.files.iter().filter(|file| !file.is_generated() && !table.is_exempt(&file.path));
    let mut found = BTreeSet::new();
    for file in files {
        check_file(&table, file, &mut found);
    }
    Ok(found.into_iter().collect())
}

fn check_file(table: &Table, file: &File, found: &mut BTreeSet<Violation>) {
    table.check_path(file, found);
    for region in region::regions(file) {
        match region.kind {
            Kind::Code => names::check(table, file, &region, found),
            Kind::Doc | Kind::Prose => {
                table.check_prose(file, &region, found);
                check_spans(table, file, &region, found);
            }
            Kind::Message => table.check_prose(file, &region, found),
        }
        if region.kind == Kind::Doc {
            docs::check(file, &region, found);
        }
    }
}

/// Names in prose stand between backticks.
fn check_spans(table: &Table, file: &File, region: &Region, found: &mut BTreeSet<Violation>) {
    for (line, span) in &region.spans {
        let span =
            Region { kind: Kind::Code, text: span.clone(), lines: vec![(0, *line)], spans: Vec::new() };
        names::check(table, file, &span, found);
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    let folder = folder.trim_start_matches("./").trim_end_matches('/');
    folder == "." || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(path: &str, text: &str) -> Vec<String> {
        let found = find(&Tree::of(&[(path, text)])).unwrap();
        found.into_iter().map(|found| format!("{}:{}", found.line, found.denied)).collect()
    }

    #[test]
    fn words_are_found_inside_names_of_either_case() {
        assert_eq!(denied("a/b.rs", "struct DriverCard;\nfn refill_now() {}"), ["1:card", "2:refill"]);
        assert_eq!(denied("a/b.rs", "let full_part = FullPart;"), ["1:full part"]);
        assert!(denied("a/b.rs", "let cardinal = discard(timestamp);").is_empty());
    }

    #[test]
    fn british_spelling_is_found_everywhere_but_in_bare_strings() {
        assert_eq!(denied("a.md", "The neighbours."), ["1:neighbour"]);
        assert_eq!(denied("a.rs", "const COLOURS: u8 = 1; // in metres"), ["1:colour", "1:metre"]);
        assert_eq!(denied("a.rs", r#"f("a grey one"); g("centre");"#), ["1:grey"]);
        assert!(denied("a.rs", "// It fulfills a realistic parameter.").is_empty());
    }

    #[test]
    fn sentences_are_read_across_lines() {
        let text = "/// Sends it.\n/// Who comes late sees\n/// this.\nfn f() {}";
        assert_eq!(denied("a.rs", text).len(), 1);
        assert_eq!(denied("a.rs", "/// Waiting flushes, at\n/// most.\nfn f() {}").len(), 1);
        assert!(denied("a.rs", "// A driver who comes late sees this.").is_empty());
        assert!(denied("a.md", "Who calls it?").is_empty());
    }

    #[test]
    fn code_in_prose_is_names_and_blocks_are_left_out() {
        assert_eq!(denied("a.md", "See `DriverCard::new`."), ["1:card"]);
        assert!(denied("a.md", "```sh\nring the bell\n```\n").is_empty());
        assert!(denied("a.md", "See https://a.b/card.").is_empty());
    }

    #[test]
    fn types_and_files_are_denied_where_they_are_declared() {
        assert_eq!(denied("a/b.rs", "enum Found { A }\nuse x::Found;"), ["1:Found"]);
        assert_eq!(denied("matcher/src/book.rs", ""), ["1:book.rs"]);
        assert!(denied("kerb/src/book.rs", "").is_empty());
    }

    #[test]
    fn participles_are_no_types() {
        assert_eq!(denied("a/b.rs", "struct Opening;\nstruct Promising(u8);").len(), 2);
        assert!(denied("a/b.rs", "struct Timing;\nenum Speed {}\nstruct OpenStream;").is_empty());
    }

    #[test]
    fn docs_of_two_words_are_found_unless_they_name_a_unit() {
        assert_eq!(denied("a.rs", "/// The name.\nname: u8"), ["1:short doc"]);
        assert!(denied("a.rs", "/// In meters.\nname: u8").is_empty());
        assert!(denied("a.rs", "/// The name of\n/// a rider.\nname: u8").is_empty());
    }

    #[test]
    fn a_word_may_be_denied_in_some_folders_only() {
        assert_eq!(denied("index-server/src/a.rs", "let journal = 1;").len(), 1);
        assert!(denied("crates/journal/src/a.rs", "let journal = 1;").is_empty());
    }

    #[test]
    fn paths_select_folders() {
        assert!(is_below("a/b/c.rs", "a/b") && is_below("a/b", "./a/b/") && is_below("a", "."));
        assert!(!is_below("a/bc", "a/b"));
    }
}
