//! What a file is made of: code, and paragraphs of prose (docs, comments, Markdown, texts that a person reads).

mod lexer;
mod markdown;

use super::super::tree::File;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    /// A whole `///` or `//!` paragraph.
    Doc,
    /// A comment or a paragraph of Markdown.
    Prose,
    /// A string literal that holds a blank.
    Message,
}

#[derive(Debug)]
pub(super) struct Region {
    pub(super) kind: Kind,
    /// In prose what stood between backticks is replaced by `x`, so that offsets stay.
    pub(super) text: String,
    /// Offsets at which a line begins, with its number.
    pub(super) lines: Vec<(usize, usize)>,
    /// What stood between backticks, with its line.
    pub(super) spans: Vec<(usize, String)>,
}

impl Region {
    pub(super) fn line_at(&self, offset: usize) -> usize {
        let after = self.lines.partition_point(|(start, _)| *start <= offset);
        self.lines[after.saturating_sub(1)].1
    }
}

/// Everything that the rule looks at; nothing for a file that is neither code nor text.
pub(super) fn regions(file: &File) -> Vec<Region> {
    let Some(text) = &file.text else { return Vec::new() };
    let name = file.path.rsplit('/').next().unwrap_or(&file.path);
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    match extension {
        "rs" | "proto" => lexer::regions(text),
        "md" => markdown::paragraphs(text.lines().enumerate().map(|(i, line)| (i + 1, line)), Kind::Prose),
        "toml" | "yml" | "yaml" | "sh" => hash_comments(text),
        _ if name == "Makefile" || file.path == ".ci/run" => hash_comments(text),
        _ => Vec::new(),
    }
}

fn hash_comments(text: &str) -> Vec<Region> {
    let comment = |(i, line): (usize, &'_ str)| {
        let line = line.trim_start().strip_prefix('#').unwrap_or("").trim_start_matches('#').to_owned();
        (i + 1, line)
    };
    let lines: Vec<(usize, String)> = text.lines().enumerate().map(comment).collect();
    markdown::paragraphs(lines.iter().map(|(i, line)| (*i, line.as_str())), Kind::Prose)
}
