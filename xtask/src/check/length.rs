//! Files are short enough to be read at once.

use super::Finding;
use super::tree::{File, Tree};

const LINES_MAX: usize = 400;
const LINES_WARN: usize = 300;

/// Files that are too long.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let long = sources(tree).filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| Finding::new(&file.path, format!("{lines} lines, at most {LINES_MAX}")))
        .collect()
}

/// Files that are about to be.
pub(super) fn warnings(tree: &Tree) -> Vec<Finding> {
    let long = sources(tree).filter(|(_, lines)| (LINES_WARN + 1..=LINES_MAX).contains(lines));
    long.map(|(file, lines)| Finding::new(&file.path, format!("{lines} lines, better below {LINES_WARN}")))
        .collect()
}

fn sources(tree: &Tree) -> impl Iterator<Item = (&File, usize)> {
    tree.files.iter().filter(|file| file.is_source()).map(|file| (file, file.lines().count()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_files_are_found_and_generated_ones_are_not() {
        let (short, warned, long) = ("\n".repeat(300), "\n".repeat(400), "\n".repeat(401));
        let tree = Tree::of(&[
            ("a/src/short.rs", &short),
            ("a/src/warned.rs", &warned),
            ("a/src/long.rs", &long),
            ("a/src/generated/long.rs", &long),
            ("long.md", &long),
        ]);
        let paths = |findings: Vec<Finding>| findings.into_iter().map(|f| f.place).collect::<Vec<_>>();
        assert_eq!(paths(check(&tree)), ["a/src/long.rs"]);
        assert_eq!(paths(warnings(&tree)), ["a/src/warned.rs"]);
    }
}
