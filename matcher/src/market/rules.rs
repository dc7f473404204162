//! What an operator decides about a market, as its core needs it.

/// Times in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Who writes the records.
    pub matcher: String,
    /// How long a driver may think about an offer.
    pub offer_ms: i64,
    /// How long a driver who accepted may be away before the rider gets another one.
    pub reconnect_grace_ms: i64,
    /// A rider whose driver was lost waits at least so long for another one, however short the wait that was asked for:
    /// at least one window and one offer.
    pub lost_wait_min_ms: i64,
    /// How long an ended trip can be asked for.
    pub ended_kept_ms: i64,
    /// Requests that wait at one time, at most.
    pub waiting_max: usize,
    /// Live trips of one rider, at most.
    pub rider_live_max: usize,
    /// Candidates that are looked at for a new request.
    pub k_min: u32,
    /// Candidates for a request that was left out again and again.
    pub k_max: u32,
    /// A trip is given to a nearer driver so often, at most.
    pub reassigned_max: usize,
    /// A driver who lost a trip to a nearer one loses no other for so long.
    pub reassignment_cooldown_ms: i64,
    /// A running meter is written down so often: what a kill can make a straight line of.
    pub meter_checkpoint_ms: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            matcher: "matcher".to_owned(),
            offer_ms: 15_000,
            reconnect_grace_ms: 120_000,
            lost_wait_min_ms: 16_000,
            ended_kept_ms: 3_600_000,
            waiting_max: 100_000,
            rider_live_max: 3,
            k_min: 10,
            k_max: 64,
            reassigned_max: 1,
            reassignment_cooldown_ms: 600_000,
            meter_checkpoint_ms: 60_000,
        }
    }
}
