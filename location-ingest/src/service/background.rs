//! The periodic tasks of an ingest node: fan-out, expiry, and writes to the store.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use futures::future::join_all;
use kerb_ports::Slot;
use parking_lot::Mutex;
use tokio::time::{Duration, Interval, MissedTickBehavior, interval};

use crate::options::ms;
use crate::store::{Store, lag};
use crate::stream::stream_context::StreamContext;
use crate::table::expiry::{EXPIRY_TICK_MS, Expiry};

/// Time between two rounds of [`confirm_reservations`].
const CONFIRM_INTERVAL: Duration = Duration::from_secs(10);
/// Maximum confirmations of a round.
const CONFIRMATIONS_MAX: usize = 256;

/// Distributes changes to the links, every batch interval.
pub(super) async fn run_fanout(context: Arc<StreamContext>, has_store: bool) {
    let mut ticks = ticks(ms(context.options.batch_interval_ms));
    loop {
        ticks.tick().await;
        tick(&context, has_store);
    }
}

/// Distributes changes to the links once.
pub(super) fn tick(context: &StreamContext, has_store: bool) {
    let now = context.clock.now();
    let pending = context.fanout.tick(&context.table, &context.metrics, has_store, now);
    context.overloaded.store(pending > context.options.overload_pending, Ordering::Relaxed);
}

/// Removes silent drivers from the index and from the table.
pub(super) async fn expire_drivers(context: Arc<StreamContext>) {
    let options = &context.options;
    let now = context.clock.now();
    let mut expiry = Expiry::new(now, options.position_ttl_ms(), options.retention_ms());
    let mut ticks = ticks(EXPIRY_TICK_MS.to_duration());
    loop {
        ticks.tick().await;
        let now = context.clock.now();
        let is_connected = |slot| context.open_streams.is_connected(slot);
        let retired = expiry.expire_due(now, &context.table, is_connected, &context.metrics);
        context.reserved.remove(&retired);
        context.fanout.retire(retired);
    }
}

/// Lets the matcher confirm reservations of drivers who report AVAILABLE for long: the end of a trip may have been lost.
pub(super) async fn confirm_reservations(context: Arc<StreamContext>) {
    let mut ticks = ticks(CONFIRM_INTERVAL);
    loop {
        ticks.tick().await;
        let due = context.reserved.due(context.clock.now(), CONFIRMATIONS_MAX);
        let connected = due.into_iter().filter(|slot| context.open_streams.is_connected(*slot));
        join_all(connected.map(|slot| confirm_reservation(&context, slot))).await;
    }
}

async fn confirm_reservation(context: &StreamContext, slot: Slot) {
    let Some(profile) = context.table.profile(slot) else { return };
    let before = context.reserved.trip(slot);
    if let Some(answer) = context.dispatch.current_trip(&profile.id).await {
        context.reserved.answered(slot, before.as_ref(), answer.as_ref(), context.clock.now());
    }
}

/// Writes changes to the store, every store interval.
pub(super) async fn write_behind(context: Arc<StreamContext>, store: Arc<Mutex<Store>>) {
    let mut ticks = ticks(ms(context.options.store_interval_ms));
    loop {
        ticks.tick().await;
        flush_store(context.clone(), store.clone()).await;
    }
}

/// Writes all changes to the store once. Returns whether all are stored.
pub(super) async fn flush_store(context: Arc<StreamContext>, store: Arc<Mutex<Store>>) -> bool {
    let flush = tokio::task::spawn_blocking(move || {
        context.metrics.store_lag.set(lag(&context.table));
        match store.lock().flush(&context.table) {
            Ok(summary) => {
                context.metrics.stored.add(summary.rows as u64);
                true
            }
            Err(error) => {
                context.metrics.store_failures.increment();
                tracing::error!(%error, "changes are not stored yet");
                false
            }
        }
    });
    flush.await.expect("a flush of the store does not panic")
}

/// Returns an interval that does not catch up on ticks that it has missed.
fn ticks(period: Duration) -> Interval {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
