//! The decisions of a market that are not durable yet.

use kerb_trips::{Change, TripId};
use kerb_types::DriverId;

use crate::market::effect::Effect;

/// Everything that the market decided since its last record.
#[derive(Default)]
pub(super) struct PendingRecord {
    /// The changes that the next record will hold.
    pub(super) changes: Vec<Change>,
    /// The effects that follow once the record is durable.
    pub(super) effects: Vec<Effect>,
    /// The reservations that end once the record is durable.
    pub(super) released: Vec<(DriverId, TripId)>,
}
