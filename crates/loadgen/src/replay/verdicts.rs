//! Judges answers in the order in which they came, a little later: a stream that broke during the search is known to
//! have broken by then.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use kerb_ports::Search;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::searcher::Asked;
use super::shared::Shared;
use crate::judge::{Answer, Fault, by_kind, judge};

/// A break is known this long after it happened: the system closes a killed process's connections at once.
const BREAK_KNOWN_AFTER_MS: i64 = 1_000;
/// So many faults of a wrong answer are told.
const FAULTS_TOLD_MAX: usize = 5;
/// So many drivers of a sample answer are told.
const SAMPLE_DRIVERS: usize = 3;

/// Judges until the searchers are gone.
pub(super) async fn run(shared: Arc<Shared>, mut unjudged: mpsc::Receiver<Asked>) {
    while let Some(asked) = unjudged.recv().await {
        let due_ms = asked.span.ended_ms + BREAK_KNOWN_AFTER_MS;
        let wait_ms = (due_ms - shared.now_ms()).max(0);
        sleep(Duration::from_millis(wait_ms as u64)).await;
        decide(&shared, &asked);
    }
}

fn decide(shared: &Shared, asked: &Asked) {
    let faults = match &asked.answer {
        Ok(answer) => judge(&asked.query, answer, asked.span, &shared.fleet, &shared.options.limits()),
        Err(e) => vec![Fault::NotReadable { reason: e.to_string() }],
    };
    let partial = asked.answer.as_ref().is_ok_and(|a| a.partial);
    let blamed: Vec<_> = faults.into_iter().filter(|f| !(partial && f.excused_when_partial())).collect();

    let mut tallies = shared.tallies.lock();
    tallies.searches += 1;
    tallies.judged += 1;
    tallies.partial += u64::from(partial);
    tallies.search_us.add(asked.latency_us);
    tallies.found += asked.answer.as_ref().map_or(0, |a| a.neighbors.len()) as u64;
    if let (Ok(answer), Search::Nearest { .. }) = (&asked.answer, &asked.query.search) {
        tallies.sample = Some(in_words(asked, answer));
    }
    if blamed.is_empty() {
        return;
    }
    tallies.wrong += 1;
    for (kind, n) in by_kind(&blamed) {
        *tallies.faults.entry(kind).or_default() += n as u64;
    }
    if tallies.wrong <= u64::from(shared.options.tell_wrong) {
        let text = told(shared, asked, &blamed, tallies.wrong);
        tallies.notes.push(text);
    }
}

/// Everything that is needed to find out why.
fn told(shared: &Shared, asked: &Asked, faults: &[Fault], number: u64) -> String {
    let mut text = format!("WRONG ANSWER {number} (seed {}): {}", shared.options.seed, asked.query);
    let span = asked.span;
    _ = write!(text, "\n  asked at {}, answered at {}", span.began_ms, span.ended_ms);
    if let Ok(answer) = &asked.answer {
        _ = write!(
            text,
            ", {} drivers{}",
            answer.neighbors.len(),
            if answer.partial { ", partial" } else { "" }
        );
    }
    for fault in faults.iter().take(FAULTS_TOLD_MAX) {
        _ = write!(text, "\n  {fault}");
    }
    if faults.len() > FAULTS_TOLD_MAX {
        _ = write!(text, "\n  and {} more", faults.len() - FAULTS_TOLD_MAX);
    }
    text
}

fn in_words(asked: &Asked, answer: &Answer) -> String {
    let first = answer.neighbors.iter().take(SAMPLE_DRIVERS);
    let first: Vec<_> =
        first.map(|neighbor| format!("{} at {:.0} m", neighbor.driver, neighbor.distance_m)).collect();
    let rest = answer.neighbors.len().saturating_sub(SAMPLE_DRIVERS);
    let answer = match (first.is_empty(), rest) {
        (true, _) => "nobody".to_owned(),
        (false, 0) => first.join(", "),
        (false, rest) => format!("{} and {rest} more", first.join(", ")),
    };
    format!("{}: {answer} ({} us)", asked.query, asked.latency_us)
}
