//! One driver's own stream: register, positions and acknowledgements, actions and results. The state is plain; [`serve`] is its thin loop.

use std::future::pending;
use std::sync::Arc;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kerb_ports::Error;
use kerb_proto::status::status_of;
use kerb_proto::v1::connect_request::Message;
use kerb_proto::v1::{
    Acknowledgement, ConnectRequest, PositionUpdate, Register, Registered, Rejection, TripAction,
};
use kerb_types::{Catalog, DriverId, DriverProfile, FieldError};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::{Status, Streaming};

use crate::actions::Actions;
use crate::node::{Hold, IngestNode};
use crate::options::ms;
use crate::outbox::Outbox;
use crate::rate::Pace;
use crate::table::{Applied, Enrolled};
use crate::token::ResumeToken;
use crate::validate;

/// Why a stream is ended at the shutdown.
pub(crate) const SHUTTING_DOWN: &str = "shutting down, reconnect";
/// How often it is looked whether the client reads, in the time that it may take.
const STALL_LOOKS: u32 = 4;

/// An open stream that has said register.
struct DriverStream {
    node: Arc<IngestNode>,
    outbox: Arc<Outbox>,
    driver: Enrolled,
    hold: Hold,
    actions: Actions,
    /// Highest sequence seen in this stream.
    sequence: u64,
    dropped_late: u64,
    dropped_rate: u64,
    /// The interval that the driver was told last.
    told_ms: u32,
    /// The driver was told since it began to hurry.
    warned: bool,
}

/// Serves a stream until it ends; the outbox gets the reason.
pub(crate) async fn serve(
    node: Arc<IngestNode>,
    mut requests: Streaming<ConnectRequest>,
    outbox: Arc<Outbox>,
) {
    let register_limit = ms(node.options.register_timeout_ms);
    let register = tokio::select! {
        first = timeout(register_limit, requests.message()) => first,
        () = outbox.over() => return,
        () = node.stop.cancelled() => return outbox.end(Status::unavailable(SHUTTING_DOWN)),
    };
    let opened = match register {
        Err(_) => Err(Status::deadline_exceeded(format!(
            "no register within {} ms",
            node.options.register_timeout_ms
        ))),
        Ok(Err(status)) => Err(status),
        Ok(Ok(first)) => {
            let stream = DriverStream::open(node, outbox.clone(), first);
            stream.map_err(|error| status_of(&error))
        }
    };
    match opened {
        Ok(stream) => stream.run(requests).await,
        Err(status) => outbox.end(status),
    }
}

/// Greets the driver and resolves when the stream is to end though its client goes on; `None`: it is over.
async fn ending_of(node: &IngestNode, driver: &DriverId, outbox: &Outbox) -> Option<Status> {
    let greeting = async {
        node.greet(driver, outbox).await;
        pending().await
    };
    tokio::select! {
        biased;
        () = outbox.over() => None,
        () = node.stop.cancelled() => Some(Status::unavailable(SHUTTING_DOWN)),
        status = stalled(node, outbox) => Some(status),
        never = greeting => never,
    }
}

/// Resolves when the client has read nothing for too long.
async fn stalled(node: &IngestNode, outbox: &Outbox) -> Status {
    let limit_ms = node.options.stall_timeout_ms;
    let mut looks = interval(ms(limit_ms) / STALL_LOOKS);
    // A node that slept gives its clients their time anew.
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut unread, mut looks_since) = (None, 0);
    while looks_since < STALL_LOOKS {
        looks.tick().await;
        let now = outbox.unread();
        looks_since = if now.is_some() && now == unread { looks_since + 1 } else { 0 };
        unread = now;
    }
    node.counters.stalled.add(1);
    Status::resource_exhausted(format!("the client has read nothing for {limit_ms} ms"))
}

/// Who a driver says it is, and the token that it brings. [`Error::Invalid`] names every field that is wrong.
pub(crate) fn checked_register(
    catalog: &Catalog,
    register: &Register,
) -> Result<(DriverProfile, Option<ResumeToken>), Error> {
    let Register { driver_id, vehicle_class, capabilities, resume_token } = register;
    let within = |errors: Vec<FieldError>| errors.into_iter().map(|error| error.within("register")).collect();
    let profile = validate::profile(catalog, driver_id, vehicle_class, capabilities);
    let profile = profile.map_err(|errors| Error::Invalid(within(errors)))?;
    let token = ResumeToken::decode(resume_token, &profile.id);
    let token = token.map_err(|error| Error::Invalid(within(vec![error])))?;
    Ok((profile, token))
}

