//! The log of a server process on stderr; stdout only carries answers.

use std::io::IsTerminal;

use kerb::settings::{LogFormat, LogOptions};
use tracing_subscriber::EnvFilter;

/// Starts logging. The filter is valid, because the settings are validated.
pub(crate) fn start(options: &LogOptions) {
    let filter = EnvFilter::try_new(&options.filter).unwrap_or_default();
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match options.format {
        LogFormat::Text => builder.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => builder.json().flatten_event(true).init(),
    }
}
