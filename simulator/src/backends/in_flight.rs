//! Calls to the service that are in flight, and the events that their answers become.

use std::collections::BTreeMap;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kerb_proto::v1;
use kerb_types::Stopwatch;
use tonic::Status;

use super::wire;
use crate::agents::messages::{DriverNumber, RequestNumber};
use crate::run::service::ServiceEvent;

/// The result of a call.
pub(super) enum CallResult {
    Request(RequestNumber, Box<Result<v1::Trip, Status>>),
    /// The result of a cancellation is dropped: a late one is no fault, as the rider is on board or the request expired.
    Cancel,
    DriverAction(DriverNumber, v1::ActionResult),
    Search(u64, Result<v1::FindNearbyResponse, Status>),
    Markets(Result<v1::ListMarketsResponse, Status>),
}

/// All calls in flight. The agents bound their number: each one waits for its answer.
#[derive(Default)]
pub(super) struct InFlightCalls {
    calls: FuturesUnordered<BoxFuture<'static, (CallResult, &'static str, u64)>>,
    /// Number of the last window of each market whose latencies were counted.
    windows: BTreeMap<String, u64>,
}

impl InFlightCalls {
    /// Adds a call. [`InFlightCalls::poll`] drives it.
    pub(super) fn start(
        &mut self,
        kind: &'static str,
        call: impl Future<Output = CallResult> + Send + 'static,
    ) {
        let stopwatch = Stopwatch::start();
        self.calls.push(call.map(move |result| (result, kind, stopwatch.us())).boxed());
    }

    /// Appends the events of all finished calls.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, events: &mut Vec<ServiceEvent>) {
        while let Poll::Ready(Some((result, kind, us))) = self.calls.poll_next_unpin(context) {
            events.push(ServiceEvent::Latency { kind, us });
            self.on_result(result, events);
        }
    }

    fn on_result(&mut self, result: CallResult, events: &mut Vec<ServiceEvent>) {
        match result {
            CallResult::Request(request, answer) => match *answer {
                Ok(trip) => events.extend(wire::request_acknowledged(request, trip.trip_id)),
                Err(status) => events.push(wire::request_rejected(request, &status)),
            },
            CallResult::Cancel => {}
            CallResult::DriverAction(driver, result) => events.push(wire::action_result(driver, result)),
            CallResult::Search(number, answer) => {
                let answer = answer.map_err(|status| status.to_string());
                events.push(ServiceEvent::SearchAnswered { number, answer });
            }
            CallResult::Markets(Ok(list)) => self.count_windows(&list, events),
            CallResult::Markets(Err(status)) => {
                events.push(ServiceEvent::Fault(format!("the markets do not answer: {status}")));
            }
        }
    }

    /// Counts the latencies of each market's last window once.
    fn count_windows(&mut self, list: &v1::ListMarketsResponse, events: &mut Vec<ServiceEvent>) {
        for market in &list.markets {
            let counted = self.windows.entry(market.market.clone()).or_default();
            if std::mem::replace(counted, market.windows) < market.windows {
                let (candidates_us, solve_us) = (market.last_candidates_us, market.last_solve_us);
                events
                    .push(ServiceEvent::Latency { kind: "window_candidates", us: u64::from(candidates_us) });
                events.push(ServiceEvent::Latency { kind: "window_solve", us: u64::from(solve_us) });
            }
        }
    }
}
