//! Progress bars on stderr. They are hidden if stderr is not a terminal.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Makes a progress bar with this template of `indicatif`.
pub(crate) fn bar(template: &str) -> ProgressBar {
    let shown = std::io::stderr().is_terminal();
    let target = if shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    ProgressBar::with_draw_target(None, target).with_style(style)
}

/// Makes a progress bar that counts these items.
pub(crate) fn counter(items: &str) -> ProgressBar {
    bar(&format!("{{bar:40}} {{pos}}/{{len}} {items}, {{elapsed}}"))
}
