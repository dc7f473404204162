//! Returns an open offer to the matcher when its driver reports a status other than AVAILABLE, so that the rider does not wait
//! until the offer expires.

use std::sync::Arc;

use kerb_ports::Slot;
use kerb_trips::TripId;
use kerb_types::{Backoff, DriverId, Jitter};
use tokio::time::{Duration, sleep};

use super::stream_context::StreamContext;

/// Wait before the first retry.
const RETRY_MIN: Duration = Duration::from_millis(500);
/// Maximum wait between two retries.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// Returns the open offer of the driver in this slot, if the driver's newest report refuses it. Does not wait.
pub(crate) fn return_open_offer(context: &Arc<StreamContext>, slot: Slot) {
    let (now, ttl_ms) = (context.clock.now(), context.options.position_ttl_ms());
    let Some(trip) = context.reserved.take_open_offer(slot, now, ttl_ms) else { return };
    let Some(driver) = context.table.profile(slot).map(|profile| profile.id) else { return };
    let stop = context.stop.clone();
    let sending = send(context.clone(), slot, driver, trip);
    context.tasks.spawn(async move { stop.run_until_cancelled(sending).await });
}

/// Sends the return until the matcher has taken it, or until the offer has ended otherwise. An app that goes offline sends no
/// further report, so the retries cannot wait for one.
async fn send(context: Arc<StreamContext>, slot: Slot, driver: DriverId, trip: TripId) {
    // No jitter: a paused clock must give the same run twice.
    let mut backoff = Backoff::new(RETRY_MIN, RETRY_MAX, Jitter::None);
    while context.reserved.trip(slot).as_ref() == Some(&trip) {
        if context.dispatch.return_offer(&driver, &trip).await {
            return context.reserved.ended(slot, &trip);
        }
        sleep(backoff.next_wait(0.0)).await;
    }
}
