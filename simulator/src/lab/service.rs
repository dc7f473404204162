//! The service, as a run sees it: in this process or behind gRPC, or a test's double.

use kerb_geometry::LatLng;
use kerb_proto::v1::{FindNearbyRequest, FindNearbyResponse};
use kerb_types::DriverStatus;

use super::message::{DriverNumber, Heard, RequestNumber, Said};
use super::ride::Step;

/// A position on its way to the service.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row {
    /// Whose.
    pub driver: DriverNumber,
    /// Grows with the time of measurement.
    pub sequence: u64,
    /// When it was measured, by the service's clock.
    pub time_ms: i64,
    /// Where.
    pub position: LatLng,
    /// Degrees clockwise from north.
    pub heading_deg: f64,
    /// Meters a second.
    pub speed_mps: f64,
    /// Doing what.
    pub status: DriverStatus,
}

/// What came from the service.
#[derive(Clone, Debug)]
pub enum News {
    /// For the people.
    Heard(Heard),
    /// A request was acknowledged as this trip.
    Acknowledged {
        /// Which.
        request: RequestNumber,
        /// The trip.
        trip: String,
    },
    /// A trip came so far, as its events say.
    Step {
        /// Which.
        trip: String,
        /// How far.
        step: Step,
    },
    /// A search was answered.
    Found {
        /// Number of the query.
        number: u64,
        /// The answer, or why there is none.
        answer: Result<FindNearbyResponse, String>,
    },
    /// Something took so long, microseconds of the machine's own time.
    Took {
        /// What.
        what: &'static str,
        /// How long.
        us: u64,
    },
    /// Something that must not be.
    Fault(String),
}

/// Updates, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    /// Handed to the service.
    pub sent: u64,
    /// Of these, lost, refused or dropped by it.
    pub failed: u64,
}

/// Takes what is said and brings what is heard.
#[expect(async_fn_in_trait, reason = "a run drives its service on its own task")]
pub trait Service {
    /// The service's time at this time of the city.
    fn server_ms(&self, city_ms: i64) -> i64;

    /// Takes positions, in order.
    fn report(&mut self, rows: &[Row]);

    /// Takes what else is said. What it comes to is news.
    fn say(&mut self, said: Said);

    /// Asks for drivers.
    fn ask(&mut self, number: u64, query: FindNearbyRequest);

    /// Asks the markets how they are.
    fn look(&mut self);

    /// Waits for news and takes all that are there. Dropping the future before it is ready loses nothing.
    async fn next(&mut self, news: &mut Vec<News>);

    /// What became of the updates so far.
    fn updates(&self) -> Updates;
}
