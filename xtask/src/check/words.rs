//! Host names of package registries stay out of the repository: where packages come from is the user's setting.

use super::Finding;
use super::tree::Tree;

/// Split, so that this file does not find itself.
const HOSTS: [&str; 6] = [
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("proxy.golang", ".org"),
    concat!("rubygems", ".org"),
];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut found = Vec::new();
    for file in tree.files.iter().filter(|file| !file.is_generated()) {
        for (number, line) in file.lines() {
            let line = line.to_lowercase();
            let hosts = HOSTS.into_iter().filter(|host| line.contains(host));
            found.extend(hosts.map(|host| Finding::new(file.at(number), format!("names {host}"))));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_found_in_any_text_but_the_lock_file() {
        let text = concat!("see https://Crates", ".io");
        assert_eq!(check(&Tree::of(&[("README.md", text), ("Cargo.lock", text)])).len(), 1);
    }
}
