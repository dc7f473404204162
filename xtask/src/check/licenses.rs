//! Every dependency may be used under a license of `deny.toml`: the same list that cargo-deny reads, checked without
//! having to build it.

use serde::Deserialize;

use super::Finding;
use super::metadata::{Metadata, Package};
use crate::Result;

#[derive(Deserialize)]
struct Deny {
    licenses: Licenses,
}

#[derive(Deserialize)]
struct Licenses {
    allow: Vec<String>,
}

/// The list of a `deny.toml`.
pub(super) fn allowed(deny: &str) -> Result<Vec<String>> {
    Ok(toml::from_str::<Deny>(deny)?.licenses.allow)
}

pub(super) fn check(metadata: &Metadata, allowed: &[String]) -> Vec<Finding> {
    let refused = metadata.packages.iter().filter(|package| !may_use(package, allowed));
    let finding = |package: &Package| {
        let license = package.license.as_deref().unwrap_or("no license");
        Finding::new(format!("{} {}", package.name, package.version), format!("{license} is not allowed"))
    };
    refused.map(finding).collect()
}

fn may_use(package: &Package, allowed: &[String]) -> bool {
    let Some(license) = &package.license else { return false };
    // The slash is the old way to write OR.
    let spaced = license.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut expression = Expression { words: &words, allowed };
    expression.any() && expression.words.is_empty()
}

/// An SPDX expression from its next word on: AND binds closer than OR, WITH belongs to its license.
struct Expression<'a> {
    words: &'a [&'a str],
    allowed: &'a [String],
}

impl Expression<'_> {
    fn any(&mut self) -> bool {
        let mut holds = self.all();
        while self.take("OR") {
            holds |= self.all();
        }
        holds
    }

    fn all(&mut self) -> bool {
        let mut holds = self.one();
        while self.take("AND") {
            holds &= self.one();
        }
        holds
    }

    fn one(&mut self) -> bool {
        if self.take("(") {
            let holds = self.any();
            return self.take(")") && holds;
        }
        let Some((name, rest)) = self.words.split_first() else { return false };
        self.words = rest;
        let mut name = (*name).to_owned();
        if self.take("WITH")
            && let Some((exception, rest)) = self.words.split_first()
        {
            self.words = rest;
            name = format!("{name} WITH {exception}");
        }
        self.allowed.contains(&name)
    }

    fn take(&mut self, word: &str) -> bool {
        let is_next = self.words.first() == Some(&word);
        if is_next {
            self.words = &self.words[1..];
        }
        is_next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(license: &str) -> bool {
        let package = Package { license: Some(license.into()), ..Package::default() };
        may_use(&package, &["MIT".into(), "Apache-2.0".into(), "Unicode-3.0".into()])
    }

    #[test]
    fn one_way_to_use_it_is_enough() {
        for license in ["MIT", "GPL-3.0 OR MIT", "Unlicense/MIT", "(MIT OR GPL-3.0) AND Unicode-3.0"] {
            assert!(holds(license), "{license}");
        }
    }

    #[test]
    fn all_parts_must_be_allowed() {
        for license in ["GPL-3.0", "MIT AND GPL-3.0", "MIT WITH odd-exception", "(MIT", "MIT Apache-2.0", ""]
        {
            assert!(!holds(license), "{license}");
        }
    }

    #[test]
    fn the_list_is_read_from_deny_toml() {
        assert_eq!(allowed("[licenses]\nallow = [\"MIT\"]").unwrap(), ["MIT"]);
        assert_eq!(check(&Metadata { packages: vec![Package::default()] }, &[]).len(), 1);
    }
}
