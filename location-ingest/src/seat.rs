//! A driver's stream in this process: what the stream over the wire is, but for the wire and for positions, which come
//! as a gateway's rows.

use std::sync::Arc;

use kerb_ports::Error;
use kerb_proto::v1::{ActionResult, Register, TripAction};
use kerb_types::DriverId;

use crate::actions::answer;
use crate::node::{Hold, IngestNode};
use crate::outbox::{Outbox, OutboxStream};
use crate::service::LocationIngest;
use crate::stream::checked_register;

/// The driver's side that speaks. Dropping it is a stream that broke.
pub struct DriverSeat {
    node: Arc<IngestNode>,
    driver: DriverId,
    outbox: Arc<Outbox>,
    _hold: Hold,
}

impl LocationIngest {
    /// Seats a driver in this process: the second value is what it hears. Inside a tokio runtime.
    ///
    /// [`Error::Invalid`]: the register is wrong. [`Error::Overloaded`]: the table is full.
    pub fn seat(&self, register: &Register) -> Result<(DriverSeat, OutboxStream), Error> {
        let (profile, token) = checked_register(&self.node.catalog, register)?;
        let (node, outbox) = (self.node.clone(), Arc::new(Outbox::default()));
        let (enrolled, hold) = node.connect(&profile, &outbox)?;
        node.take_token(enrolled.slot, token.as_ref());
        let driver = enrolled.id.clone();
        let (greeter, greeted, its_driver) = (node.clone(), outbox.clone(), driver.clone());
        node.streams.spawn(async move {
            tokio::select! {
                biased;
                () = greeter.greet(&its_driver, &greeted) => {}
                () = greeted.over() => {}
                () = greeter.stop.cancelled() => {}
            }
        });
        let heard = OutboxStream(outbox.clone());
        Ok((DriverSeat { node, driver, outbox, _hold: hold }, heard))
    }
}

impl DriverSeat {
    /// The driver acts on a trip; resolves to what it came to once that is durable. One at a time: the next action may
    /// overtake one that is not answered yet.
    pub fn act(&self, action: TripAction) -> impl Future<Output = ActionResult> + Send + use<> {
        self.outbox.concern();
        answer(self.node.clone(), self.driver.clone(), action)
    }
}
