//! Finds the origin of the value that a failed check is about.
//!
//! A check names one key. Its value may be an element of a list, or a default that another value contradicts. The blame goes
//! to what the user wrote: the line of the element, or the other value.

use std::collections::BTreeMap;

use kerb_types::FieldError;
use serde_json::Value;

use super::layer::Origin;
use super::load::read;
use super::problem::Problem;
use super::schema;

/// The settings that were checked, and where their values came from.
pub(super) struct Blame<'a> {
    pub(super) defaults: &'a Value,
    pub(super) effective: &'a Value,
    /// By key; a default has no entry.
    pub(super) origins: &'a BTreeMap<String, Origin>,
    /// By path: elements of lists in the file.
    pub(super) parts: &'a BTreeMap<String, Origin>,
}

/// Whether the path is the key, or within its value.
pub(super) fn is_part(path: &str, key: &str) -> bool {
    path.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with(['[', '.']))
}

impl Blame<'_> {
    /// Returns the error with the origin of its value: one problem for each value at fault.
    pub(super) fn problems(&self, error: &FieldError) -> Vec<Problem> {
        let problem = |origin: &Origin, key: &str, message: String| Problem {
            origin: Some(origin.clone()),
            key: key.to_owned(),
            message,
        };
        let (field, message) = (error.field.to_string(), &error.description);
        if let Some(origin) = self.origin_of(&field) {
            return vec![problem(origin, &field, message.clone())];
        }
        let contradicts = |key: &str| {
            let value = key.split('.').fold(self.effective, |tree, part| &tree[part]);
            format!("{value} contradicts the default of {field}: {message}")
        };
        let at_fault: Vec<_> =
            self.origins.iter().filter(|(key, _)| self.is_mended_without(key, &field)).collect();
        if at_fault.is_empty() {
            return vec![problem(&Origin::Default, &field, message.clone())];
        }
        at_fault.into_iter().map(|(key, origin)| problem(origin, key, contradicts(key))).collect()
    }

    /// Returns the origin of the value at a path: of the smallest part that has one.
    fn origin_of(&self, path: &str) -> Option<&Origin> {
        let around = |known: &&String| is_part(path, known);
        let part = self.parts.keys().filter(around).max_by_key(|known| known.len());
        let key = || self.origins.keys().find(around);
        part.and_then(|part| self.parts.get(part)).or_else(|| key().and_then(|key| self.origins.get(key)))
    }

    /// Whether the field is valid with the default of this key.
    fn is_mended_without(&self, key: &str, field: &str) -> bool {
        let mut tree = self.effective.clone();
        let default = key.split('.').fold(self.defaults, |tree, part| &tree[part]);
        schema::set(&mut tree, key, default.clone());
        read(&tree).validate().iter().all(|error| error.field != field)
    }
}
