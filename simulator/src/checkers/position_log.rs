//! The log of position reports. It numbers them by time of measurement, and the checker compares searches with it.

use kerb_geometry::LatLng;
use kerb_loadgen::history::{Fleet, Profile, Sent};
use kerb_types::DriverStatus;

use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::{AgentAction, DriverNumber};

/// Maximum distinct sequence numbers of one driver in a millisecond. Further reports repeat the last number.
const PER_MS_MAX: u64 = 15;

/// A position report in the service's time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionReport {
    /// The driver who reports.
    pub driver: DriverNumber,
    /// Sequence number; it grows with the time of measurement.
    pub sequence: u64,
    /// Time of measurement by the service's clock.
    pub time_ms: i64,
    /// Position with the noise of the measurement.
    pub position: LatLng,
    /// Degrees clockwise from north.
    pub heading_deg: f64,
    /// Meters per second.
    pub speed_mps: f64,
    /// Availability of the driver.
    pub status: DriverStatus,
}

/// Limits of a report's delay, milliseconds of the service's time.
#[derive(Clone, Copy, Debug)]
pub struct ReportDelays {
    /// Maximum time until a report is visible to searches.
    pub allowance_ms: i64,
    /// Time for which the log keeps reports: at least the allowance, and as long as a search takes.
    pub keep_ms: i64,
    /// The service rejects older positions.
    pub position_ttl_ms: i64,
}

/// The reports of all drivers so far.
pub struct PositionLog {
    fleet: Fleet,
    /// The highest sequence number of each driver.
    newest: Vec<u64>,
    position_ttl_ms: i64,
    began_ms: i64,
}

impl PositionLog {
    /// Creates an empty log. `began_ms` is of the service's clock.
    pub fn new(ids: &AgentIds, classes: &[String], delays: ReportDelays, began_ms: i64) -> Self {
        let ReportDelays { allowance_ms, keep_ms, position_ttl_ms } = delays;
        let profile = |(number, class): (u32, &String)| Profile {
            id: ids.driver(DriverNumber(number)),
            vehicle_class: class.clone(),
            capabilities: Vec::new(),
        };
        let profiles: Vec<_> = (0..).zip(classes).map(profile).collect();
        let newest = vec![0; profiles.len()];
        Self { fleet: Fleet::new(profiles, allowance_ms).keeping(keep_ms), newest, position_ttl_ms, began_ms }
    }

    /// Records a report that is sent at `sent_ms` and was measured at `time_ms`, by the service's clock; `None` for
    /// another action. A report that is older than the newest one stays out of the log, as searches never show it.
    pub fn record(&mut self, action: &AgentAction, sent_ms: i64, time_ms: i64) -> Option<PositionReport> {
        let AgentAction::Report { driver, position, heading_deg, speed_mps, status, .. } = action else {
            return None;
        };
        let newest = self.newest.get_mut(driver.index())?;
        // The upper bits are the time since the beginning, moved by the TTL so that early delayed reports stay positive;
        // the lower four bits count reports of the same millisecond.
        let least = (time_ms - self.began_ms).saturating_add(self.position_ttl_ms).max(1).unsigned_abs() << 4;
        let is_same_ms = *newest >> 4 == least >> 4;
        let sequence = if is_same_ms { (*newest + 1).min(least | PER_MS_MAX) } else { least };
        if sequence > *newest {
            *newest = sequence;
            if sent_ms - time_ms < self.position_ttl_ms {
                let sent =
                    Sent { sent_ms, sequence, time_ms, place: *position, status: *status, certain: true };
                self.fleet.members()[driver.index()].history().record(sent);
            }
        }
        Some(PositionReport {
            driver: *driver,
            sequence,
            time_ms,
            position: *position,
            heading_deg: *heading_deg,
            speed_mps: *speed_mps,
            status: *status,
        })
    }

    /// Returns the reports by driver.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Returns the last position of a driver who is on shift. `pick` chooses the driver.
    pub fn position_near(&self, pick: usize) -> Option<LatLng> {
        let members = self.fleet.members();
        let last = |i: usize| members[i % members.len()].history().newest().copied();
        let mut tried = (pick..pick + members.len().min(64)).filter_map(last);
        tried.find(|sent| sent.status != DriverStatus::Offline).map(|sent| sent.place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequence_numbers_follow_the_time_of_measurement() {
        let delays = ReportDelays { allowance_ms: 100, keep_ms: 200, position_ttl_ms: 60_000 };
        let mut log = PositionLog::new(&AgentIds::default(), &["standard".to_owned()], delays, 1_000_000);
        let mut sequence = |time_ms: i64| {
            let report = AgentAction::Report {
                driver: DriverNumber(0),
                measured_ms: time_ms,
                position: LatLng::new(1.0, 2.0).unwrap(),
                heading_deg: 0.0,
                speed_mps: 0.0,
                status: DriverStatus::Available,
            };
            log.record(&report, time_ms + 50, time_ms).unwrap().sequence
        };
        let (first, second, later) = (sequence(1_000_000), sequence(1_000_000), sequence(1_000_001));
        assert!(first < second && second < later);
        let delayed = sequence(999_000);
        assert!(delayed < first, "an older report gets a lower number");
        assert_eq!(log.fleet().members()[0].history().newest().unwrap().sequence, later);
    }
}
