//! Prints the effective settings as TOML, with the origin of each value.

use std::fmt;

use serde_json::Value;

use super::load::LoadedSettings;
use super::schema;

/// The column in which comments start, where the value leaves room.
const COMMENT_COLUMN: usize = 48;

impl fmt::Display for LoadedSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tree = serde_json::to_value(&self.settings).expect("settings are plain data");
        let mut section = String::new();
        for (key, value) in schema::leaves(&tree) {
            let (table, name) = key.rsplit_once('.').unwrap_or(("", &key));
            if table != section {
                let newline = if section.is_empty() { "" } else { "\n" };
                writeln!(f, "{newline}[{table}]")?;
                table.clone_into(&mut section);
            }
            let origin = self.origins.get(&key).map_or_else(|| "default".to_owned(), ToString::to_string);
            // TOML has no null: an unset key becomes a comment.
            let line = if value.is_null() {
                format!("# {name} is not set")
            } else {
                format!("{name} = {}", toml(&value))
            };
            writeln!(f, "{line:COMMENT_COLUMN$} # {origin}")?;
        }
        Ok(())
    }
}

/// Formats a value on one line. JSON and TOML write scalars alike.
fn toml(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        // Keys are field names, which TOML accepts without quotes.
        Value::Object(fields) => {
            let fields = fields.iter().map(|(name, value)| format!("{name} = {}", toml(value)));
            format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}
