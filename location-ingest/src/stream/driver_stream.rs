//! The stream of one driver app: registration, positions and acknowledgements, actions and results. The state is plain;
//! [`serve`] is its thin loop.

use std::future::pending;
use std::sync::Arc;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kerb_proto::convert::Report;
use kerb_proto::status::status_of;
use kerb_proto::v1::connect_request::Message;
use kerb_proto::v1::{
    Acknowledgement, ConnectRequest, PositionUpdate, Register, Registered, Rejection, TripAction,
};
use kerb_types::{Catalog, DriverId, DriverProfile, DriverStatus, FieldError, Timestamp};
use tokio::time::{MissedTickBehavior, interval, timeout};
use tonic::{Status, Streaming};

use super::actions::ActionQueue;
use super::connection_events::{report_connected, report_disconnected};
use super::notices::Notices;
use super::offer_return::return_open_offer;
use super::open_streams::OpenStreamGuard;
use super::outbox::Outbox;
use super::stream_context::StreamContext;
use super::validate;
use crate::error::IngestError;
use crate::options::ms;
use crate::replication::resume_token::ResumeToken;
use crate::table::RegisteredDriver;
use crate::table::entry::DriverState;
use crate::table::rate_limit::Pace;
use crate::table::update::{UpdateOutcome, UpdateResult};

/// The message of the status that ends a stream at the shutdown.
pub(crate) const SHUTTING_DOWN: &str = "shutting down, reconnect";
/// Checks within `stall_timeout_ms` whether the client reads.
const STALL_CHECKS: u32 = 4;

/// An open stream whose driver is registered.
struct DriverStream {
    context: Arc<StreamContext>,
    outbox: Arc<Outbox>,
    driver: RegisteredDriver,
    guard: OpenStreamGuard,
    actions: ActionQueue,
    /// Highest sequence that was received in this stream.
    sequence: u64,
    /// The node adds it to the sequences of this stream: the driver's last sequence after `Register.restart_sequence`, else 0.
    sequence_base: u64,
    notices: Notices,
    dropped_late: u64,
    dropped_rate: u64,
    /// The reporting interval that the driver got last.
    last_sent_interval_ms: u32,
    /// The driver's last update came too fast, and the driver has got the interval for it.
    is_fast: bool,
}

/// Serves a stream until it ends. The outbox gets the status of the end.
pub(crate) async fn serve(
    context: Arc<StreamContext>,
    mut requests: Streaming<ConnectRequest>,
    outbox: Arc<Outbox>,
) {
    let timeout_ms = context.options.register_timeout_ms;
    let first = tokio::select! {
        first = timeout(ms(timeout_ms), requests.message()) => first,
        () = outbox.closed() => return,
        () = context.stop.cancelled() => return outbox.end(Status::unavailable(SHUTTING_DOWN)),
    };
    let opened = match first {
        Err(_elapsed) => Err(Status::deadline_exceeded(format!("no register within {timeout_ms} ms"))),
        Ok(Err(status)) => Err(status),
        Ok(Ok(first)) => {
            let stream = DriverStream::open(context, outbox.clone(), first);
            stream.map_err(|error| status_of(&error))
        }
    };
    match opened {
        Ok(stream) => stream.run(requests).await,
        Err(status) => outbox.end(status),
    }
}

/// Reports the connection to the matcher, and resolves when the stream must end although its client has not ended it. `None`:
/// another stream or the client has ended it already.
async fn forced_end(context: &StreamContext, driver: &DriverId, outbox: &Outbox) -> Option<Status> {
    let report = async {
        report_connected(context, driver, outbox).await;
        pending().await
    };
    tokio::select! {
        biased;
        () = outbox.closed() => None,
        () = context.stop.cancelled() => Some(Status::unavailable(SHUTTING_DOWN)),
        status = stalled(context, outbox) => Some(status),
        never = report => never,
    }
}

/// Resolves when the client has read nothing for the stall timeout although messages wait.
async fn stalled(context: &StreamContext, outbox: &Outbox) -> Status {
    let timeout_ms = context.options.stall_timeout_ms;
    let mut checks = interval(ms(timeout_ms) / STALL_CHECKS);
    // After a pause of the whole process, clients get the full time again.
    checks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut unread, mut stalled_checks) = (None, 0);
    while stalled_checks < STALL_CHECKS {
        checks.tick().await;
        let now = outbox.unread();
        stalled_checks = if now.is_some() && now == unread { stalled_checks + 1 } else { 0 };
        unread = now;
    }
    context.metrics.stalled.increment();
    Status::resource_exhausted(format!("the client has read nothing for {timeout_ms} ms"))
}

