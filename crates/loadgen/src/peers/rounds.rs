//! Measures every system round after round, so that a slow minute of the machine affects all of them.

use ::kerb::terminal::note;
use serde::Serialize;

use super::fleet::{Fleet, Kind};
use super::measure::{Figures, Load, Signals};
use super::options::{CONNECTIONS, IN_FLIGHT, PeersOptions, SEARCH_CONNECTIONS};
use super::system::System;

/// Updates per second during the searches under load.
const BESIDE_PER_S: u32 = 50_000;
/// Connections of these updates, and updates of a batch.
const BESIDE: (u32, u32) = (2, 128);
/// Number of prepared queries.
const QUERIES: usize = 4_096;
/// Factor on the duration of searches: few slow ones fit into one span.
const SEARCH_SPANS: u32 = 2;

/// The kind of a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum What {
    Updates {
        in_flight: u32,
        connections: u32,
    },
    /// The 10 nearest within 5 km, with or without concurrent updates.
    Nearest {
        loaded: bool,
    },
    /// All within 1 km, with or without concurrent updates.
    Within {
        loaded: bool,
    },
}

/// The medians of one system.
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
        let during = |loaded| if loaded { ", during updates" } else { "" };
        match self {
            Self::Updates { in_flight, connections } => {
                write!(f, "updates, {in_flight} in flight on each of {connections}")
            }
            Self::Nearest { loaded } => write!(f, "10 nearest within 5 km{}", during(*loaded)),
            Self::Within { loaded } => write!(f, "all within 1 km{}", during(*loaded)),
        }
    }
}

/// Runs all measurements and returns their medians.
pub(super) async fn measure(
    options: &PeersOptions,
    systems: &[System],
    fleet: &Fleet,
) -> Result<Vec<Cell>, String> {
    let whats: Vec<What> = What::all().collect();
    let mut figures = vec![Vec::new(); whats.len() * systems.len()];
    for round in 1..=options.rounds() {
        note(format_args!("{} drivers: round {round} of {}", fleet.len(), options.rounds()));
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
    let queries = Fleet::queries(kind, QUERIES, options.seed);
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
        // Updates that failed to start must not block the searches.
        signals.opened.cancel();
        updated
    };
    let (searched, updated) = tokio::join!(searching, updating);
    let concurrent_updates_per_s = Some(updated?.per_s());
    // The processor time includes that of the updates.
    Ok(Figures { concurrent_updates_per_s, server_cpu_us: None, ..searched?.figures() })
}
