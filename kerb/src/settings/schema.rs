//! The list of keys, and the suggestion for a wrong one.

use kerb_types::FieldError;
use serde_json::Value;

use super::renamed;

/// The smallest similarity (Jaro-Winkler, 0 to 1) of a suggestion; a less similar key would only confuse.
const SIMILARITY_MIN: f64 = 0.75;

/// Keys of services that a shared key overrides: own key, shared key.
const SHARED: [(&str, &str); 7] = [
    ("server.shutdown_grace_ms", "node.drain_ms"),
    ("location_ingest.drain_timeout_ms", "node.drain_ms"),
    ("location_ingest.data_dir", "node.data_dir"),
    ("location_ingest.position_ttl_ms", "fleet.position_ttl_ms"),
    ("location_ingest.stale_after_ms", "aggregator.stale_after_ms"),
    ("index_server.position_ttl_ms", "fleet.position_ttl_ms"),
    ("aggregator.position_ttl_ms", "fleet.position_ttl_ms"),
];

/// Replaces a service's own key in an error by the shared key that a user can set.
pub(super) fn by_shared_key(error: FieldError) -> FieldError {
    match SHARED.iter().find(|(own, _)| *own == error.field) {
        Some((_, shared)) => FieldError::new(*shared, error.description),
        None => error,
    }
}

/// Returns every leaf of the settings with its dotted path, in the order of the sections.
pub(super) fn leaves(tree: &Value) -> Vec<(String, Value)> {
    let mut leaves = Vec::new();
    collect("", tree, &mut leaves);
    leaves.retain(|(key, _)| !SHARED.iter().any(|(own, _)| own == key));
    leaves
}

fn collect(parent: &str, tree: &Value, leaves: &mut Vec<(String, Value)>) {
    match tree {
        Value::Object(map) => {
            for (name, value) in map {
                let key = if parent.is_empty() { name.clone() } else { format!("{parent}.{name}") };
                collect(&key, value, leaves);
            }
        }
        leaf => leaves.push((parent.to_owned(), leaf.clone())),
    }
}

/// Sets a leaf. The path must be one of [`leaves`].
pub(super) fn set(tree: &mut Value, key: &str, value: Value) {
    let slot = key.split('.').fold(tree, |tree, part| &mut tree[part]);
    *slot = value;
}

/// Returns whether the path is a section.
pub(super) fn is_section(key: &str, known: &[(String, Value)]) -> bool {
    let prefix = format!("{key}.");
    known.iter().any(|(k, _)| k.starts_with(&prefix))
}

/// Returns the advice for a key that does not exist.
pub(super) fn advice(key: &str, known: &[(String, Value)]) -> String {
    if let Some(new) = renamed::new_name(key) {
        return format!("no such key: it was renamed to {new}");
    }
    if let Some((_, shared)) = SHARED.iter().find(|(own, _)| *own == key) {
        return format!("no such key: the services share {shared}");
    }
    if is_section(key, known) {
        return "is a section, not a value".to_owned();
    }
    let parent = known.iter().find(|(k, _)| key.starts_with(&format!("{k}.")));
    if let Some((parent, _)) = parent {
        return format!("no such key: {parent} is a value, not a section");
    }
    // The last part is compared, too: a key in the wrong section is a common mistake.
    let last = |k: &str| k.rsplit('.').next().unwrap_or_default().to_owned();
    let similarity =
        |k: &str| strsim::jaro_winkler(k, key).max(strsim::jaro_winkler(&last(k), &last(key)) - 0.01);
    let best = known.iter().map(|(k, _)| (similarity(k), k)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((similarity, best)) if similarity >= SIMILARITY_MIN => {
            format!("no such key; did you mean {best}?")
        }
        _ => format!("no such key; the sections are {}", sections(known).join(", ")),
    }
}

fn sections(known: &[(String, Value)]) -> Vec<&str> {
    let mut names: Vec<_> = known.iter().filter_map(|(k, _)| k.split('.').next()).collect();
    names.dedup();
    names
}
