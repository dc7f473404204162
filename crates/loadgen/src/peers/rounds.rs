//! Every measurement with every system, round after round, so that a slow minute of the machine meets all of them.

use serde::Serialize;

use super::fleet::{Fleet, Kind};
use super::measure::{Figures, Load, Signals};
use super::options::{CONNECTIONS, IN_FLIGHT, PeersOptions, SEARCH_CONNECTIONS};
use super::system::System;

/// Updates a second beside loaded searches.
const BESIDE_PER_S: u32 = 50_000;
/// Their connections, and the updates of a batch.
const BESIDE: (u32, u32) = (2, 128);
/// Searches that are prepared.
const QUESTIONS: usize = 4_096;
/// Searches take so many spans: few of some fit into one.
const SEARCH_SPANS: u32 = 2;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Updates {
        in_flight: u32,
        connections: u32,
    },
    /// The 10 nearest within 5 km; beside updates or not.
    Nearest {
        loaded: bool,
    },
    /// All within 1 km; beside updates or not.
    Within {
        loaded: bool,
    },
}

/// One system's medians.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Cell {
    pub(super) what: What,
    pub(super) system: &'static str,
    pub(super) rounds: usize,
    #[serde(flatten)]
    pub(super) figures: Figures,
}

impl What {
    fn all() -> impl Iterator<Item = Self> {
        let updates = IN_FLIGHT.into_iter().flat_map(|in_flight| {
            CONNECTIONS.into_iter().map(move |connections| Self::Updates { in_flight, connections })
        });
        let searches =
            [false, true].into_iter().flat_map(|loaded| [Self::Nearest { loaded }, Self::Within { loaded }]);
        updates.chain(searches)
    }
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let beside = |loaded| if loaded { ", beside updates" } else { "" };
        match self {
            Self::Updates { in_flight, connections } => {
                write!(f, "updates, {in_flight} in flight on each of {connections}")
            }
            Self::Nearest { loaded } => write!(f, "10 nearest within 5 km{}", beside(*loaded)),
            Self::Within { loaded } => write!(f, "all within 1 km{}", beside(*loaded)),
        }
    }
}

/// Measures everything.
pub(super) async fn measure(
    options: &PeersOptions,
    systems: &[System],
    fleet: &Fleet,
) -> Result<Vec<Cell>, String> {
    let whats: Vec<What> = What::all().collect();
    let mut figures = vec![Vec::new(); whats.len() * systems.len()];
    for round in 1..=options.rounds() {
        eprintln!("{} drivers: round {round} of {}", fleet.len(), options.rounds());
        let cells = whats.iter().flat_map(|what| systems.iter().map(move |system| (*what, system)));
        for ((what, system), figures) in cells.zip(&mut figures) {
            let measured = one(options, system, fleet, what).await;
            figures.push(measured.map_err(|e| format!("{}, {what}: {e}", system.name()))?);
        }
    }
    let cells = whats.iter().flat_map(|what| systems.iter().map(move |system| (*what, system.name())));
    let cells = cells.zip(&figures);
    Ok(cells
        .map(|((what, system), rounds)| Cell {
            what,
            system,
            rounds: rounds.len(),
            figures: Figures::median(rounds),
        })
        .collect())
}

async fn one(options: &PeersOptions, system: &System, fleet: &Fleet, what: What) -> Result<Figures, String> {
    let (kind, loaded) = match what {
        What::Updates { in_flight, connections } => {
            let load = Load { connections, in_flight, per_s: None, span: Some(options.span()) };
            let updated = system.update(fleet, &load, &Signals::default()).await?;
            return Ok(updated.figures());
        }
        What::Nearest { loaded } => (Kind::Nearest, loaded),
        What::Within { loaded } => (Kind::Within, loaded),
    };
    let queries = Fleet::queries(kind, QUESTIONS, options.seed);
    let span = options.span() * SEARCH_SPANS;
    if !loaded {
        return Ok(system.search(&queries, SEARCH_CONNECTIONS, span).await?.figures());
    }
    let signals = Signals::default();
    let load = Load { connections: BESIDE.0, in_flight: BESIDE.1, per_s: Some(BESIDE_PER_S), span: None };
    let searching = async {
        signals.opened.cancelled().await;
        let searched = system.search(&queries, SEARCH_CONNECTIONS, span).await;
        signals.over.cancel();
        searched
    };
    let updating = async {
        let updated = system.update(fleet, &load, &signals).await;
        // Updates that could not begin keep nobody waiting.
        signals.opened.cancel();
        updated
    };
    let (searched, updated) = tokio::join!(searching, updating);
    let beside_per_s = Some(updated?.per_s());
    // The processor time is that of the updates too.
    Ok(Figures { beside_per_s, server_cpu_us: None, ..searched?.figures() })
}
