//! Settings from environment variables: `KERB__SECTION__KEY`, with two underscores between the parts.

use super::layer::{Entry, Origin};

/// The prefix of the variables that are settings.
pub const PREFIX: &str = "KERB__";

/// Returns the settings among these variables, sorted by key.
pub(super) fn entries(variables: impl IntoIterator<Item = (String, String)>) -> Vec<Entry> {
    let mut entries: Vec<_> = variables.into_iter().filter_map(|(name, text)| entry(name, text)).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    entries
}

fn entry(name: String, text: String) -> Option<Entry> {
    let key = name.strip_prefix(PREFIX)?.to_ascii_lowercase().replace("__", ".");
    Some(Entry::text(key, text, Origin::Variable(name)))
}
