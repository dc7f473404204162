//! The encoding of a snapshot: the format number, the state of the market, the trips by number, the takeover offers, and
//! the used keys.
//! The encoding is postcard's, which has no field names.
//!
//! Only a program with the same format number reads a snapshot; any other ignores it and reads all records, whose text
//! format stays readable for years. A change of the bytes here, or of the order of an enum's variants, needs a new
//! [`FORMAT`]. A test compares the bytes of a market.

use kerb_trips::{
    CancelledBy, Receipt, ReturnReason, RideRequest, StepNote, Trip, TripId, TripState, TripStep,
};
use kerb_trips::{Meter, Offer, TakeoverOffer, TripTimes};
use kerb_types::{DriverId, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::market::trip_table::UsedKey;

/// Format number of the snapshots that this program writes.
const FORMAT: u8 = 4;
/// Like [`FORMAT`], but without the used keys. This program reads it, too.
const FORMAT_3: u8 = 3;
/// Like [`FORMAT_3`], but without takeover offers. This program reads it, too.
const FORMAT_2: u8 = 2;

/// The decoded content of a snapshot.
pub(super) struct Snapshot {
    pub(super) paused: bool,
    pub(super) next_number: u64,
    pub(super) trips: Vec<Trip>,
    pub(super) used_keys: Vec<UsedKey>,
}

/// The reason why bytes cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub(super) enum SnapshotError {
    #[error("its format is not {FORMAT}, {FORMAT_3} or {FORMAT_2}")]
    Format,
    #[error("{0}")]
    Encoding(#[from] postcard::Error),
    #[error("its trips are not in order of their numbers, below the next number")]
    Order,
    #[error("{0} bytes too many")]
    TrailingBytes(usize),
}

#[derive(Serialize, Deserialize)]
struct Header {
    paused: bool,
    next_number: u64,
    trips: u32,
}

/// Encodes a market.
pub(super) fn write(paused: bool, next_number: u64, trips: &[&Trip], used_keys: &[UsedKey]) -> Vec<u8> {
    let header = Header { paused, next_number, trips: trips.len() as u32 };
    let mut bytes = append(vec![FORMAT], &header);
    for trip in trips {
        bytes = append(bytes, &TripRef(trip));
    }
    let takeover = |trip: &&Trip| trip.takeover_offer.clone().map(|offer| (trip.id.number, offer));
    let bytes = append(bytes, &trips.iter().filter_map(takeover).collect::<Vec<_>>());
    append(bytes, &used_keys)
}

fn append(bytes: Vec<u8>, value: &impl Serialize) -> Vec<u8> {
    postcard::to_extend(value, bytes).expect("a vector grows, and every number is finite")
}

/// Decodes a market.
pub(super) fn read(bytes: &[u8]) -> Result<Snapshot, SnapshotError> {
    let (format, bytes) = bytes.split_first().ok_or(SnapshotError::Format)?;
    if ![FORMAT, FORMAT_3, FORMAT_2].contains(format) {
        return Err(SnapshotError::Format);
    }
    let (header, mut rest) = postcard::take_from_bytes::<Header>(bytes)?;
    // A trip has more than one byte, so a corrupt header reserves no more trips than the input has bytes.
    let mut trips = Vec::with_capacity((header.trips as usize).min(rest.len()));
    for _ in 0..header.trips {
        let (TripValue(trip), after) = postcard::take_from_bytes(rest)?;
        trips.push(trip);
        rest = after;
    }
    // Two trips with one number would leave a timer behind, and a new trip would replace one whose number is not below.
    let ascending = trips.is_sorted_by(|a, b| a.id.number < b.id.number);
    if !ascending || trips.last().is_some_and(|trip| trip.id.number >= header.next_number) {
        return Err(SnapshotError::Order);
    }
    if *format >= FORMAT_3 {
        rest = read_takeover_offers(rest, &mut trips)?;
    }
    let mut used_keys = Vec::new();
    if *format == FORMAT {
        (used_keys, rest) = postcard::take_from_bytes(rest)?;
    }
    if !rest.is_empty() {
        return Err(SnapshotError::TrailingBytes(rest.len()));
    }
    Ok(Snapshot { paused: header.paused, next_number: header.next_number, trips, used_keys })
}

/// Decodes the takeover offers, and adds them to their trips, which are sorted by number.
fn read_takeover_offers<'a>(bytes: &'a [u8], trips: &mut [Trip]) -> Result<&'a [u8], SnapshotError> {
    let (offers, rest) = postcard::take_from_bytes::<Vec<(u64, TakeoverOffer)>>(bytes)?;
    for (number, offer) in offers {
        if let Ok(at) = trips.binary_search_by_key(&number, |trip| trip.id.number) {
            trips[at].takeover_offer = Some(offer);
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

// The types of `kerb_trips`, except for its tagged enums: postcard has no field names and cannot decode a tag, so each
// tagged enum has an untagged copy here.

#[derive(Serialize, Deserialize)]
#[serde(remote = "Trip")]
struct TripRow {
    id: TripId,
    request: RideRequest,
    state: TripState,
    driver: Option<DriverId>,
    offer: Option<Offer>,
    /// Follows after all trips, because format 2 does not have it.
    #[serde(skip)]
    takeover_offer: Option<TakeoverOffer>,
    declined_by: Vec<DriverId>,
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
    at_ms: Timestamp,
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
    DriverUnavailable,
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