/// Validates a registration. Returns the driver's profile and its resume token. [`IngestError::Invalid`] names every
/// invalid field.
pub(crate) fn validate_register(
    catalog: &Catalog,
    register: &Register,
) -> Result<(DriverProfile, Option<ResumeToken>), IngestError> {
    let Register { driver_id, vehicle_class, capabilities, resume_token, restart_sequence: _ } = register;
    let within = |errors: Vec<FieldError>| errors.into_iter().map(|error| error.within("register")).collect();
    let profile = validate::profile(catalog, driver_id, vehicle_class, capabilities);
    let profile = profile.map_err(|errors| IngestError::Invalid(within(errors)))?;
    let token = ResumeToken::decode(resume_token, &profile.id);
    let token = token.map_err(|error| IngestError::Invalid(within(vec![error])))?;
    Ok((profile, token))
}

impl DriverStream {
    fn open(
        context: Arc<StreamContext>,
        outbox: Arc<Outbox>,
        first: Option<ConnectRequest>,
    ) -> Result<Self, IngestError> {
        let Some(Message::Register(register)) = first.and_then(|first| first.message) else {
            return Err(FieldError::new("register", "absent, must be the first message").into());
        };
        let (profile, token) = validate_register(&context.catalog, &register)?;
        let (driver, guard) = context.connect(&profile, &outbox)?;
        context.take_token(&driver, token.as_ref());
        let token = context.registration_token(&driver, token);
        let known_sequence = token.update_version.sequence;
        let (sequence_base, last_sequence) =
            if register.restart_sequence { (known_sequence, 0) } else { (0, known_sequence) };
        let reporting_interval_ms = context.reporting_interval_ms();
        outbox.registered(Registered {
            last_sequence,
            reporting_interval_ms,
            server_time_ms: context.clock.now().as_millis(),
            node_id: context.node_id.as_str().to_owned(),
            resume_token: token.encode(&driver.id),
        });
        Ok(Self {
            actions: ActionQueue::new(context.clone(), driver.id.clone()),
            context,
            outbox,
            driver,
            guard,
            sequence: last_sequence,
            sequence_base,
            notices: Notices::default(),
            dropped_late: 0,
            dropped_rate: 0,
            last_sent_interval_ms: reporting_interval_ms,
            is_fast: false,
        })
    }

    async fn run(mut self, requests: Streaming<ConnectRequest>) {
        self.receive(requests).await;
        let was_newest = self.guard.close();
        if was_newest && self.outbox.has_trip_activity() {
            report_disconnected(&self.context, &self.driver.id).await;
        }
    }

    /// Receives messages until the stream ends. It waits neither for the client to read nor for the matcher to answer, so
    /// neither delays the driver's positions.
    async fn receive(&mut self, mut requests: Streaming<ConnectRequest>) {
        let context = self.context.clone();
        let outbox = self.outbox.clone();
        let driver = self.driver.id.clone();
        // In a `FuturesUnordered` of its own, because it has its own waker there: an update does not poll it.
        let mut forced_end_set = FuturesUnordered::new();
        forced_end_set.push(forced_end(&context, &driver, &outbox).boxed());
        let mut receiving = true;
        // A client that has sent everything still gets the results of its actions.
        while receiving || !self.actions.is_idle() {
            tokio::select! {
                biased;
                Some(status) = forced_end_set.next() => {
                    if let Some(status) = status {
                        outbox.end(status);
                    }
                    return;
                },
                result = self.actions.next(), if !self.actions.is_idle() => outbox.result(result),
                request = requests.message(), if receiving => match request {
                    Ok(Some(request)) => self.handle(request),
                    Ok(None) => receiving = false,
                    Err(status) => return outbox.end(status),
                },
            }
        }
        outbox.end(Status::ok(""));
    }

