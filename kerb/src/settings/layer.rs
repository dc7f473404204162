//! Single values, each with where it came from.

use std::fmt;
use std::path::PathBuf;

use serde_json::Value;

/// Where a value came from; later ones win.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A line of the TOML file.
    File {
        /// The file.
        path: PathBuf,
        /// From 1.
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

/// A value as a layer gave it.
#[derive(Clone, Debug, PartialEq)]
pub enum Given {
    /// With a type, from the file.
    Typed(Value),
    /// Text that becomes what its key wants, from a variable or a flag.
    Text(String),
}

impl Given {
    /// A table without keys, as a file's section whose keys are all commented out.
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

/// One value of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Dotted path: `aggregator.search_deadline_ms`.
    pub key: String,
    /// The value.
    pub given: Given,
    /// Where it stands.
    pub origin: Origin,
}

impl Entry {
    /// A value of a flag.
    pub fn flag(flag: &str, key: &str, text: impl Into<String>) -> Self {
        Self { key: key.to_owned(), given: Given::Text(text.into()), origin: Origin::Flag(flag.to_owned()) }
    }
}
