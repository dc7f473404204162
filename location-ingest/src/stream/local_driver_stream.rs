//! A driver's stream in this process. It does what the stream over gRPC does, except for positions: those come through a
//! gateway's stream.

use std::sync::Arc;

use kerb_proto::v1::{ActionResult, Register, TripAction};
use kerb_types::DriverId;

use super::actions::execute;
use super::connection_events::report_connected;
use super::driver_stream::validate_register;
use super::open_streams::OpenStreamGuard;
use super::outbox::{Outbox, OutboxStream};
use super::stream_context::StreamContext;
use crate::error::IngestError;

/// The sending half of a driver's stream in this process. Dropping it disconnects the driver without a report to the
/// matcher, as a broken connection does.
pub struct LocalDriverStream {
    context: Arc<StreamContext>,
    driver: DriverId,
    outbox: Arc<Outbox>,
    _guard: OpenStreamGuard,
}

impl LocalDriverStream {
    /// Registers the driver. Returns both halves of its stream. Requires a tokio runtime.
    pub(crate) fn open(
        context: Arc<StreamContext>,
        register: &Register,
    ) -> Result<(Self, OutboxStream), IngestError> {
        let (profile, token) = validate_register(&context.catalog, register)?;
        let outbox = Arc::new(Outbox::default());
        let (driver, guard) = context.connect(&profile, &outbox)?;
        context.take_token(&driver, token.as_ref());
        context.tasks.spawn({
            let (context, outbox, driver) = (context.clone(), outbox.clone(), driver.id.clone());
            async move {
                tokio::select! {
                    biased;
                    () = report_connected(&context, &driver, &outbox) => {}
                    () = outbox.closed() => {}
                    () = context.stop.cancelled() => {}
                }
            }
        });
        let messages = OutboxStream(outbox.clone());
        Ok((Self { context, driver: driver.id, outbox, _guard: guard }, messages))
    }

    /// Sends an action on a trip to the matcher. Resolves to its result once the decision is durable.
    ///
    /// Await each action before the next one: a concurrent action may overtake.
    pub fn act(&self, action: TripAction) -> impl Future<Output = ActionResult> + Send + use<> {
        self.outbox.mark_trip_activity();
        execute(self.context.clone(), self.driver.clone(), action)
    }
}
