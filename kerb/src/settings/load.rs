//! Merges the layers into settings. Each value is checked by itself, so that every problem is reported with its layer.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;
use toml::de::DeValue;

use super::blame::{Blame, is_part};
use super::layer::{Entry, Given, Origin};
use super::problem::{Problem, Problems};
use super::{Settings, environment, file, schema};

/// The layers of the settings. An empty value gives the defaults.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The TOML file; it must exist.
    pub file: Option<PathBuf>,
    /// All environment variables; those without the prefix are ignored.
    pub variables: Vec<(String, String)>,
    /// Command-line flags; a later one overrides an earlier one.
    pub flags: Vec<Entry>,
}

/// Settings, and the origin of each value.
#[derive(Clone, Debug)]
pub struct LoadedSettings {
    /// The validated settings.
    pub settings: Settings,
    /// The origins by key; a default has no entry.
    pub origins: BTreeMap<String, Origin>,
}

impl Sources {
    /// Reads and merges all layers, or returns all their problems.
    pub fn load(self) -> Result<LoadedSettings, Problems> {
        let mut problems = Vec::new();
        let mut entries = match self.file.as_deref().map(file::read) {
            Some(Err(file_problems)) => {
                problems.extend(file_problems.0);
                Vec::new()
            }
            Some(Ok(entries)) => entries,
            None => Vec::new(),
        };
        entries.extend(environment::entries(self.variables));
        entries.extend(self.flags);
        merge(entries, problems)
    }
}

fn merge(entries: Vec<Entry>, mut problems: Vec<Problem>) -> Result<LoadedSettings, Problems> {
    let defaults = serde_json::to_value(Settings::default()).expect("settings are plain data");
    let known = schema::leaves(&defaults);
    let mut effective = defaults.clone();
    let (mut origins, mut parts) = (BTreeMap::new(), BTreeMap::new());
    for Entry { key, given, origin, parts: own_parts } in entries {
        if given.is_empty_table() && schema::is_section(&key, &known) {
            continue;
        }
        match convert(&defaults, &known, &key, &given) {
            Ok(value) => {
                schema::set(&mut effective, &key, value);
                parts.retain(|path: &String, _| !is_part(path, &key));
                parts.extend(own_parts);
                origins.insert(key, origin);
            }
            Err(message) => problems.push(Problem { origin: Some(origin), key, message }),
        }
    }
    let blame = Blame { defaults: &defaults, effective: &effective, origins: &origins, parts: &parts };
    let settings = read(&effective);
    problems.extend(settings.validate().into_iter().flat_map(|error| blame.problems(&error)));
    if problems.is_empty() { Ok(LoadedSettings { settings, origins }) } else { Err(Problems(problems)) }
}

/// Reads settings of which each value was accepted by itself.
pub(super) fn read(tree: &Value) -> Settings {
    serde_json::from_value(tree.clone()).expect("each value was accepted by itself")
}

/// Returns the value in the type of its key, or describes the problem.
fn convert(defaults: &Value, known: &[(String, Value)], key: &str, given: &Given) -> Result<Value, String> {
    let Some((_, default)) = known.iter().find(|(k, _)| k == key) else {
        return Err(schema::advice(key, known));
    };
    let mut first_error = None;
    for candidate in candidates(given, default) {
        let mut tree = defaults.clone();
        schema::set(&mut tree, key, candidate.clone());
        match serde_json::from_value::<Settings>(tree) {
            Ok(_) => return Ok(candidate),
            Err(error) => first_error = first_error.or(Some(error)),
        }
    }
    let reason = first_error.map_or_else(String::new, |error| error.to_string());
    let example = if default.is_null() { String::new() } else { format!("; the default is {default}") };
    Err(format!("{given} is invalid: {reason}{example}"))
}

/// Returns the possible readings of a text: a list if the default is a list; otherwise a TOML value, then the text itself.
fn candidates(given: &Given, default: &Value) -> Vec<Value> {
    let text = match given {
        Given::Typed(value) => return vec![value.clone()],
        Given::Text(text) => text,
    };
    let parsed = DeValue::parse(text).ok().map(|value| file::to_json(value.get_ref()));
    if default.is_array() && !text.trim_start().starts_with('[') {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        return vec![parts.map(Value::from).collect()];
    }
    let plain = Value::String(text.clone());
    if default.is_string() {
        return vec![plain];
    }
    parsed.into_iter().chain([plain]).collect()
}
