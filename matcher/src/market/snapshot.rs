//! The bytes of a snapshot: a number of the format, what is known of the market, and trip by trip in the order of their
//! numbers, in postcard's encoding, which names no fields.
//!
//! A snapshot is read by the program that wrote it, or by one with the same format number. To any other it is as if it
//! were not there: the records say all, in a text that is read for years. So whoever changes what is written here, or the
//! order of an enum's variants, changes [`FORMAT`]; a test holds the bytes of a market.

use kerb_trips::{
    CancelledBy, Receipt, ReturnReason, RideRequest, StepNote, Trip, TripId, TripState, TripStep,
};
use kerb_trips::{Meter, Offer, TakeoverOffer, TripTimes};
use kerb_types::DriverId;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Of the bytes that this program writes.
const FORMAT: u8 = 3;
/// As [`FORMAT`], but without drivers who are asked to take trips over: such a snapshot is read, too.
const FORMAT_2: u8 = 2;

/// What a snapshot holds.
pub(super) struct Snapshot {
    pub(super) paused: bool,
    pub(super) next_number: u64,
    pub(super) trips: Vec<Trip>,
}

/// Why bytes are no snapshot.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error("its format is not {FORMAT} or {FORMAT_2}")]
    Format,
    #[error("{0}")]
    Encoding(#[from] postcard::Error),
    #[error("{0} bytes too many")]
    Rest(usize),
}

#[derive(Serialize, Deserialize)]
struct Head {
    paused: bool,
    next_number: u64,
    trips: u32,
}

/// The bytes of a market.
pub(super) fn write(paused: bool, next_number: u64, trips: &[&Trip]) -> Vec<u8> {
    let head = Head { paused, next_number, trips: trips.len() as u32 };
    let mut bytes = add(vec![FORMAT], &head);
    for trip in trips {
        bytes = add(bytes, &TripRef(trip));
    }
    let asked = |trip: &&Trip| trip.takeover_offer.clone().map(|asked| (trip.id.number, asked));
    add(bytes, &trips.iter().filter_map(asked).collect::<Vec<_>>())
}

fn add(bytes: Vec<u8>, value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, bytes).expect("memory takes all bytes, and every number is finite")
}

/// The market of such bytes.
pub(super) fn read(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let (format, bytes) = bytes.split_first().ok_or(SnapshotError::Format)?;
    if ![FORMAT, FORMAT_2].contains(format) {
        return Err(SnapshotError::Format);
    }
    let (head, mut rest) = postcard::take_from_bytes::<Head>(bytes)?;
    // A trip has more than one byte: a wrong head takes no more memory than the bytes did.
    let mut trips = Vec::with_capacity((head.trips as usize).min(rest.len()));
    for _ in 0..head.trips {
        let (TripValue(trip), after) = postcard::take_from_bytes(rest)?;
        trips.push(trip);
        rest = after;
    }
    if *format == FORMAT {
        rest = read_asked(rest, &mut trips)?;
    }
    if !rest.is_empty() {
        return Err(SnapshotError::Rest(rest.len()));
    }
    Ok(Snapshot { paused: head.paused, next_number: head.next_number, trips })
}

/// Who is asked to take over which of the trips, which come by their numbers.
fn read_asked<'a>(bytes: &'a [u8], trips: &mut [Trip]) -> Result<&'a [u8], SnapshotError> {
    let (asked, rest) = postcard::take_from_bytes::<Vec<(u64, TakeoverOffer)>>(bytes)?;
    for (number, asked) in asked {
        if let Ok(at) = trips.binary_search_by_key(&number, |trip| trip.id.number) {
            trips[at].takeover_offer = Some(asked);
        }
    }
    Ok(rest)
}

struct TripRef<'a>(&'a Trip);

impl Serialize for TripRef<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        TripRow::serialize(self.0, serializer)
    }
}

#[derive(Deserialize)]
struct TripValue(#[serde(with = "TripRow")] Trip);

// Fleet's types as they are, but for their tagged enums, which only a format that names its fields can read back.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Trip")]
struct TripRow {
    id: TripId,
    request: RideRequest,
    state: TripState,
    driver: Option<DriverId>,
    offer: Option<Offer>,
    /// Stands after all trips.
    #[serde(skip)]
    takeover_offer: Option<TakeoverOffer>,
    returned_by: Vec<DriverId>,
    offers: u32,
    times: TripTimes,
    meter: Meter,
    receipt: Option<Box<Receipt>>,
    #[serde(with = "cancelled_by")]
    cancelled_by: Option<CancelledBy>,
    cancel_reason: String,
    #[serde(with = "steps")]
    steps: Vec<TripStep>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TripStep")]
struct StepRow {
    at_ms: i64,
    state: TripState,
    driver: Option<DriverId>,
    #[serde(with = "NoteRow")]
    note: StepNote,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "StepNote")]
enum NoteRow {
    None,
    OfferReturned {
        #[serde(with = "WhyRow")]
        why: ReturnReason,
    },
    DriverLost,
    Cancelled {
        #[serde(with = "ByRow")]
        by: CancelledBy,
        reason: String,
    },
    Reassigned {
        from: DriverId,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ReturnReason")]
enum WhyRow {
    Declined { reason: String },
    Expired,
    DriverDisconnected,
    Withdrawn,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CancelledBy")]
enum ByRow {
    Rider,
    Driver { driver: DriverId },
    Operator,
}

mod steps {
    use super::{Deserialize, Deserializer, Serialize, Serializer, StepRow, TripStep};

    struct StepRef<'a>(&'a TripStep);

    impl Serialize for StepRef<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            StepRow::serialize(self.0, serializer)
        }
    }

    #[derive(Deserialize)]
    struct StepValue(#[serde(with = "StepRow")] TripStep);

    pub(super) fn serialize<S: Serializer>(steps: &[TripStep], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(steps.iter().map(StepRef))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<TripStep>, D::Error> {
        let steps = Vec::<StepValue>::deserialize(deserializer)?;
        Ok(steps.into_iter().map(|StepValue(step)| step).collect())
    }
}

mod cancelled_by {
    use super::{ByRow, CancelledBy, Deserialize, Deserializer, Serialize, Serializer};

    struct ByRef<'a>(&'a CancelledBy);

    impl Serialize for ByRef<'_> {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            ByRow::serialize(self.0, serializer)
        }
    }

    #[derive(Deserialize)]
    struct ByValue(#[serde(with = "ByRow")] CancelledBy);

    #[expect(clippy::ref_option, reason = "the signature is serde's")]
    pub(super) fn serialize<S: Serializer>(
        by: &Option<CancelledBy>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        by.as_ref().map(ByRef).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<CancelledBy>, D::Error> {
        let by = Option::<ByValue>::deserialize(deserializer)?;
        Ok(by.map(|ByValue(by)| by))
    }
}
