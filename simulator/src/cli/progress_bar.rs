//! The progress bar of a command.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// The progress of a run, or of a number of runs. It draws nothing when standard error is no terminal.
pub(super) struct RunProgress {
    from: i64,
    bar: ProgressBar,
}

impl RunProgress {
    pub(super) fn new(from: i64, to: i64, is_visible: bool) -> Self {
        let target = if is_visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some((to - from).max(0).unsigned_abs()), target);
        let style = ProgressStyle::with_template("{bar:40} {percent:>3} %  {elapsed} elapsed, {eta} left");
        bar.set_style(style.expect("the template is valid"));
        Self { from, bar }
    }

    pub(super) fn set(&self, now: i64) {
        self.bar.set_position((now - self.from).max(0).unsigned_abs());
    }

    pub(super) fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
