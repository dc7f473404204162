//! The judge of journals: reads what matchers wrote and says whether every promise was kept.
//!
//! Within a market the order of the journal is the truth, and every rule is strict. Across markets there is no common
//! order, so a driver's trips there are compared by the times that the matchers wrote, which are as good as their clocks.

mod across;
mod market;
mod violation;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::id::{MarketId, TripId};
use crate::record::{Record, Version};
use across::Promises;
use market::MarketAudit;
pub use violation::{Violation, Wrong};

/// Violations that are kept to be shown; more are only counted.
pub const VIOLATIONS_MAX: usize = 1_000;

/// Reads records and collects what is wrong. Keeps every live trip, a few bytes of every other, and some 50 bytes of
/// each offer.
#[derive(Debug, Default)]
pub struct Audit {
    markets: BTreeMap<MarketId, MarketAudit>,
    findings: Findings,
    promises: Promises,
}

/// What an audit came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Counts.
    pub summary: AuditSummary,
    /// The first [`VIOLATIONS_MAX`] violations, in the order in which they were found.
    pub violations: Vec<Violation>,
}

/// Counts of an audit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// Markets that had records.
    pub markets: u64,
    /// Records.
    pub records: u64,
    /// Trips that were requested.
    pub trips: u64,
    /// Of these, not at their end.
    pub live: u64,
    /// Of these, completed.
    pub completed: u64,
    /// Of these, expired.
    pub expired: u64,
    /// Of these, cancelled.
    pub cancelled: u64,
    /// Events that had happened already when they were written again; harmless.
    pub repeated: u64,
    /// Violations, kept or not.
    pub violations: u64,
}

/// What is collected of all markets.
#[derive(Debug, Default)]
struct Findings {
    summary: AuditSummary,
    violations: Vec<Violation>,
}

/// Where in the journals one looks.
#[derive(Clone, Copy, Debug)]
struct Place<'a> {
    market: &'a MarketId,
    version: Version,
    at_ms: i64,
}

impl Findings {
    fn add(&mut self, market: &MarketId, version: Version, trip: Option<&TripId>, wrong: Wrong) {
        self.summary.violations += 1;
        if self.violations.len() < VIOLATIONS_MAX {
            let (market, trip) = (market.clone(), trip.cloned());
            self.violations.push(Violation { market, version, trip, wrong });
        }
    }
}

impl Audit {
    /// An audit that has read nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next record of a market. Markets may come in any order and mixed; each from version 1 on.
    pub fn read(&mut self, market: &MarketId, version: Version, record: &Record) {
        let audit = self.markets.entry(market.clone()).or_default();
        let place = Place { market, version, at_ms: record.at_ms };
        audit.read(place, record, &mut self.findings, &mut self.promises);
    }

    /// Compares the markets with each other, and reports.
    pub fn finish(mut self) -> AuditReport {
        self.promises.compare(&mut self.findings);
        let Findings { mut summary, violations } = self.findings;
        summary.markets = self.markets.len() as u64;
        summary.live = self.markets.values().map(MarketAudit::live).sum();
        AuditReport { summary, violations }
    }
}
