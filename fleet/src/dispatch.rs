//! What the matcher and its drivers say to each other.

use kerb_spatial::LatLng;
use serde::{Deserialize, Serialize};

use crate::search::{DriverFilter, Hit};
use crate::trip::{TripId, TripState};

/// What a driver does about a trip. Each may be repeated: a repeat is answered as the first was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriverAction {
    /// Takes the offer.
    Accept,
    /// Does not take it.
    Decline {
        /// The driver's words; may be empty.
        reason: String,
    },
    /// Is at the pickup.
    Arrived,
    /// The rider got in.
    PickedUp,
    /// The rider got out.
    DroppedOff,
    /// Gives an accepted trip up before the pick-up.
    Cancel {
        /// The driver's words; may be empty.
        reason: String,
    },
}

impl DriverAction {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Decline { .. } => "decline",
            Self::Arrived => "arrived",
            Self::PickedUp => "picked_up",
            Self::DroppedOff => "dropped_off",
            Self::Cancel { .. } => "cancel",
        }
    }
}

/// The one trip that a driver is to think of: an offer, or the trip that was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverTask {
    /// Which.
    pub trip: TripId,
    /// [`TripState::Offered`] until accepted, then as far as it has come.
    pub state: TripState,
    /// Where the rider waits.
    pub pickup: LatLng,
    /// Where the rider goes.
    pub dropoff: LatLng,
    /// Expected seconds from the offer to the pickup.
    pub pickup_eta_s: u32,
    /// What that was computed from; `None`: not known any more.
    pub travel_source: Option<TravelSource>,
    /// Until when an offer may be accepted, milliseconds since the Unix epoch.
    pub expires_ms: i64,
    /// Persons.
    pub party_size: u8,
}

/// What is put before a driver. The newest speaks for all before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DriverNews {
    /// The driver's task is this now.
    Task(Box<DriverTask>),
    /// The trip is not the driver's any more.
    Over {
        /// Which.
        trip: TripId,
        /// Where it stands now.
        state: TripState,
        /// Why, in a few words.
        why: String,
    },
}

impl DriverNews {
    /// The trip that it is about.
    pub fn trip(&self) -> &TripId {
        match self {
            Self::Task(task) => &task.trip,
            Self::Over { trip, .. } => trip,
        }
    }
}

/// Where a driver is, as an ingest node knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// A stream of the driver is open there.
    pub connected: bool,
    /// The newest position and when it was measured, milliseconds since the Unix epoch; `None`: not yet reported.
    pub position: Option<(LatLng, i64)>,
}

/// A question for the drivers nearest to a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NearQuestion {
    /// From where.
    pub point: LatLng,
    /// How many at most.
    pub k: u32,
    /// Within.
    pub radius_m: f64,
    /// Which.
    pub filter: DriverFilter,
}

/// The drivers nearest to one of the points that were asked about together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NearAnswer {
    /// Places in [`NearAnswers::hits`], by distance.
    pub places: Vec<u32>,
    /// Every shard that can hold an answer has answered.
    pub complete: bool,
}

/// Answers to questions that were asked together.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearAnswers {
    /// Whoever stands in an answer. A driver whom several searches met may stand here more than once, as each saw it;
    /// the distance is that to the point of one of them.
    pub hits: Vec<Hit>,
    /// One a question, in their order.
    pub answers: Vec<NearAnswer>,
}

impl NearAnswers {
    /// One more answer, of a search of its own.
    pub fn push(&mut self, hits: Vec<Hit>, complete: bool) {
        let first = self.hits.len() as u32;
        self.hits.extend(hits);
        self.answers.push(NearAnswer { places: (first..self.hits.len() as u32).collect(), complete });
    }

    /// The drivers of an answer, by distance.
    pub fn hits_of<'a>(&'a self, answer: &'a NearAnswer) -> impl Iterator<Item = &'a Hit> {
        answer.places.iter().map(|place| &self.hits[*place as usize])
    }
}

/// The drivers who are soonest at a point.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SoonAnswer {
    /// By travel time, and by distance where that is the same.
    pub hits: Vec<Hit>,
    /// Of each of them, to the point.
    pub etas: Vec<Eta>,
    /// Every shard that can hold an answer has answered, and nobody who was not looked at can be sooner there.
    pub complete: bool,
}

/// A way from one place to another, by their places in the two lists of a [`TableQuestion`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leg {
    /// In the origins.
    pub origin: u32,
    /// In the destinations.
    pub destination: u32,
}

/// A sparse table of travel times: those of the legs are wanted, not of every pair.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableQuestion {
    /// Where vehicles are.
    pub origins: Vec<LatLng>,
    /// Where they are to go.
    pub destinations: Vec<LatLng>,
    /// Which pairs.
    pub legs: Vec<Leg>,
}

/// What a travel time was computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TravelSource {
    /// Great-circle distance, a detour factor and one speed.
    StraightLine,
    /// A road network.
    Roads,
}

/// Travel times, one a leg in the order of the question.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// Whole seconds, rounded up.
    pub seconds: Vec<u32>,
    /// What each was computed from.
    pub sources: Vec<TravelSource>,
}

impl Table {
    /// The times with their sources, leg by leg.
    pub fn etas(&self) -> impl Iterator<Item = Eta> {
        self.seconds
            .iter()
            .zip(&self.sources)
            .map(|(time_s, source)| Eta { time_s: *time_s, source: *source })
    }
}

/// How long a way takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Eta {
    /// Whole seconds, rounded up.
    pub time_s: u32,
    /// What it was computed from.
    pub source: TravelSource,
}

/// A way with its length.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drive {
    /// How long it takes.
    pub eta: Eta,
    /// How long it is, metres.
    pub length_m: f64,
}
