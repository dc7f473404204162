//! Single values, each with its origin.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// The origin of a value; a later origin overrides an earlier one.
#[expect(missing_docs, reason = "the path of the file needs no more words")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// No layer gives the value.
    Default,
    /// A line of the TOML file.
    File {
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
    /// An environment variable.
    Variable(String),
    /// A command-line flag.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{} line {line}", path.display()),
            Self::Variable(name) => write!(f, "environment variable {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A value in the form of its layer.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// A typed value of the file.
    Typed(Value),
    /// Text of a variable or a flag, parsed as the type of its key.
    Text(String),
}

impl Given {
    /// Returns whether this is a table without keys, such as a section whose keys are all commented out.
    pub(super) fn is_empty_table(&self) -> bool {
        matches!(self, Self::Typed(Value::Object(table)) if table.is_empty())
    }
}

impl fmt::Display for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Typed(value) => value.fmt(f),
            Self::Text(text) => write!(f, "{text:?}"),
        }
    }
}

/// One key of one layer.
#[expect(missing_docs, reason = "the types of the fields have docs")]
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Path of the key with dots: `aggregator.search_deadline_ms`.
    pub key: String,
    pub given: Given,
    pub origin: Origin,
    /// Of a list in a file: the origins of its elements and their fields, by path (`matcher.markets[0].name`).
    pub parts: Vec<(String, Origin)>,
}

impl Entry {
    /// Makes an entry of a command-line flag.
    pub fn flag(flag: &str, key: &str, text: impl Into<String>) -> Self {
        Self::text(key.to_owned(), text.into(), Origin::Flag(flag.to_owned()))
    }

    pub(super) fn text(key: String, text: String, origin: Origin) -> Self {
        Self { key, given: Given::Text(text), origin, parts: Vec::new() }
    }
}
