//! The rules of the repository. Each is a file here: a function from what it looks at to what it found.

mod data;
mod edges;
mod folders;
mod glossary;
mod length;
mod licenses;
mod markers;
mod metadata;
mod paths;
mod sleep;
mod tree;
pub(crate) mod vocabulary;
mod words;

use std::fmt;
use std::path::Path;

use crate::Result;
use metadata::Metadata;
use tree::Tree;

/// A broken rule, or a warning of one.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// Where: a path, with the line where there is one, or a crate.
    place: String,
    /// What is wrong and what would be right.
    message: String,
}

impl Finding {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Prints every finding; fails when one is more than a warning.
pub(crate) fn run(root: &Path) -> Result<()> {
    let tree = Tree::tracked(root)?;
    let metadata = Metadata::of(root)?;
    let allowed = licenses::allowed(&std::fs::read_to_string(root.join("deny.toml"))?)?;

    for warning in length::warnings(&tree).into_iter().chain(folders::warnings(&tree)) {
        println!("warning: {warning}");
    }
    let rules = [
        ("crate edges", edges::check(&metadata)),
        ("file length", length::check(&tree)),
        ("folders", folders::check(&tree)),
        ("glossary", glossary::check(&tree)),
        ("markers", markers::check(&tree)),
        ("paths of documents", paths::check(&tree)),
        ("sleeping tests", sleep::check(&tree)),
        ("data licenses", data::check(&tree)),
        ("forbidden words", words::check(&tree)),
        ("dependency licenses", licenses::check(&metadata, &allowed)),
        ("vocabulary", vocabulary::check(&tree)?),
    ];
    let mut broken = 0;
    for (rule, findings) in &rules {
        for finding in findings {
            println!("{rule}: {finding}");
        }
        broken += findings.len();
    }
    if broken > 0 {
        return Err(format!("{broken} broken rules").into());
    }
    println!("{} rules hold in {} files", rules.len(), tree.files.len());
    Ok(())
}
