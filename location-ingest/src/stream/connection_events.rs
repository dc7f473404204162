//! Reports to the matcher that a driver connects or disconnects, and passes the matcher's answer to the driver.

use kerb_types::DriverId;

use super::outbox::Outbox;
use super::stream_context::StreamContext;

/// Reports a driver's new stream to the matcher, and sends the driver the state of its trip.
pub(crate) async fn report_connected(context: &StreamContext, driver: &DriverId, outbox: &Outbox) {
    let Some(slot) = context.table.slot(driver) else { return };
    let before = context.reserved.trip(slot);
    let notification = context.dispatch.connected(driver).await;
    context.reserved.answered(slot, before.as_ref(), notification.as_ref(), context.clock.now());
    if let Some(notification) = notification {
        outbox.notify_initial(&notification);
    }
}

/// Reports to the matcher that the driver's newest stream at this node has ended.
pub(crate) async fn report_disconnected(context: &StreamContext, driver: &DriverId) {
    context.dispatch.disconnected(driver).await;
    // A stream that was opened meanwhile reports itself, but perhaps before this report: then the matcher would take
    // the driver for disconnected. So the newer stream is reported once more.
    let Some(newer) = context.outbox(driver) else { return };
    tokio::select! {
        () = report_connected(context, driver, &newer) => {}
        () = newer.closed() => {}
        () = context.stop.cancelled() => {}
    }
}
