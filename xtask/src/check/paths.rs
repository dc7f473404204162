//! A path that a document names between backticks exists.

use super::Finding;
use super::tree::{File, Tree};

/// Documents that speak of the past.
const EXEMPT: [&str; 2] = ["CHANGELOG.md", "docs/adr/"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let is_document =
        |file: &&File| file.has_extension("md") && !EXEMPT.iter().any(|past| file.path.starts_with(past));
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(is_document) {
        for (line, text) in file.lines() {
            // Every second part stands between backticks.
            let missing =
                text.split('`').skip(1).step_by(2).filter(|span| is_path(tree, span) && !exists(tree, span));
            findings
                .extend(missing.map(|path| Finding::new(file.at(line), format!("{path} does not exist"))));
        }
    }
    findings
}

/// A path begins with a folder of the repository and has no blanks, alternatives or placeholders.
fn is_path(tree: &Tree, span: &str) -> bool {
    let plain = span.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    span.split_once('/').is_some_and(|(top, rest)| {
        plain
            && !rest.is_empty()
            && tree
                .files
                .iter()
                .any(|file| file.path.strip_prefix(top).is_some_and(|rest| rest.starts_with('/')))
    })
}

fn exists(tree: &Tree, path: &str) -> bool {
    let path = path.trim_end_matches('/');
    tree.files
        .iter()
        .any(|file| file.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(document: &str, text: &str) -> usize {
        check(&Tree::of(&[(document, text), ("a/src/b.rs", "")])).len()
    }

    #[test]
    fn files_and_folders_must_exist() {
        assert_eq!(found("README.md", "See `a/src/b.rs`, `a/src` and `a/src/`."), 0);
        assert_eq!(found("README.md", "See `a/src/c.rs` and `a/sr`."), 2);
    }

    #[test]
    fn other_spans_are_no_paths() {
        assert_eq!(found("README.md", "`x/y` `a/src/*.rs` `a/b c` `a/{b,c}` a/src/c.rs"), 0);
        assert_eq!(found("CHANGELOG.md", "`a/src/c.rs`"), 0);
    }
}
