//! When a market's next window begins, and whether it first serves an overdue request.

use kerb_types::Timestamp;
use tokio::time::Instant;

use crate::window::{MatchOutcome, PendingRequest, WindowPace};

/// Number of offers after which a window first serves the oldest overdue request. Each such offer may take a driver from a
/// nearer request, so a market with too few drivers for a long time makes few of them.
const OFFERS_PER_OVERDUE: u32 = 5;

/// When the windows of a market begin.
pub(super) struct WindowSchedule {
    pace: WindowPace,
    /// When the next window begins; `None` while no request waits.
    at: Option<Instant>,
    /// [`Market::wait_starts`](crate::market::Market::wait_starts) when the last window began.
    wait_starts: u64,
    /// Number of the newest trip that a window has had, and the same before the last window.
    newest: u64,
    newest_before: u64,
    /// Number of requests of the last window that no earlier window had.
    new_requests: u32,
    offers_since_overdue: u32,
}

impl WindowSchedule {
    pub(super) fn new(pace: WindowPace) -> Self {
        Self {
            pace,
            at: None,
            wait_starts: 0,
            newest: 0,
            newest_before: 0,
            new_requests: 0,
            offers_since_overdue: 0,
        }
    }

    /// Returns when the next window begins; `None` while no request waits.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// No window is needed until a request waits.
    pub(super) fn stop(&mut self) {
        self.at = None;
    }

    /// Returns when the next window for waiting requests begins. A request that has begun to wait since the last window
    /// begins one after the present length, however late the next one for the others is.
    pub(super) fn next_for_requests(&mut self, now: Instant, wall: Timestamp, wait_starts: u64) -> Instant {
        let soon = now + self.pace.length(wall).to_duration();
        let at = self.at.unwrap_or(soon);
        let at = if wait_starts == self.wait_starts { at } else { at.min(soon) };
        self.at = Some(at);
        at
    }

    /// Returns when the next window for en-route trips alone begins.
    pub(super) fn next_for_trips(&mut self, now: Instant) -> Instant {
        *self.at.get_or_insert_with(|| now + self.pace.reassignment_interval().to_duration())
    }

    /// Notes that a window with these requests begins.
    pub(super) fn begin(
        &mut self,
        now: Instant,
        wall: Timestamp,
        requests: &[PendingRequest],
        wait_starts: u64,
    ) {
        let interval = match requests {
            [] => self.pace.reassignment_interval(),
            _ => self.pace.retry_interval(wall),
        };
        self.at = Some(now + interval.to_duration());
        self.wait_starts = wait_starts;
        self.newest_before = self.newest;
        let numbers = requests.iter().map(|request| request.trip.number);
        self.newest = numbers.clone().max().unwrap_or(0).max(self.newest);
        // A window has at most `window_requests_max` requests, which is a `u32`.
        self.new_requests = numbers.filter(|number| *number > self.newest_before).count() as u32;
    }

    /// Whether the next window first serves the oldest overdue request that has a driver in reach.
    pub(super) fn serves_overdue(&self) -> bool {
        self.offers_since_overdue >= OFFERS_PER_OVERDUE
    }

