//! Prints the progress: a bar on a terminal, plain lines elsewhere, and notes between them.

use std::io::IsTerminal;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use kerb::terminal::{escape_lines, note, print_line};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use super::state::{Counters, ReplayState};

/// Where the progress goes. The caller prints the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// Lines on standard output.
    Stdout,
    /// Lines on standard error, with a progress bar when that is a terminal.
    Stderr,
    /// The progress is not printed.
    Silent,
}

/// Prints until `stop`, then the remaining notes.
pub(super) async fn run(shared: Arc<ReplayState>, out: Out, stop: CancellationToken) {
    let mut printer = ProgressPrinter { out, bar: bar(&shared, out), sent: 0, at: Instant::now() };
    let period = Duration::from_secs(u64::from(shared.options.report_interval_s));
    let mut ticks = interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => printer.print(&shared),
        }
    }
    printer.notes(&shared);
    if let Some(bar) = &printer.bar {
        bar.finish_and_clear();
    }
}

struct ProgressPrinter {
    out: Out,
    bar: Option<ProgressBar>,
    sent: u64,
    at: Instant,
}

impl ProgressPrinter {
    fn print(&mut self, shared: &ReplayState) {
        self.notes(shared);
        let sent = Counters::get(&shared.counters.sent);
        let rate = (sent - self.sent) as f64 / self.at.elapsed().as_secs_f64().max(0.001);
        (self.sent, self.at) = (sent, Instant::now());
        let (checked, wrong, sample, freshness) = {
            let tallies = shared.tallies.lock();
            (tallies.checked, tallies.wrong, tallies.sample.clone(), tallies.freshness_ms.summary())
        };
        let connected = Counters::get(&shared.counters.connected);
        let clock = time_of_day(shared.simulated_ms(), shared.options.utc_offset_h);
        let fresh = if freshness.count == 0 {
            String::new()
        } else {
            format!(", visible after {} ms (p50)", freshness.p50)
        };
        let message = format!(
            "{clock}  {connected} cabs, {rate:.0} updates/s{fresh}, {checked} searches checked, {wrong} wrong"
        );
        if let Some(bar) = &self.bar {
            bar.set_position(shared.simulated_s() as u64);
            bar.set_message(message);
        } else {
            self.line(&message);
            if let Some(sample) = sample {
                self.line(&format!("          {sample}"));
            }
        }
    }

    fn notes(&self, shared: &ReplayState) {
        let notes = std::mem::take(&mut shared.tallies.lock().notes);
        for note in &notes {
            self.line(note);
        }
    }

    fn line(&self, text: &str) {
        // A closed output does not end the run: the report still counts.
        match (self.out, &self.bar) {
            (Out::Silent, _) => {}
            (_, Some(bar)) => bar.println(escape_lines(text)),
            (Out::Stdout, None) => {
                let _unwritten = print_line(text);
            }
            (Out::Stderr, None) => note(text),
        }
    }
}

fn bar(shared: &ReplayState, out: Out) -> Option<ProgressBar> {
    if out != Out::Stderr || !std::io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(shared.whole_s() as u64), ProgressDrawTarget::stderr());
    Some(bar.with_style(style))
}

/// Formats a Unix time as hours, minutes and seconds, `utc_offset_h` hours from UTC.
pub fn time_of_day(ms: i64, utc_offset_h: i32) -> String {
    let s = (ms.div_euclid(1_000) + i64::from(utc_offset_h) * 3_600).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}
