//! Ids of trips, markets, riders and requests.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use kerb_types::id::{check_callers_string, check_name};
use kerb_types::limits::{IDEMPOTENCY_KEY_BYTES_MAX, RIDER_ID_BYTES_MAX};
use kerb_types::{FieldError, text_id};

text_id! {
    /// The operator's name of a market: 1 to 32 bytes of letters, digits, `-`, `_` or `.`.
    MarketId, |id| check_name("market", id)
}

text_id! {
    /// A rider's id: the caller's own string of 1 to 64 bytes.
    RiderId, |id| check_callers_string("rider_id", id, RIDER_ID_BYTES_MAX)
}

text_id! {
    /// The key by which a repeated request of a rider is recognized: the caller's own string of 1 to 64 bytes.
    IdempotencyKey, |id| check_callers_string("idempotency_key", id, IDEMPOTENCY_KEY_BYTES_MAX)
}

/// The id of a trip: its market and its number in that market. The text form is `market-number`.
///
/// ```
/// use kerb_trips::TripId;
/// let id: TripId = "san-francisco-17".parse().unwrap();
/// assert_eq!((id.market.as_str(), id.number), ("san-francisco", 17));
/// assert_eq!(id.to_string(), "san-francisco-17");
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TripId {
    /// The market that owns the trip.
    pub market: MarketId,
    /// The number of the trip in its market.
    pub number: u64,
}

impl fmt::Display for TripId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.market, self.number)
    }
}

impl fmt::Debug for TripId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for TripId {
    type Err = FieldError;

    /// Accepts exactly the texts that `Display` writes, so two different texts never name one trip.
    fn from_str(text: &str) -> Result<Self, FieldError> {
        let parts = text.rsplit_once('-').and_then(|(market, number)| {
            let number = number.parse::<u64>().ok().filter(|parsed| parsed.to_string() == number)?;
            Some(Self { market: MarketId::new(market).ok()?, number })
        });
        parts.ok_or_else(|| {
            let expected = "must be a market's name, '-' and a number, as in \"world-17\"";
            FieldError::new("trip_id", format!("{text:?}, {expected}"))
        })
    }
}

impl TryFrom<String> for TripId {
    type Error = FieldError;

    fn try_from(text: String) -> Result<Self, FieldError> {
        text.parse()
    }
}

impl From<TripId> for String {
    fn from(id: TripId) -> Self {
        id.to_string()
    }
}
