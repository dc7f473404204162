//! The candidates of a window: available drivers by number, and a query for their travel times.

use std::cell::OnceCell;
use std::collections::HashMap;

use foldhash::quality::RandomState;
use kerb_geometry::LatLng;
use kerb_ports::{Eta, Leg, NearbyResults, Neighbor, TravelTimeQuery, TravelTimeTable};
use kerb_types::{DriverId, Timestamp};

use crate::market::Reservations;
use crate::window::pending_request::PendingRequest;

/// The candidates of all requests of a window.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidates {
    /// The drivers, each once.
    pub drivers: Vec<DriverId>,
    /// The query for their travel times. Its origins are the drivers, its destinations the requests, and its legs are
    /// sorted by request.
    pub table: TravelTimeQuery,
    /// The heading of each driver, in degrees clockwise from north; `None` for one that stands or whose heading is not
    /// known. A driver on a divided road is priced on the side that it drives on.
    pub headings_deg: Vec<Option<f64>>,
}

impl Candidates {
    /// The available drivers among the neighbors of each request at `now`.
    pub fn of<'a>(
        requests: impl IntoIterator<Item = &'a PendingRequest>,
        nearby: &NearbyResults,
        reservations: &Reservations,
        now: Timestamp,
    ) -> Self {
        let mut candidates = Self::default();
        let mut numbers = DriverNumbers::new(nearby.neighbors.len());
        for (row, (request, answer)) in (0..).zip(requests.into_iter().zip(&nearby.results)) {
            candidates.table.destinations.push(request.pickup);
            for index in &answer.indices {
                let neighbor = &nearby.neighbors[*index as usize];
                if request.barred.contains(&neighbor.profile.id) {
                    continue;
                }
                let number =
                    numbers.of(*index, neighbor, |id| reservations.is_available(id, now), &mut candidates);
                candidates.table.legs.extend(number.map(|origin| Leg { origin, destination: row }));
            }
        }
        candidates
    }

    /// Adds a driver.
    pub(super) fn add(&mut self, id: &DriverId, position: LatLng, heading_deg: Option<f64>) -> u32 {
        self.drivers.push(id.clone());
        self.table.origins.push(position);
        self.headings_deg.push(heading_deg);
        // A window has at most `NEIGHBORS_MAX` candidates for each of its requests, far below 2^32.
        self.drivers.len() as u32 - 1
    }
}

/// The number of each driver that was met so far; `None` for an unavailable driver.
struct DriverNumbers {
    by_id: HashMap<DriverId, Option<u32>, RandomState>,
    /// The same by index of the neighbor. A neighbor is in many answers, and hashing its id is slow.
    by_index: Vec<OnceCell<Option<u32>>>,
}

impl DriverNumbers {
    fn new(neighbors: usize) -> Self {
        Self { by_id: HashMap::default(), by_index: vec![OnceCell::new(); neighbors] }
    }

    fn of(
        &mut self,
        index: u32,
        neighbor: &Neighbor,
        is_available: impl Fn(&DriverId) -> bool,
        candidates: &mut Candidates,
    ) -> Option<u32> {
        *self.by_index[index as usize].get_or_init(|| {
            let id = &neighbor.profile.id;
            // The position and the heading are of one update, so the heading is as recent as the position.
            let heading_deg = neighbor.motion.driving_heading_deg();
            let number = || is_available(id).then(|| candidates.add(id, neighbor.position, heading_deg));
            *self.by_id.entry(id.clone()).or_insert_with(number)
        })
    }
}

/// Returns the travel time of a leg. The legs are sorted by destination.
pub(super) fn eta_of(legs: &[Leg], table: &TravelTimeTable, leg: Leg) -> Eta {
    let first = legs.partition_point(|other| other.destination < leg.destination);
    let offset = legs[first..].iter().position(|other| *other == leg).expect("only legs are assigned");
    Eta { time_s: table.seconds[first + offset], source: table.sources[first + offset] }
}
