//! Checks answers in the order of their arrival, with a delay: a stream that broke during the search is known to
//! be broken by then.

use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

use kerb_ports::Search;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::searcher::AnsweredQuery;
use super::state::ReplayState;
use crate::checker::{Answer, Fault, by_kind, check_answer};

/// Delay of a check, milliseconds: a broken stream is known by then, since the system closes a killed process's
/// connections at once.
const BREAK_KNOWN_AFTER_MS: i64 = 1_000;
/// Maximum faults that the description of a wrong answer lists.
const FAULTS_PRINTED_MAX: usize = 5;
/// Drivers in the text of a sample answer.
const SAMPLE_DRIVERS: usize = 3;

/// Checks answers until the searchers have ended.
pub(super) async fn run(shared: Arc<ReplayState>, mut unchecked: mpsc::Receiver<AnsweredQuery>) {
    while let Some(answered) = unchecked.recv().await {
        let due_ms = answered.span.ended_ms + BREAK_KNOWN_AFTER_MS;
        let wait_ms = (due_ms - shared.now_ms()).max(0);
        sleep(Duration::from_millis(wait_ms as u64)).await;
        decide(&shared, &answered);
    }
}

fn decide(shared: &ReplayState, answered: &AnsweredQuery) {
    let faults = match &answered.answer {
        Ok(answer) => {
            check_answer(&answered.query, answer, answered.span, &shared.fleet, &shared.options.limits())
        }
        Err(e) => vec![Fault::NotReadable { reason: e.to_string() }],
    };
    let partial = answered.answer.as_ref().is_ok_and(|a| a.partial);
    let blamed: Vec<_> = faults.into_iter().filter(|f| !(partial && f.excused_when_partial())).collect();

    let mut tallies = shared.tallies.lock();
    tallies.searches += 1;
    tallies.checked += 1;
    tallies.partial += u64::from(partial);
    tallies.search_us.add(answered.latency_us);
    tallies.found += answered.answer.as_ref().map_or(0, |a| a.neighbors.len()) as u64;
    if let (Ok(answer), Search::Nearest { .. }) = (&answered.answer, &answered.query.search) {
        tallies.sample = Some(in_words(answered, answer));
    }
    if blamed.is_empty() {
        return;
    }
    tallies.wrong += 1;
    for (kind, n) in by_kind(&blamed) {
        *tallies.faults.entry(kind).or_default() += n as u64;
    }
    if tallies.wrong <= u64::from(shared.options.wrong_printed_max) {
        let text = describe(shared, answered, &blamed, tallies.wrong);
        tallies.notes.push(text);
    }
}

/// Describes a wrong answer with everything that is needed to find the cause.
fn describe(shared: &ReplayState, answered: &AnsweredQuery, faults: &[Fault], number: u64) -> String {
    let mut text = format!("WRONG ANSWER {number} (seed {}): {}", shared.options.seed, answered.query);
    let span = answered.span;
    _ = write!(text, "\n  asked at {}, answered at {}", span.began_ms, span.ended_ms);
    if let Ok(answer) = &answered.answer {
        _ = write!(
            text,
            ", {} drivers{}",
            answer.neighbors.len(),
            if answer.partial { ", partial" } else { "" }
        );
    }
    for fault in faults.iter().take(FAULTS_PRINTED_MAX) {
        _ = write!(text, "\n  {fault}");
    }
    if faults.len() > FAULTS_PRINTED_MAX {
        _ = write!(text, "\n  and {} more", faults.len() - FAULTS_PRINTED_MAX);
    }
    text
}

fn in_words(answered: &AnsweredQuery, answer: &Answer) -> String {
    let first = answer.neighbors.iter().take(SAMPLE_DRIVERS);
    let first: Vec<_> =
        first.map(|neighbor| format!("{} at {:.0} m", neighbor.driver, neighbor.distance_m)).collect();
    let rest = answer.neighbors.len().saturating_sub(SAMPLE_DRIVERS);
    let answer = match (first.is_empty(), rest) {
        (true, _) => "nobody".to_owned(),
        (false, 0) => first.join(", "),
        (false, rest) => format!("{} and {rest} more", first.join(", ")),
    };
    format!("{}: {answer} ({} us)", answered.query, answered.latency_us)
}
