//! Names in code: split into words, and the types that are declared.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use super::super::tree::File;
use super::region::Region;
use super::table::{Table, Violation};

static NAME: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"[A-Za-z_][A-Za-z0-9_]*").expect("a constant"));
static DECLARATION: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b(?:struct|enum|trait|type|message|union)\s+([A-Z][A-Za-z0-9]*)").expect("a constant")
});
static PARTICIPLE: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^[A-Z][a-z]+(?:ed|ing)$").expect("a constant"));

/// Nouns that end as participles do, and the words of Fleet Engine's protocol.
const NOUNS: [&str; 26] = [
    "Bearing",
    "Bed",
    "Billing",
    "Building",
    "Crossing",
    "Embed",
    "Encoding",
    "Feed",
    "Finding",
    "Heading",
    "Mapping",
    "Need",
    "Ordering",
    "Partitioning",
    "Pricing",
    "Rating",
    "Registered",
    "Repositioning",
    "Ring",
    "Routing",
    "Seed",
    "Setting",
    "Sharding",
    "Speed",
    "String",
    "Timing",
];

pub(super) fn check(table: &Table, file: &File, region: &Region, found: &mut BTreeSet<Violation>) {
    for name in NAME.find_iter(&region.text) {
        let words = words_of(name.as_str());
        table.check_name(file, region.line_at(name.start()), &words, found);
    }
    for declaration in DECLARATION.captures_iter(&region.text) {
        let name = declaration.get(1).expect("the pattern has one group");
        let line = region.line_at(name.start());
        table.check_type(file, line, name.as_str(), found);
        if PARTICIPLE.is_match(name.as_str()) && !NOUNS.contains(&name.as_str()) {
            found.insert(Violation {
                path: file.path.clone(),
                line,
                denied: format!("type {}", name.as_str()),
                instead: "the noun of what it holds, no bare participle".to_owned(),
            });
        }
    }
}

/// `snake_case`, `CamelCase` and `SHOUTING_CASE`, in small letters.
fn words_of(name: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for part in name.split(|c: char| c == '_' || c.is_ascii_digit()) {
        let letters = part.as_bytes();
        let mut start = 0;
        for i in 1..letters.len() {
            let is_first = letters[i].is_ascii_uppercase()
                && (letters[i - 1].is_ascii_lowercase()
                    || letters.get(i + 1).is_some_and(u8::is_ascii_lowercase));
            if is_first {
                words.push(part[start..i].to_ascii_lowercase());
                start = i;
            }
        }
        if start < part.len() {
            words.push(part[start..].to_ascii_lowercase());
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_at_every_border() {
        assert_eq!(words_of("DriverCard"), ["driver", "card"]);
        assert_eq!(words_of("FULL_PART_2"), ["full", "part"]);
        assert_eq!(words_of("HTTPServer_x1y"), ["http", "server", "x", "y"]);
    }
}
