//! Reads the TOML file into entries, each with its line.

use std::path::Path;

use serde_json::{Map, Number, Value};
use toml::de::{DeTable, DeValue};

use super::layer::{Entry, Given, Origin};
use super::problem::{Problem, Problems};

/// Reads and parses a file.
pub(super) fn read(path: &Path) -> Result<Vec<Entry>, Problems> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        let message = format!("cannot be read: {error}");
        Problems(vec![Problem { origin: None, key: path.display().to_string(), message }])
    })?;
    parse(path, &text)
}

/// Parses a file's text; `path` is used in messages only.
fn parse(path: &Path, text: &str) -> Result<Vec<Entry>, Problems> {
    let origin = |offset: usize| Origin::File { path: path.to_owned(), line: line_of(text, offset) };
    let table = DeTable::parse(text).map_err(|error| {
        let origin = Some(origin(error.span().map_or(0, |span| span.start)));
        Problems(vec![Problem {
            origin,
            key: String::new(),
            message: format!("not TOML: {}", error.message()),
        }])
    })?;
    let mut entries = Vec::new();
    collect("", table.get_ref(), &origin, &mut entries);
    Ok(entries)
}

/// Turns tables into key paths and all other values into entries. An empty table below the root is an entry of its own.
fn collect(parent: &str, table: &DeTable<'_>, origin: &dyn Fn(usize) -> Origin, entries: &mut Vec<Entry>) {
    for (name, value) in table {
        let key = if parent.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{parent}.{}", name.get_ref())
        };
        match value.get_ref() {
            DeValue::Table(inner) if !inner.is_empty() => collect(&key, inner, origin, entries),
            other => {
                let given = Given::Typed(to_json(other));
                let mut parts = Vec::new();
                collect_parts(&key, other, origin, &mut parts);
                entries.push(Entry { key, given, origin: origin(name.span().start), parts });
            }
        }
    }
}

/// Collects the origins of the elements of a list, and of the fields of tables in it.
fn collect_parts(
    path: &str,
    value: &DeValue<'_>,
    origin: &dyn Fn(usize) -> Origin,
    parts: &mut Vec<(String, Origin)>,
) {
    match value {
        DeValue::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                let path = format!("{path}[{i}]");
                parts.push((path.clone(), origin(item.span().start)));
                collect_parts(&path, item.get_ref(), origin, parts);
            }
        }
        DeValue::Table(table) => {
            for (name, value) in table {
                let path = format!("{path}.{}", name.get_ref());
                parts.push((path.clone(), origin(name.span().start)));
                collect_parts(&path, value.get_ref(), origin, parts);
            }
        }
        _ => {}
    }
}

/// Converts a value to JSON. JSON has no dates and no infinities: they become text, which the types then reject.
pub(super) fn to_json(value: &DeValue<'_>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(integer) => {
            let parsed = i64::from_str_radix(integer.as_str(), integer.radix());
            parsed.map_or_else(|_| Value::String(integer.to_string()), Value::from)
        }
        DeValue::Float(float) => {
            let parsed = float.as_str().parse().ok().and_then(Number::from_f64);
            parsed.map_or_else(|| Value::String(float.to_string()), Value::Number)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => items.iter().map(|item| to_json(item.get_ref())).collect(),
        DeValue::Table(table) => {
            let pairs =
                table.iter().map(|(name, value)| (name.get_ref().to_string(), to_json(value.get_ref())));
            Value::Object(pairs.collect::<Map<_, _>>())
        }
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
