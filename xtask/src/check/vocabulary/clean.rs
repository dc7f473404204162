//! The files and folders that are free of violations and stay so. `cargo xtask check` looks at them only; the list grows
//! until it is the whole repository.

use super::is_below;

const LIST: &str = include_str!("clean.txt");

/// Returns whether a file may not have violations.
pub(super) fn is_clean(path: &str) -> bool {
    LIST.lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .any(|folder| is_below(path, folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_below_a_listed_folder_are_clean() {
        assert!(is_clean("xtask/src/main.rs") && is_clean("CONTRIBUTING.md"));
        assert!(!is_clean("xtask-2/src/main.rs"));
    }
}
