//! Every shipped data file has a text with its source and its license: in its folder, or above it as far as its
//! `data` folder.

use super::Finding;
use super::tree::{File, Tree};

/// Names of the text, without the end.
const NAMES: [&str; 6] = ["README", "LICENSE", "LICENCE", "SOURCE", "CITATION", "DATA"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let data = tree.files.iter().filter(|file| is_data(file));
    let bare = data.filter(|file| !is_explained(tree, file));
    bare.map(|file| Finding::new(&file.path, "no text next to it names its source and its license")).collect()
}

fn is_data(file: &File) -> bool {
    folder_of(&file.path).split('/').any(|part| part == "data") && !file.is_rust() && !is_text(file)
}

fn is_text(file: &File) -> bool {
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    NAMES.iter().any(|start| name.starts_with(start))
}

fn is_explained(tree: &Tree, file: &File) -> bool {
    let mut folder = folder_of(&file.path);
    while folder.split('/').any(|part| part == "data") {
        let texts = tree.files.iter().filter(|other| folder_of(&other.path) == folder && is_text(other));
        if explains(texts) {
            return true;
        }
        folder = folder_of(folder);
    }
    false
}

fn explains<'a>(texts: impl Iterator<Item = &'a File>) -> bool {
    let text = texts.filter_map(|file| file.text.as_deref()).collect::<String>().to_lowercase();
    (text.contains("licence") || text.contains("license"))
        && (text.contains("source") || text.contains("http"))
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Source: the city. License: CC0.";

    fn count(files: &[(&str, &str)]) -> usize {
        check(&Tree::of(files)).len()
    }

    #[test]
    fn data_needs_a_text_with_both() {
        assert_eq!(count(&[("sim/data/trips.csv", "1")]), 1);
        assert_eq!(count(&[("sim/data/trips.csv", "1"), ("sim/data/README.md", "Trips.")]), 1);
        assert_eq!(count(&[("sim/data/trips.csv", "1"), ("sim/data/README.md", TEXT)]), 0);
        assert_eq!(count(&[("sim/data/a/b/trips.csv", "1"), ("sim/data/README.md", TEXT)]), 0);
        assert_eq!(count(&[("sim/data/a/trips.csv", "1"), ("sim/data/b/README.md", TEXT)]), 1);
    }

    #[test]
    fn a_text_above_the_data_folder_and_source_code_do_not_count() {
        assert_eq!(count(&[("sim/data/trips.csv", "1"), ("sim/README.md", TEXT)]), 1);
        assert_eq!(count(&[("sim/src/data/mod.rs", "")]), 0);
    }
}