    fn handle(&mut self, request: ConnectRequest) {
        match request.message {
            Some(Message::Position(position)) => self.update_position(&position),
            Some(Message::Action(action)) => self.queue_action(action),
            Some(Message::Register(_)) => {
                self.reject(0, vec![FieldError::new("register", "a second one, must be one")]);
            }
            None => {
                self.reject(0, vec![FieldError::new("message", "absent, must be a position or an action")]);
            }
        }
    }

    fn queue_action(&mut self, action: TripAction) {
        self.outbox.mark_trip_activity();
        if let Err(result) = self.actions.push(action) {
            self.outbox.result(result);
        }
    }

    fn update_position(&mut self, wire: &PositionUpdate) {
        self.context.metrics.received.increment();
        let window = self.context.window();
        let mut report = match validate::position(wire, window) {
            Ok(report) => report,
            Err(errors) => return self.reject_position(wire.sequence, errors),
        };
        let sequence = &mut report.update_version.sequence;
        *sequence = sequence.saturating_add(self.sequence_base);
        let result = loop {
            let context = &self.context;
            match context.table.apply(&self.driver, &report, window.now, context.driver_limit) {
                Ok(result) => break result,
                Err(_stale) => match context.table.register_again(&self.driver) {
                    Ok(driver) => self.driver = driver,
                    Err(error) => return self.outbox.end_now(status_of(&error)),
                },
            }
        };
        let state = result.state.as_ref();
        if let UpdateOutcome::Ahead { sequence_max } = result.outcome {
            let error = validate::sequence_ahead(wire.sequence, sequence_max, state, self.sequence_base);
            return self.reject_position(wire.sequence, vec![error.within("position")]);
        }
        let takes_no_offer = report.status.is_some_and(|status| status != DriverStatus::Available);
        if takes_no_offer && matches!(result.outcome, UpdateOutcome::Newest(_)) {
            return_open_offer(&self.context, self.driver.slot);
        }
        self.count(result.outcome);
        self.notice(wire.sequence, &report, &result, window.now);
        self.adjust_interval(result.outcome);
        self.acknowledge(wire.sequence, state);
    }

    fn count(&mut self, outcome: UpdateOutcome) {
        let metrics = &self.context.metrics;
        match outcome {
            UpdateOutcome::Newest(_) => metrics.applied.increment(),
            UpdateOutcome::Late => {
                metrics.dropped_late.increment();
                self.dropped_late += 1;
            }
            UpdateOutcome::TooFast => {
                metrics.dropped_rate.increment();
                self.dropped_rate += 1;
            }
            // Counted as rejected.
            UpdateOutcome::Ahead { .. } => {}
        }
    }

    /// Sends a notice if the app's updates have no effect.
    fn notice(&mut self, sequence: u64, report: &Report, result: &UpdateResult, now: Timestamp) {
        let notice = match (result.outcome, &result.state) {
            (UpdateOutcome::Newest(_), _) => {
                self.notices.applied(sequence, report, now, self.context.options.stale_after_ms())
            }
            (UpdateOutcome::Late, Some(newest)) => {
                self.notices.late(sequence, report, newest, self.sequence_base, now)
            }
            _ => None,
        };
        if let Some(notice) = notice {
            self.outbox.notice(notice);
        }
    }

    /// Sends the reporting interval when it has changed, or when the driver begins to exceed it.
    fn adjust_interval(&mut self, outcome: UpdateOutcome) {
        let is_fast = matches!(outcome, UpdateOutcome::TooFast | UpdateOutcome::Newest(Pace::Fast));
        let interval_ms = self.context.reporting_interval_ms();
        if interval_ms != self.last_sent_interval_ms || (is_fast && !self.is_fast) {
            self.outbox.interval(interval_ms);
            self.last_sent_interval_ms = interval_ms;
        }
        self.is_fast = is_fast;
    }

    fn acknowledge(&mut self, sequence: u64, state: Option<&DriverState>) {
        self.sequence = self.sequence.max(sequence);
        let token = state.map(|state| {
            let node = self.context.node_id.clone();
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

    fn reject_position(&self, sequence: u64, errors: Vec<FieldError>) {
        self.context.metrics.rejected.increment();
        self.reject(sequence, errors);
    }

    fn reject(&self, sequence: u64, errors: Vec<FieldError>) {
        let errors = validate::to_wire(errors);
        self.outbox.reject(Rejection { sequence, errors });
    }
}
