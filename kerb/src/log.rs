//! The log of a server process on stderr; stdout only carries answers.
//!
//! Values come from callers, for example ids of drivers. They are escaped, so that none can forge a line.

use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write};

use kerb::settings::{LogFormat, LogOptions};
use kerb::terminal::{EscapingWriter, escape_json};
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::format::{Writer, debug_fn};

/// Starts logging. The filter is valid, because the settings are validated.
pub(crate) fn start(options: &LogOptions) {
    let filter = EnvFilter::try_new(&options.filter).unwrap_or_default();
    let filter = without_protocol_warnings(filter, &options.filter);
    // An error of stderr would be reported on stderr, which panics.
    let builder = tracing_subscriber::fmt().with_env_filter(filter).log_internal_errors(false);
    match options.format {
        LogFormat::Text => builder
            .fmt_fields(debug_fn(write_field).delimited(" "))
            .with_writer(io::stderr)
            .with_ansi(io::stderr().is_terminal())
            .init(),
        LogFormat::Json => builder.with_writer(|| JsonLines(io::stderr())).json().flatten_event(true).init(),
    }
}

/// Leaves out the warnings of the HTTP/2 library, unless the user's filter names it: it logs one for each abusive connection.
/// The server logs its own, at a bounded rate.
fn without_protocol_warnings(filter: EnvFilter, text: &str) -> EnvFilter {
    let names_library = text.split(',').any(|directive| directive.trim().starts_with("h2"));
    if names_library {
        return filter;
    }
    filter.add_directive("h2=error".parse().expect("it is a valid directive"))
}

/// Writes one field of a text line.
fn write_field(out: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    if field.name() != "message" {
        write!(out, "{}=", field.name())?;
    }
    write!(EscapingWriter(out), "{value:?}")
}

/// Writes lines of JSON, whose strings may hold characters that reorder the text on a terminal.
struct JsonLines<W>(W);

impl<W: Write> Write for JsonLines<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A record is written at once, so no character is cut in two.
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(escape_json(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn no_value_forges_a_line_of_text() {
        let lines = Lines::default();
        let out = lines.clone();
        let log = tracing_subscriber::fmt()
            .fmt_fields(debug_fn(write_field).delimited(" "))
            .with_writer(move || out.clone())
            .with_ansi(false)
            .finish();
        let id = "cab\n2026-01-01T00:00:00Z ERROR kerb: forged\u{202e}";
        tracing::subscriber::with_default(log, || {
            tracing::info!(driver = %id, text = id, count = 3, "driver {id} is late");
        });
        let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.contains("driver cab\\n2026") && text.contains("driver=cab\\n2026"), "{text}");
        assert!(
            text.contains("count=3") && text.contains("\\u{202e}") && !text.contains('\u{202e}'),
            "{text}"
        );
    }

    #[test]
    fn json_lines_escape_what_reorders_text() {
        let mut out = Vec::new();
        JsonLines(&mut out).write_all("{\"driver\":\"a\u{202e}\"}\n".as_bytes()).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "{\"driver\":\"a\\u202e\"}\n");
    }
}
