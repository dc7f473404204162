//! Paragraphs of Markdown, which docs and comments are, too.

use std::sync::LazyLock;

use regex::Regex;

use super::{Kind, Region};

static ADDRESS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"https?://[^\s)>]+|\]\([^)]*\)|<[^>\s]+@[^>]+>").expect("a constant"));

/// Cells of a table, items of a list and headings are paragraphs; fenced blocks and indented code are none.
pub(super) fn paragraphs<'a>(lines: impl Iterator<Item = (usize, &'a str)>, kind: Kind) -> Vec<Region> {
    let mut found = Vec::new();
    let mut open: Option<Region> = None;
    let mut fenced = false;
    for (number, line) in lines {
        let line = line.trim();
        let is_fence = line.starts_with("```");
        if is_fence || fenced || line.is_empty() {
            found.extend(open.take());
            fenced ^= is_fence;
        } else if let Some(row) = line.strip_prefix('|') {
            found.extend(open.take());
            found.extend(row.split('|').map(|cell| begin(kind, number, cell.trim())));
        } else if starts_paragraph(line) {
            found.extend(open.replace(begin(kind, number, line)));
        } else if let Some(region) = &mut open {
            region.text.push(' ');
            region.lines.push((region.text.len(), number));
            region.text.push_str(line);
        } else {
            open = Some(begin(kind, number, line));
        }
    }
    found.extend(open);
    found.into_iter().map(blank_code).filter(|region| !region.text.is_empty()).collect()
}

fn starts_paragraph(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with(['#', '*', '>'])
        || line.starts_with("- ")
        || (number.len() < line.len() && number.starts_with(". "))
}

fn begin(kind: Kind, number: usize, line: &str) -> Region {
    let text = line.trim_start_matches(['#', '*', '>', '-', ' ']);
    Region { kind, text: text.to_owned(), lines: vec![(0, number)], spans: Vec::new() }
}

/// Takes what stands between backticks out of the prose, and addresses with it.
fn blank_code(mut region: Region) -> Region {
    let blank = |text: &str| "x".repeat(text.len());
    let text = ADDRESS.replace_all(&region.text, |found: &regex::Captures| blank(&found[0])).into_owned();
    let mut prose = String::with_capacity(text.len());
    for (i, part) in text.split('`').enumerate() {
        if i > 0 {
            prose.push('`');
        }
        if i % 2 == 1 {
            region.spans.push((region.line_at(prose.len()), part.to_owned()));
            prose.push_str(&blank(part));
        } else {
            prose.push_str(part);
        }
    }
    region.text = prose;
    region
}