impl DriverStream {
    fn open(
        node: Arc<IngestNode>,
        outbox: Arc<Outbox>,
        first: Option<ConnectRequest>,
    ) -> Result<Self, Error> {
        let Some(Message::Register(register)) = first.and_then(|first| first.message) else {
            return Err(FieldError::new("register", "absent, must be the first message").into());
        };
        let (profile, token) = checked_register(&node.catalog, &register)?;
        let (driver, hold) = node.connect(&profile, &outbox)?;
        node.take_token(driver.slot, token.as_ref());
        let resume = node.resume(&driver, token);
        let last_sequence = resume.update_version.sequence;
        let told_ms = node.reporting_interval_ms();
        outbox.registered(Registered {
            last_sequence,
            reporting_interval_ms: told_ms,
            server_time_ms: node.clock.now_ms(),
            node_id: node.id.as_str().to_owned(),
            resume_token: resume.encode(&driver.id),
        });
        let (sequence, dropped_late, dropped_rate) = (last_sequence, 0, 0);
        let warned = false;
        let actions = Actions::new(node.clone(), driver.id.clone());
        Ok(Self {
            node,
            outbox,
            driver,
            hold,
            actions,
            sequence,
            dropped_late,
            dropped_rate,
            told_ms,
            warned,
        })
    }

    async fn run(mut self, requests: Streaming<ConnectRequest>) {
        self.converse(requests).await;
        let is_last = self.hold.release();
        if is_last && self.outbox.is_concerned() {
            self.node.part(&self.driver.id).await;
        }
    }

    /// Reads promptly whether or not the client reads, and whether or not the matcher answers: neither holds up the
    /// driver's positions.
    async fn converse(&mut self, mut requests: Streaming<ConnectRequest>) {
        let node = self.node.clone();
        let outbox = self.outbox.clone();
        let driver = self.driver.id.clone();
        // What is rare has a waker of its own: an update does not look at it.
        let mut ending = FuturesUnordered::new();
        ending.push(ending_of(&node, &driver, &outbox).boxed());
        let mut reading = true;
        // Who has sent all still hears what came of it.
        while reading || !self.actions.is_idle() {
            tokio::select! {
                biased;
                Some(status) = ending.next() => {
                    if let Some(status) = status {
                        outbox.end(status);
                    }
                    return;
                },
                result = self.actions.next(), if !self.actions.is_idle() => outbox.result(result),
                request = requests.message(), if reading => match request {
                    Ok(Some(request)) => self.take(request),
                    Ok(None) => reading = false,
                    Err(status) => return outbox.end(status),
                },
            }
        }
        outbox.end(Status::ok(""));
    }

    fn take(&mut self, request: ConnectRequest) {
        match request.message {
            Some(Message::Position(position)) => self.position(&position),
            Some(Message::Action(action)) => self.act(action),
            Some(Message::Register(_)) => {
                self.refuse(0, vec![FieldError::new("register", "a second one, must be one")]);
            }
            None => {
                self.refuse(0, vec![FieldError::new("message", "absent, must be a position or an action")]);
            }
        }
    }

    fn act(&mut self, action: TripAction) {
        self.outbox.concern();
        if let Err(refused) = self.actions.push(action) {
            self.outbox.result(refused);
        }
    }

    fn position(&mut self, wire: &PositionUpdate) {
        self.node.counters.received.add(1);
        let window = self.node.window();
        let report = match validate::position(wire, window) {
            Ok(report) => report,
            Err(errors) => {
                self.node.counters.refused.add(1);
                return self.refuse(wire.sequence, errors);
            }
        };
        let applied = loop {
            match self.node.table.apply(&self.driver, &report, window.now_ms, self.node.driver_limit) {
                Ok(applied) => break applied,
                Err(_stale) => match self.node.table.enrol_again(&self.driver) {
                    Ok(driver) => self.driver = driver,
                    Err(error) => return self.outbox.end_now(status_of(&error)),
                },
            }
        };
        self.count(applied);
        self.pace(applied);
        self.acknowledge(wire.sequence);
    }

    fn count(&mut self, applied: Applied) {
        let counters = &self.node.counters;
        match applied {
            Applied::Newest(_) => counters.applied.add(1),
            Applied::Late => {
                counters.dropped_late.add(1);
                self.dropped_late += 1;
            }
            Applied::TooFast => {
                counters.dropped_rate.add(1);
                self.dropped_rate += 1;
            }
        }
    }

    /// Tells the driver how often to report when that changed, or when the driver begins to hurry.
    fn pace(&mut self, applied: Applied) {
        let hurries = matches!(applied, Applied::TooFast | Applied::Newest(Pace::Fast));
        let wanted_ms = self.node.reporting_interval_ms();
        if wanted_ms != self.told_ms || (hurries && !self.warned) {
            self.outbox.interval(wanted_ms);
            self.told_ms = wanted_ms;
        }
        self.warned = hurries;
    }

    fn acknowledge(&mut self, sequence: u64) {
        self.sequence = self.sequence.max(sequence);
        let token = self.node.table.state(self.driver.slot).map(|state| {
            let node = self.node.id.clone();
            ResumeToken { node, shard: state.shard, update_version: state.update_version }
                .encode(&self.driver.id)
        });
        self.outbox.acknowledge(Acknowledgement {
            sequence: self.sequence,
            resume_token: token.unwrap_or_default(),
            dropped_late: self.dropped_late,
            dropped_rate: self.dropped_rate,
        });
    }

    fn refuse(&self, sequence: u64, errors: Vec<FieldError>) {
        let errors = validate::to_wire(errors);
        self.outbox.refuse(Rejection { sequence, errors });
    }
}
