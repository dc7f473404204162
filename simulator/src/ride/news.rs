//! Tells what goes on in the city: a line every few seconds, and what just happened to a rider.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, interval_at};
use tokio_util::sync::CancellationToken;

use super::city::City;
use super::tally::Tally;
use crate::replay::{Out, time_of_day};

/// Tells until `stop`, and then what is left to tell.
pub(super) async fn run(city: Arc<City>, out: Out, stop: CancellationToken) {
    let period = Duration::from_secs(u64::from(city.options.report_interval_s));
    let mut ticks = interval_at(Instant::now() + period, period);
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            _ = ticks.tick() => tell(&city, out),
        }
    }
    for note in city.book.lock().take_notes().0 {
        line(out, &note);
    }
}

fn tell(city: &City, out: Out) {
    let (tally, verdict, (notes, sample)) = {
        let mut book = city.book.lock();
        (book.tally(city.options.speed_up), book.judge(), book.take_notes())
    };
    for note in &notes {
        line(out, note);
    }
    let clock = time_of_day(city.clock.now_ms(), city.options.utc_offset_h);
    let pickup = tally.pickup_s.summary();
    let after =
        if pickup.count == 0 { String::new() } else { format!(", picked up after {} s (p50)", pickup.p50) };
    let Tally { trips, waiting, coming, riding, completed, .. } = tally;
    let (drivers, doubles) = (city.on_duty(), verdict.clashes.len());
    let text = format!(
        "{clock}  {drivers} drivers, {trips} requests: {waiting} unassigned, {coming} awaiting, {riding} riding, \
         {completed} served{after}; {doubles} double promises"
    );
    line(out, &text);
    if let Some(sample) = sample {
        line(out, &format!("          {sample}"));
    }
}

fn line(out: Out, text: &str) {
    // A reader that has gone away does not end the run: the report still counts.
    _ = match out {
        Out::Silent => Ok(()),
        Out::Stdout => writeln!(std::io::stdout(), "{text}"),
        Out::Stderr => writeln!(std::io::stderr(), "{text}"),
    };
}
