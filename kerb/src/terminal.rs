//! How the binaries print: the one way to stdout and to stderr, and the escapes of text that comes from callers.
//!
//! A reader may close its pipe at any time (`kerb nearby | head`). That ends a command quietly and with success, because
//! the reader has what it wanted. Any other error of stdout, such as a full disk, is a failure with a message.

use std::borrow::Cow;
use std::fmt::{self, Display, Write as _};
use std::io::{self, ErrorKind, IsTerminal, Write};

/// Why stdout did not take all of the output.
#[derive(Debug, thiserror::Error)]
pub enum PrintError {
    /// The reader closed the pipe. The command ends without a message and with success.
    #[error("stdout is closed")]
    Closed,
    /// The output could not be written.
    #[error("cannot write to stdout: {0}")]
    Failed(io::Error),
}

impl From<io::Error> for PrintError {
    fn from(error: io::Error) -> Self {
        if error.kind() == ErrorKind::BrokenPipe { Self::Closed } else { Self::Failed(error) }
    }
}

/// Prints text of whole lines. Characters that control a terminal are escaped, except line breaks and tabs.
pub fn print(text: impl Display) -> Result<(), PrintError> {
    stream(|out| out.write_all(escape_lines(&text.to_string()).as_bytes()))
}

/// Prints the output of the command line parser: the help or the version on stdout. An error goes to stderr and ends the
/// process.
pub fn print_help(text: &clap::Error) -> Result<(), PrintError> {
    if text.use_stderr() {
        text.exit();
    }
    let text = text.render();
    let is_terminal = io::stdout().is_terminal();
    stream(|out| if is_terminal { write!(out, "{}", text.ansi()) } else { write!(out, "{text}") })
}

/// Prints text as [`print()`] does, and a line break.
pub fn print_line(text: impl Display) -> Result<(), PrintError> {
    print(format_args!("{text}\n"))
}

/// Prints JSON on a line. Characters that control a terminal are written as JSON escapes, so the value is the same.
pub fn print_json(json: impl Display) -> Result<(), PrintError> {
    stream(|out| writeln!(out, "{}", escape_json(&json.to_string())))
}

/// Writes to stdout piece by piece, and flushes it.
pub fn stream(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), PrintError> {
    let mut out = io::BufWriter::new(PipeWatcher { out: io::stdout().lock(), is_closed: false });
    match write(&mut out).and_then(|()| out.flush()) {
        Err(_) if out.get_ref().is_closed => Err(PrintError::Closed),
        written => Ok(written?),
    }
}

/// Stdout that notes a closed pipe. A writer of CSV or JSON in between may wrap the error in one of another kind.
struct PipeWatcher<W> {
    out: W,
    is_closed: bool,
}

impl<W: Write> PipeWatcher<W> {
    fn noted<T>(&mut self, written: io::Result<T>) -> io::Result<T> {
        self.is_closed |= written.as_ref().is_err_and(|error| error.kind() == ErrorKind::BrokenPipe);
        written
    }
}

impl<W: Write> Write for PipeWatcher<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes);
        self.noted(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.noted(flushed)
    }
}

/// Prints a message for people on stderr, as a line. A failure is ignored: stderr is where it would be reported.
pub fn note(text: impl Display) {
    let _closed = writeln!(io::stderr(), "{}", escape_lines(&text.to_string()));
}

/// Escapes every character of a caller's text that could end a line, control a terminal or reorder what it shows.
pub fn escape(text: &str) -> Cow<'_, str> {
    escape_where(text, is_unsafe, |c, out| out.extend(c.escape_default()))
}

/// Escapes as [`escape`] does, but keeps line breaks and tabs.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    let is_unsafe = |c| is_unsafe(c) && c != '\n' && c != '\t';
    escape_where(text, is_unsafe, |c, out| out.extend(c.escape_default()))
}

/// Replaces the characters that [`escape`] escapes by JSON escapes. They only occur in strings of valid JSON, apart from
/// line breaks and tabs between values, which stay.
pub fn escape_json(json: &str) -> Cow<'_, str> {
    let is_unsafe = |c| is_unsafe(c) && c != '\n' && c != '\t';
    escape_where(json, is_unsafe, |c, out| {
        for unit in c.encode_utf16(&mut [0; 2]) {
            // Writing to a string cannot fail.
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

fn escape_where(
    text: &str,
    is_unsafe: impl Fn(char) -> bool,
    escape: impl Fn(char, &mut String),
) -> Cow<'_, str> {
    if !text.contains(&is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_unsafe(c) { escape(c, &mut out) } else { out.push(c) }
    }
    Cow::Owned(out)
}

/// Control characters, separators of lines and paragraphs, marks and overrides of the direction of text (Unicode Standard
/// Annex 9), and characters that are not visible.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// A formatter's target that escapes all that is written to it, as [`escape`] does.
pub struct EscapingWriter<'a>(pub &'a mut dyn fmt::Write);

impl fmt::Write for EscapingWriter<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&escape(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_pipe_is_no_failure() {
        assert!(matches!(PrintError::from(io::Error::from(ErrorKind::BrokenPipe)), PrintError::Closed));
        let full = PrintError::from(io::Error::from(ErrorKind::StorageFull));
        assert!(full.to_string().starts_with("cannot write to stdout: "), "{full}");
    }

    #[test]
    fn text_of_callers_cannot_control_a_terminal() {
        assert_eq!(escape("a\u{1b}[2Jß"), "a\\u{1b}[2Jß");
        assert_eq!(escape("cab\n2026-01-01 ERROR forged"), "cab\\n2026-01-01 ERROR forged");
        assert_eq!(escape("a\u{202e}b\u{2066}c\u{2028}d\u{85}"), "a\\u{202e}b\\u{2066}c\\u{2028}d\\u{85}");
        assert_eq!(escape_lines("a\tb\n\u{202e}\r"), "a\tb\n\\u{202e}\\r");
        assert!(matches!(escape("Zürich 東京 👩‍🚒"), Cow::Borrowed(_)), "plain text of any script stays");
    }

    #[test]
    fn escaped_json_has_the_same_value() {
        let value = serde_json::json!({ "id": "a\u{202e}\u{9b}\u{e0041}\n" });
        let text = value.to_string();
        let escaped = escape_json(&text);
        assert_eq!(escaped, "{\"id\":\"a\\u202e\\u009b\\udb40\\udc41\\n\"}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }

    #[test]
    fn a_formatter_escapes_each_piece() {
        let mut out = String::new();
        let (plain, quoted) = ("a\nb", "c\u{202e}");
        write!(EscapingWriter(&mut out), "{plain} {quoted:?}").unwrap();
        assert_eq!(out, "a\\nb \"c\\u{202e}\"");
    }
}