    /// Notes the outcome of the window that began last.
    pub(super) fn finish(&mut self, wall: Timestamp, outcome: &MatchOutcome) {
        let unmatched =
            outcome.unmatched.iter().filter(|trip| trip.number > self.newest_before).count() as u32;
        self.pace.add(wall, self.new_requests.saturating_sub(unmatched), unmatched);
        let offers = outcome.proposals.len() as u32;
        let before = if outcome.served_overdue { 0 } else { self.offers_since_overdue };
        self.offers_since_overdue = before.saturating_add(offers);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use kerb_geometry::LatLng;
    use kerb_trips::TripId;
    use kerb_types::{Capabilities, Millis, VehicleClass};

    use super::*;

    const WALL: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const MIN: Duration = Duration::from_millis(100);
    const MAX: Duration = Duration::from_secs(5);
    const RETRY: Duration = Duration::from_secs(1);

    fn trip(number: u64) -> TripId {
        format!("world-{number}").parse().unwrap()
    }

    fn request(number: u64) -> PendingRequest {
        PendingRequest {
            trip: trip(number),
            pickup: LatLng::new(0.0, 0.0).unwrap(),
            vehicle_class: VehicleClass(0),
            capabilities: Capabilities(0),
            barred: Vec::new(),
            k: 10,
            waited_ms: Millis::ZERO,
            wait_max_ms: Millis::from_secs(300),
            may_be_deferred: false,
        }
    }

    fn schedule() -> WindowSchedule {
        WindowSchedule::new(WindowPace::new(Millis::new(100), Millis::new(5_000)))
    }

    /// Windows that leave each of a hundred requests unmatched.
    fn after_a_shortage(now: Instant) -> WindowSchedule {
        let mut schedule = schedule();
        let requests: Vec<_> = (1..=100).map(request).collect();
        schedule.begin(now, WALL, &requests, 100);
        let unmatched = (1..=100).map(trip).collect();
        schedule.finish(WALL, &MatchOutcome { unmatched, ..MatchOutcome::default() });
        schedule.stop();
        schedule
    }

    #[test]
    fn lone_request_waits_for_the_minimum_or_after_a_shortage_for_a_long_window() {
        let now = Instant::now();
        assert_eq!(schedule().next_for_requests(now, WALL, 1), now + MIN);
        let at = after_a_shortage(now).next_for_requests(now, WALL, 101);
        assert!(at > now + MAX * 9 / 10 && at <= now + MAX, "{:?}", at - now);
    }

    #[test]
    fn new_request_does_not_wait_for_the_window_of_older_ones() {
        let now = Instant::now();
        let mut schedule = schedule();
        schedule.begin(now, WALL, &[request(1)], 1);
        schedule.finish(WALL, &MatchOutcome::default());
        assert_eq!(schedule.next_for_requests(now, WALL, 1), now + RETRY);
        let later = now + Duration::from_millis(300);
        assert_eq!(schedule.next_for_requests(later, WALL, 2), later + MIN);
        assert_eq!(schedule.next_for_requests(later + MIN / 2, WALL, 2), later + MIN, "it stays");
        let late = now + Duration::from_millis(950);
        schedule.begin(late, WALL, &[request(1), request(2)], 2);
        assert_eq!(schedule.next_for_requests(late, WALL, 2), late + RETRY);
    }

    /// A request without any driver in reach is in each window, and counts once.
    #[test]
    fn request_that_stays_unmatched_does_not_lengthen_the_windows_of_others() {
        let now = Instant::now();
        let mut schedule = schedule();
        for number in 2..100 {
            schedule.begin(now, WALL, &[request(1), request(number)], number);
            schedule.finish(WALL, &MatchOutcome { unmatched: vec![trip(1)], ..MatchOutcome::default() });
        }
        schedule.stop();
        let at = schedule.next_for_requests(now, WALL, 100);
        assert!(at < now + MIN * 2, "{:?}", at - now);
    }

    #[test]
    fn every_fifth_offer_may_go_to_an_overdue_request() {
        let mut schedule = schedule();
        let proposal = crate::market::Proposal {
            trip: trip(1),
            driver: kerb_types::DriverId::new("a").unwrap(),
            pickup_eta_s: 1,
            travel_source: kerb_types::TravelSource::StraightLine,
        };
        let offers = |count, served_overdue| MatchOutcome {
            proposals: vec![proposal.clone(); count],
            served_overdue,
            ..MatchOutcome::default()
        };
        schedule.finish(WALL, &offers(4, false));
        assert!(!schedule.serves_overdue());
        schedule.finish(WALL, &offers(1, false));
        assert!(schedule.serves_overdue());
        schedule.finish(WALL, &offers(0, false));
        assert!(schedule.serves_overdue(), "the turn is kept until an overdue request has a driver in reach");
        schedule.finish(WALL, &offers(1, true));
        assert!(!schedule.serves_overdue());
    }
}
