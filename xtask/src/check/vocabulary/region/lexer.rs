//! Rust and Protocol Buffers: where code, comments and string literals begin and end.

use super::markdown::paragraphs;
use super::{Kind, Region};

/// One line's comment: its line, its marker and its text.
type Comment<'a> = (usize, &'a str, &'a str);

pub(super) fn regions(text: &str) -> Vec<Region> {
    let mut lexer = Lexer { text, at: 0, line: 1, found: Vec::new(), comments: Vec::new(), code: None };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.end_code();
    lexer.end_comments();
    lexer.found
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    found: Vec<Region>,
    /// Comments of one marker on lines in a row.
    comments: Vec<Comment<'a>>,
    /// Code of the present line.
    code: Option<String>,
}

impl<'a> Lexer<'a> {
    fn step(&mut self) {
        let rest = &self.text[self.at..];
        if rest.starts_with("//") {
            self.comment(rest);
        } else if let Some(hashes) = raw_string(rest).filter(|_| !self.is_in_name()) {
            self.raw(rest, hashes);
        } else if rest.starts_with('"') {
            self.string(rest);
        } else if let Some(length) = char_literal(rest) {
            self.code.get_or_insert_default().push(' ');
            self.at += length;
        } else {
            let next = rest.chars().next().expect("the caller saw that text is left");
            self.at += next.len_utf8();
            if next == '\n' {
                self.end_code();
                self.line += 1;
            } else {
                self.code.get_or_insert_default().push(next);
            }
        }
    }

    fn is_in_name(&self) -> bool {
        self.text[..self.at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
    }

    fn comment(&mut self, rest: &'a str) {
        let line = &rest[..rest.find('\n').unwrap_or(rest.len())];
        let marker = ["///", "//!", "//"].into_iter().find(|marker| line.starts_with(marker)).unwrap_or("//");
        let follows =
            self.comments.last().is_some_and(|(number, last, _)| *number + 1 == self.line && *last == marker);
        if !follows {
            self.end_comments();
        }
        self.comments.push((self.line, marker, &line[marker.len()..]));
        self.at += line.len();
    }

    fn raw(&mut self, rest: &str, hashes: usize) {
        let opening = rest.find('"').expect("a raw string has a quote") + 1;
        let closing = format!("\"{}", "#".repeat(hashes));
        let length = rest[opening..].find(&closing).unwrap_or(rest.len() - opening);
        self.message(&rest[opening..opening + length], opening + length + closing.len());
    }

    fn string(&mut self, rest: &str) {
        let mut escaped = false;
        let end = rest[1..].char_indices().find(|(_, c)| {
            let is_end = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            is_end
        });
        let length = end.map_or(rest.len() - 1, |(i, _)| i);
        self.message(&rest[1..=length], length + 2);
    }

    /// Text that holds a blank is for people; other text is a key or a name of the wire.
    fn message(&mut self, text: &str, length: usize) {
        self.code.get_or_insert_default().push_str("\"\"");
        if text.trim().contains(' ') {
            let lines =
                text.lines().enumerate().map(|(i, line)| (self.line + i, line.trim_end_matches('\\')));
            self.found.extend(paragraphs(lines, Kind::Message));
        }
        self.line += text.matches('\n').count();
        self.at = (self.at + length).min(self.text.len());
    }

    fn end_code(&mut self) {
        if let Some(text) = self.code.take().filter(|text| !text.trim().is_empty()) {
            self.found.push(Region {
                kind: Kind::Code,
                text,
                lines: vec![(0, self.line)],
                spans: Vec::new(),
            });
        }
    }

    fn end_comments(&mut self) {
        let comments = std::mem::take(&mut self.comments);
        let Some((_, marker, _)) = comments.first() else { return };
        let kind = if *marker == "//" { Kind::Prose } else { Kind::Doc };
        let mut regions = paragraphs(comments.iter().map(|(number, _, text)| (*number, *text)), kind);
        if kind == Kind::Doc && regions.len() > 1 {
            // Only a doc that is a single paragraph can be too short.
            for region in &mut regions {
                region.kind = Kind::Prose;
            }
        }
        self.found.extend(regions);
    }
}

/// The number of `#` of a raw string that begins here.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix("br").or_else(|| rest.strip_prefix('r'))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

/// The length of a character literal that begins here; a lifetime is none.
fn char_literal(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escaped) = inner.strip_prefix('\\') {
        return escaped[1..].find('\'').map(|i| i + 4);
    }
    let first = inner.chars().next()?;
    inner[first.len_utf8()..].starts_with('\'').then_some(first.len_utf8() + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str, kind: Kind) -> Vec<String> {
        regions(text).into_iter().filter(|region| region.kind == kind).map(|region| region.text).collect()
    }

    #[test]
    fn code_comments_and_strings_are_told_apart() {
        let text = "let a = \"b // c\"; // d e\nlet q = '\"'; f::<'a>(r#\"x \" y\"#);";
        assert_eq!(texts(text, Kind::Prose), ["d e"]);
        assert_eq!(texts(text, Kind::Message), ["b // c", "x \" y"]);
        assert_eq!(texts(text, Kind::Code), ["let a = \"\"; ", "let q =  ; f::<'a>(\"\");"]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_paragraphs() {
        let found = regions("/// a\n/// b\nlet s = \"c\nd e\";\n// f");
        let lines: Vec<usize> = found.iter().map(|region| region.line_at(0)).collect();
        assert_eq!(lines.len(), 4);
        assert_eq!(found.iter().find(|region| region.text == "f").map(|region| region.line_at(0)), Some(5));
        assert_eq!(
            found.iter().find(|region| region.kind == Kind::Doc).map(|region| region.line_at(2)),
            Some(2)
        );
    }
}
