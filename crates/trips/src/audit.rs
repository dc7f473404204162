//! The audit of journals: reads the records that matchers wrote and reports every violation of a rule.
//!
//! Within a market the journal defines the order, and every rule is strict. Across markets there is no common order, so
//! the audit compares a driver's trips by the times in the records. These are as exact as the matchers' clocks.

mod market;
mod reservations;
mod violation;

use std::collections::BTreeMap;

use kerb_types::Timestamp;
use serde::Serialize;

use crate::id::{MarketId, TripId};
use crate::record::{Record, Version};
use market::MarketAudit;
use reservations::Reservations;
pub use violation::{Violation, ViolationKind};

/// Maximum violations in a report. Further ones are only counted.
pub const VIOLATIONS_MAX: usize = 1_000;

/// Reads records and collects violations. It holds every live trip, a few bytes of every ended one, and about 50 bytes
/// of each reservation.
#[derive(Debug, Default)]
pub struct Audit {
    markets: BTreeMap<MarketId, MarketAudit>,
    findings: Findings,
    reservations: Reservations,
}

/// The result of an audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditReport {
    /// Numbers of records, trips and violations.
    pub summary: AuditSummary,
    /// The first [`VIOLATIONS_MAX`] violations, in the order in which they were found.
    pub violations: Vec<Violation>,
}

/// Numbers of records, trips and violations that an audit has read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AuditSummary {
    /// Markets with at least one record.
    pub markets: u64,
    /// Records of all markets.
    pub records: u64,
    /// Requested trips; the sum of the next four fields.
    pub trips: u64,
    /// Trips that have not ended.
    pub live: u64,
    /// Trips that ended with a drop-off.
    pub completed: u64,
    /// Trips that ended without a driver.
    pub expired: u64,
    /// Trips that rider, driver or operator cancelled.
    pub cancelled: u64,
    /// Events that repeat the one before; they are harmless.
    pub repeated: u64,
    /// All violations, including those that the report leaves out.
    pub violations: u64,
}

/// Summary and violations of all markets.
#[derive(Debug, Default)]
struct Findings {
    summary: AuditSummary,
    violations: Vec<Violation>,
}

/// The record that the audit reads: its market, version and time.
#[derive(Clone, Copy, Debug)]
struct RecordPosition<'a> {
    market: &'a MarketId,
    version: Version,
    at_ms: Timestamp,
}

impl Findings {
    fn add(&mut self, market: &MarketId, version: Version, trip: Option<&TripId>, kind: ViolationKind) {
        self.summary.violations += 1;
        if self.violations.len() < VIOLATIONS_MAX {
            let (market, trip) = (market.clone(), trip.cloned());
            self.violations.push(Violation { market, version, trip, kind });
        }
    }
}

impl Audit {
    /// Returns an audit that has not read a record yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads the next record of a market. The records of one market come in order, from version 1. Records of different
    /// markets may come mixed.
    pub fn read(&mut self, market: &MarketId, version: Version, record: &Record) {
        let audit = self.markets.entry(market.clone()).or_default();
        let position = RecordPosition { market, version, at_ms: record.at_ms };
        audit.read(position, record, &mut self.findings, &mut self.reservations);
    }

    /// Compares the markets with each other and returns the report.
    pub fn finish(mut self) -> AuditReport {
        self.reservations.compare(&mut self.findings);
        let Findings { mut summary, violations } = self.findings;
        summary.markets = self.markets.len() as u64;
        summary.live = self.markets.values().map(MarketAudit::live).sum();
        AuditReport { summary, violations }
    }
}
