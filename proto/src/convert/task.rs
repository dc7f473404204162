//! Between ingest nodes and the matcher: news for drivers, their actions, and where they are.

use kerb_fleet::{DriverId, DriverNews, DriverTask, FieldError, Whereabouts};

use super::driver_trip::{Act, action_of, reason_of};
use super::field::{driver_id, one_position, refuse, required};
use super::public::{travel_source, travel_source_number};
use super::trip::{public_state, trip_id, trip_state};
use crate::internal::v1;
use crate::internal::v1::driver_news::News;

impl From<&DriverNews> for v1::DriverNews {
    fn from(news: &DriverNews) -> Self {
        let news = match news {
            DriverNews::Task(task) => News::Task((&**task).into()),
            DriverNews::Over { trip, state, why } => News::Over(v1::TripOver {
                trip_id: trip.to_string(),
                state: public_state(*state) as u32,
                why: why.clone(),
            }),
        };
        Self { news: Some(news) }
    }
}

impl TryFrom<v1::DriverNews> for DriverNews {
    type Error = FieldError;

    fn try_from(wire: v1::DriverNews) -> Result<Self, FieldError> {
        match required("news", wire.news)? {
            News::Task(task) => {
                let task = DriverTask::try_from(task).map_err(|error| error.within("task"))?;
                Ok(Self::Task(Box::new(task)))
            }
            News::Over(over) => over_of(over).map_err(|error| error.within("over")),
        }
    }
}

fn over_of(wire: v1::TripOver) -> Result<DriverNews, FieldError> {
    Ok(DriverNews::Over { trip: trip_id(&wire.trip_id)?, state: trip_state(wire.state)?, why: wire.why })
}

impl From<&DriverTask> for v1::DriverTask {
    fn from(task: &DriverTask) -> Self {
        Self {
            trip_id: task.trip.to_string(),
            state: public_state(task.state) as u32,
            pickup: task.pickup.to_bits(),
            dropoff: task.dropoff.to_bits(),
            pickup_eta_s: task.pickup_eta_s,
            travel_source: travel_source_number(task.travel_source) as u32,
            expires_ms: task.expires_ms,
            party_size: u32::from(task.party_size),
        }
    }
}

impl TryFrom<v1::DriverTask> for DriverTask {
    type Error = FieldError;

    fn try_from(wire: v1::DriverTask) -> Result<Self, FieldError> {
        Ok(Self {
            trip: trip_id(&wire.trip_id)?,
            state: trip_state(wire.state)?,
            pickup: one_position("pickup", wire.pickup)?,
            dropoff: one_position("dropoff", wire.dropoff)?,
            pickup_eta_s: wire.pickup_eta_s,
            travel_source: travel_source(i32::try_from(wire.travel_source).unwrap_or_default()),
            expires_ms: wire.expires_ms,
            party_size: party_size(wire.party_size)?,
        })
    }
}

/// A number of persons that fits its type; whether so many may ride is for the taker of the request to see.
pub(super) fn party_size(number: u32) -> Result<u8, FieldError> {
    u8::try_from(number).ok().ok_or_else(|| refuse("party_size", number, "at most 255"))
}

/// `None`: the driver is not known.
impl From<Option<&Whereabouts>> for v1::Whereabouts {
    fn from(whereabouts: Option<&Whereabouts>) -> Self {
        let Some(whereabouts) = whereabouts else { return Self::default() };
        let position = whereabouts.position.map(|(position, _)| position.to_bits());
        let time_ms = whereabouts.position.map_or(0, |(_, time_ms)| time_ms);
        Self { known: true, connected: whereabouts.connected, position, time_ms }
    }
}

/// `None`: the driver is not known.
impl TryFrom<v1::Whereabouts> for Option<Whereabouts> {
    type Error = FieldError;

    fn try_from(wire: v1::Whereabouts) -> Result<Self, FieldError> {
        if !wire.known {
            return Ok(None);
        }
        let position = wire.position.map(|bits| one_position("position", bits)).transpose()?;
        let position = position.map(|position| (position, wire.time_ms));
        Ok(Some(Whereabouts { connected: wire.connected, position }))
    }
}

impl From<(&DriverId, &Act)> for v1::ActRequest {
    fn from((driver, act): (&DriverId, &Act)) -> Self {
        Self {
            driver_id: driver.as_str().to_owned(),
            trip_id: act.trip.to_string(),
            action: act.action.name().to_owned(),
            reason: reason_of(&act.action).to_owned(),
        }
    }
}

impl TryFrom<v1::ActRequest> for (DriverId, Act) {
    type Error = FieldError;

    fn try_from(wire: v1::ActRequest) -> Result<Self, FieldError> {
        let driver = driver_id("driver_id", &wire.driver_id)?;
        Ok((driver, Act { trip: trip_id(&wire.trip_id)?, action: action_of(&wire.action, wire.reason)? }))
    }
}
