//! Tells what goes on: a progress bar on a terminal, plain lines otherwise, and a line of news every few seconds.

use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use super::shared::{Counters, Shared};

/// Where the news go. The report is the caller's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// Lines on standard output.
    Stdout,
    /// Lines on standard error, with a progress bar when that is a terminal.
    Stderr,
    /// Nowhere.
    Silent,
}

/// Tells until `stop`, and then what is left to tell.
pub(super) async fn run(shared: Arc<Shared>, out: Out, stop: CancellationToken) {
    let mut teller = Teller { out, bar: bar(&shared, out), sent: 0, at: Instant::now() };
    let period = Duration::from_secs(u64::from(shared.options.report_interval_s));
    let mut ticks = interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => teller.tell(&shared),
        }
    }
    teller.notes(&shared);
    if let Some(bar) = &teller.bar {
        bar.finish_and_clear();
    }
}

struct Teller {
    out: Out,
    bar: Option<ProgressBar>,
    sent: u64,
    at: Instant,
}

impl Teller {
    fn tell(&mut self, shared: &Shared) {
        self.notes(shared);
        let sent = Counters::get(&shared.counters.sent);
        let rate = (sent - self.sent) as f64 / self.at.elapsed().as_secs_f64().max(0.001);
        (self.sent, self.at) = (sent, Instant::now());
        let (judged, wrong, sample, freshness) = {
            let tallies = shared.tallies.lock();
            (tallies.judged, tallies.wrong, tallies.sample.clone(), tallies.freshness_ms.summary())
        };
        let connected = Counters::get(&shared.counters.connected);
        let clock = time_of_day(shared.simulated_ms(), shared.options.utc_offset_h);
        let fresh = if freshness.count == 0 {
            String::new()
        } else {
            format!(", visible after {} ms (p50)", freshness.p50)
        };
        let news = format!(
            "{clock}  {connected} cabs, {rate:.0} updates/s{fresh}, {judged} searches judged, {wrong} wrong"
        );
        if let Some(bar) = &self.bar {
            bar.set_position(shared.simulated_s() as u64);
            bar.set_message(news);
        } else {
            self.line(&news);
            if let Some(sample) = sample {
                self.line(&format!("          {sample}"));
            }
        }
    }

    fn notes(&self, shared: &Shared) {
        let notes = std::mem::take(&mut shared.tallies.lock().notes);
        for note in &notes {
            self.line(note);
        }
    }

    fn line(&self, text: &str) {
        // A reader that has gone away does not end the run: the report still counts.
        _ = match (self.out, &self.bar) {
            (Out::Silent, _) => Ok(()),
            (_, Some(bar)) => {
                bar.println(text);
                Ok(())
            }
            (Out::Stdout, None) => writeln!(std::io::stdout(), "{text}"),
            (Out::Stderr, None) => writeln!(std::io::stderr(), "{text}"),
        };
    }
}

fn bar(shared: &Shared, out: Out) -> Option<ProgressBar> {
    if out != Out::Stderr || !std::io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("{bar:30} {pos}/{len} s  {msg}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::with_draw_target(Some(shared.whole_s() as u64), ProgressDrawTarget::stderr());
    Some(bar.with_style(style))
}

/// Hours, minutes and seconds of a Unix time, so many hours from UTC.
pub fn time_of_day(ms: i64, utc_offset_h: i32) -> String {
    let s = (ms.div_euclid(1_000) + i64::from(utc_offset_h) * 3_600).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", s / 3_600, s / 60 % 60, s % 60)
}
