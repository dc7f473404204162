//! The table of denied words, ready to be looked for.

use std::collections::{BTreeMap, BTreeSet};

use regex::Regex;
use serde::Deserialize;

use super::super::Finding;
use super::super::tree::File;
use super::is_below;
use super::region::Region;
use crate::Result;

pub(super) const TERMS: &str = include_str!("terms.toml");

/// A denied word in its place.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Violation {
    pub(super) path: String,
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) denied: String,
    /// What to write.
    pub(super) instead: String,
}

impl Violation {
    pub(super) fn finding(&self) -> Finding {
        Finding::new(
            format!("{}:{}", self.path, self.line),
            format!("{}: write {}", self.denied, self.instead),
        )
    }
}

#[derive(Deserialize)]
struct Terms {
    exempt: Vec<Exempt>,
    spelling: BTreeMap<String, String>,
    spelling_allowed: SpellingAllowed,
    word: Vec<Entry>,
    r#type: Vec<Entry>,
    file: Vec<Entry>,
    pattern: Vec<Pattern>,
}

#[derive(Deserialize)]
struct Exempt {
    path: String,
    /// Read by people only.
    #[serde(rename = "reason")]
    _reason: String,
}

#[derive(Deserialize)]
struct SpellingAllowed {
    words: Vec<String>,
}

#[derive(Deserialize)]
struct Entry {
    denied: Vec<String>,
    #[serde(rename = "use")]
    instead: String,
    /// Empty: everywhere.
    #[serde(default)]
    under: Vec<String>,
    #[serde(default, rename = "where")]
    place: Place,
}

#[derive(Deserialize, Default, PartialEq, Eq, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Place {
    #[default]
    Both,
    Names,
    Prose,
}

#[derive(Deserialize)]
struct Pattern {
    regex: String,
    #[serde(rename = "use")]
    instead: String,
}

pub(super) struct Table {
    terms: Terms,
    /// Each denied word with its expression and the index of its entry.
    words: Vec<(Regex, String, usize)>,
    spelling: Regex,
    patterns: Vec<Regex>,
}

impl Table {
    pub(super) fn of(text: &str) -> Result<Self> {
        let terms: Terms = toml::from_str(text)?;
        let mut words = Vec::new();
        for (i, entry) in terms.word.iter().enumerate().filter(|(_, entry)| entry.place != Place::Names) {
            for denied in &entry.denied {
                let expression = Regex::new(&format!(r"(?i)\b{}\b", denied.replace(' ', r"[\s-]")))?;
                words.push((expression, denied.clone(), i));
            }
        }
        let stems: Vec<&str> = terms.spelling.keys().map(String::as_str).collect();
        let spelling = Regex::new(&format!(r"(?i)({})\w*", stems.join("|")))?;
        let patterns =
            terms.pattern.iter().map(|p| Regex::new(&p.regex)).collect::<std::result::Result<_, _>>()?;
        Ok(Self { terms, words, spelling, patterns })
    }

    pub(super) fn is_exempt(&self, path: &str) -> bool {
        self.terms.exempt.iter().any(|exempt| is_below(path, &exempt.path))
    }

    pub(super) fn check_path(&self, file: &File, found: &mut BTreeSet<Violation>) {
        let Some(stem) = file.path.rsplit('/').next().and_then(|name| name.strip_suffix(".rs")) else {
            return;
        };
        for entry in self.terms.file.iter().filter(|entry| entry.applies_to(&file.path)) {
            if entry.denied.iter().any(|denied| denied == stem) {
                add(file, 1, &format!("{stem}.rs"), &entry.instead, found);
            }
        }
    }

    pub(super) fn check_type(&self, file: &File, line: usize, name: &str, found: &mut BTreeSet<Violation>) {
        for entry in self.terms.r#type.iter().filter(|entry| entry.applies_to(&file.path)) {
            if entry.denied.iter().any(|denied| denied == name) {
                add(file, line, name, &entry.instead, found);
            }
        }
    }

    pub(super) fn check_name(
        &self,
        file: &File,
        line: usize,
        words: &[String],
        found: &mut BTreeSet<Violation>,
    ) {
        for word in words {
            self.check_spelling(file, line, word, found);
        }
        let entries = self.terms.word.iter().filter(|entry| entry.place != Place::Prose);
        for entry in entries.filter(|entry| entry.applies_to(&file.path)) {
            for denied in &entry.denied {
                let sequence: Vec<&str> = denied.split(' ').collect();
                if words.windows(sequence.len()).any(|window| window == sequence) {
                    add(file, line, denied, &entry.instead, found);
                }
            }
        }
    }

    pub(super) fn check_prose(&self, file: &File, region: &Region, found: &mut BTreeSet<Violation>) {
        self.check_spelling_in(file, region, found);
        for (expression, denied, i) in &self.words {
            let entry = &self.terms.word[*i];
            if entry.applies_to(&file.path) {
                for hit in expression.find_iter(&region.text) {
                    add(file, region.line_at(hit.start()), denied, &entry.instead, found);
                }
            }
        }
        for (expression, pattern) in self.patterns.iter().zip(&self.terms.pattern) {
            for hit in expression.find_iter(&region.text) {
                let words = hit.as_str().trim_start_matches(['.', '!', '?', ':', ';', ' ']);
                let start = words.char_indices().nth(40).map_or(words, |(i, _)| &words[..i]);
                let at = hit.end() - words.len();
                add(file, region.line_at(at), &format!("\"{start}\""), &pattern.instead, found);
            }
        }
    }

    fn check_spelling_in(&self, file: &File, region: &Region, found: &mut BTreeSet<Violation>) {
        for word in self.spelling.find_iter(&region.text) {
            self.check_spelling(file, region.line_at(word.start()), word.as_str(), found);
        }
    }

    fn check_spelling(&self, file: &File, line: usize, word: &str, found: &mut BTreeSet<Violation>) {
        let Some(stem) = self.spelling.captures(word).and_then(|found| found.get(1)) else { return };
        let word = word.to_lowercase();
        if !self.terms.spelling_allowed.words.contains(&word) {
            let stem = stem.as_str().to_lowercase();
            add(file, line, &stem, &self.terms.spelling[&stem], found);
        }
    }
}

impl Entry {
    fn applies_to(&self, path: &str) -> bool {
        self.under.is_empty() || self.under.iter().any(|folder| is_below(path, folder))
    }
}

fn add(file: &File, line: usize, denied: &str, instead: &str, found: &mut BTreeSet<Violation>) {
    let (denied, instead) = (denied.to_owned(), instead.to_owned());
    found.insert(Violation { path: file.path.clone(), line, denied, instead });
}
