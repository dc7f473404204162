//! Positions on their way: numbered in the order in which they were measured, and written down for the judge.

use kerb_types::DriverStatus;

use super::message::Said;
use super::names::Names;
use super::service::Row;
use kerb_loadgen::history::{Fleet, Profile, Sent};

/// Reports of one driver measured in the same millisecond, at most; later ones take the number of the last.
const A_MILLISECOND_MAX: u64 = 15;

/// How late reports may be, milliseconds of the service's time.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    /// So long may one be under way.
    pub allowance_ms: i64,
    /// They are remembered for so long, at least the allowance and as long as a search takes.
    pub keep_ms: i64,
    /// Older ones are refused.
    pub position_ttl_ms: i64,
}

/// All drivers' reports so far.
pub struct PositionLog {
    fleet: Fleet,
    /// The highest number of each driver.
    newest: Vec<u64>,
    position_ttl_ms: i64,
    began_ms: i64,
}

impl PositionLog {
    /// Nobody has reported. `began_ms` is of the service's clock.
    pub fn new(names: &Names, classes: &[String], delays: Delays, began_ms: i64) -> Self {
        let Delays { allowance_ms, keep_ms, position_ttl_ms } = delays;
        let profile = |(number, class): (u32, &String)| Profile {
            id: names.driver(number),
            vehicle_class: class.clone(),
            capabilities: Vec::new(),
        };
        let profiles: Vec<_> = (0..).zip(classes).map(profile).collect();
        let newest = vec![0; profiles.len()];
        Self { fleet: Fleet::new(profiles, allowance_ms).keeping(keep_ms), newest, position_ttl_ms, began_ms }
    }

    /// The row of a report said at `sent_ms` and measured at `time_ms`, by the service's clock; `None` for what is no
    /// report. What was measured before what is there already cannot show.
    pub fn row(&mut self, said: &Said, sent_ms: i64, time_ms: i64) -> Option<Row> {
        let Said::Report { driver, position, heading_deg, speed_mps, status, .. } = said else { return None };
        let newest = self.newest.get_mut(*driver as usize)?;
        let least = (time_ms - self.began_ms).saturating_add(self.position_ttl_ms).max(1).unsigned_abs() << 4;
        let is_again = *newest >> 4 == least >> 4;
        let sequence = if is_again { (*newest + 1).min(least | A_MILLISECOND_MAX) } else { least };
        if sequence > *newest {
            *newest = sequence;
            if sent_ms - time_ms < self.position_ttl_ms {
                let sent =
                    Sent { sent_ms, sequence, time_ms, place: *position, status: *status, certain: true };
                self.fleet.members()[*driver as usize].history().record(sent);
            }
        }
        let (heading_deg, speed_mps) = (*heading_deg, *speed_mps);
        Some(Row {
            driver: *driver,
            sequence,
            time_ms,
            position: *position,
            heading_deg,
            speed_mps,
            status: *status,
        })
    }

    /// What was sent.
    pub fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Where a driver who is not off duty was last, by any number that picks one.
    pub fn somewhere(&self, pick: usize) -> Option<kerb_geometry::LatLng> {
        let members = self.fleet.members();
        let last = |i: usize| members[i % members.len()].history().newest().copied();
        let mut tried = (pick..pick + members.len().min(64)).filter_map(last);
        tried.find(|sent| sent.status != DriverStatus::Offline).map(|sent| sent.place)
    }
}

#[cfg(test)]
mod tests {
    use kerb_geometry::LatLng;

    use super::*;

    #[test]
    fn numbers_follow_the_time_of_measurement() {
        let delays = Delays { allowance_ms: 100, keep_ms: 200, position_ttl_ms: 60_000 };
        let mut reports = PositionLog::new(&Names::default(), &["standard".to_owned()], delays, 1_000_000);
        let mut number = |time_ms: i64| {
            let said = Said::Report {
                driver: 0,
                measured_ms: time_ms,
                position: LatLng::new(1.0, 2.0).unwrap(),
                heading_deg: 0.0,
                speed_mps: 0.0,
                status: DriverStatus::Available,
            };
            reports.row(&said, time_ms + 50, time_ms).unwrap().sequence
        };
        let (first, again, later) = (number(1_000_000), number(1_000_000), number(1_000_001));
        assert!(first < again && again < later);
        let delayed = number(999_000);
        assert!(delayed < first, "it is older, and cannot show");
        assert_eq!(reports.fleet().members()[0].history().newest().unwrap().sequence, later);
    }
}
