//! Calls to the service that are under way, and what their answers are news of.

use std::collections::BTreeMap;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kerb_proto::v1;
use kerb_types::Stopwatch;
use tonic::Status;

use super::message::{DriverNumber, RequestNumber};
use super::service::News;
use super::trips::Trips;
use super::wire;

/// What a call came to.
pub(super) enum Done {
    /// A request.
    Requested(RequestNumber, Box<Result<v1::Trip, Status>>),
    /// A cancellation. Too late is no fault: the rider is in the vehicle, or nobody came in time.
    Cancelled,
    /// A driver's action.
    Acted(DriverNumber, v1::ActionResult),
    /// A search.
    Found(u64, Result<v1::FindNearbyResponse, Status>),
    /// A look at the markets.
    Looked(Result<v1::ListMarketsResponse, Status>),
}

/// All calls under way: as many as the people speak, who wait for their answers.
#[derive(Default)]
pub(super) struct Calls {
    under_way: FuturesUnordered<BoxFuture<'static, (Done, &'static str, u64)>>,
    /// Windows of each market that were counted.
    windows: BTreeMap<String, u64>,
}

impl Calls {
    /// Begins a call; it goes on while the news are waited for.
    pub(super) fn begin(&mut self, what: &'static str, call: impl Future<Output = Done> + Send + 'static) {
        let took = Stopwatch::start();
        self.under_way.push(call.map(move |done| (done, what, took.us())).boxed());
    }

    /// Adds the news of all that are done.
    pub(super) fn poll(&mut self, context: &mut Context<'_>, trips: &mut Trips, news: &mut Vec<News>) {
        while let Poll::Ready(Some((done, what, us))) = self.under_way.poll_next_unpin(context) {
            news.push(News::Took { what, us });
            self.done(done, trips, news);
        }
    }

    fn done(&mut self, done: Done, trips: &mut Trips, news: &mut Vec<News>) {
        match done {
            Done::Requested(request, answer) => match *answer {
                Ok(trip) => trips.acknowledged(request, trip.trip_id, news),
                Err(status) => news.push(wire::refused(request, &status)),
            },
            Done::Cancelled => {}
            Done::Acted(driver, result) => news.push(wire::acted(driver, result)),
            Done::Found(number, answer) => {
                news.push(News::Found { number, answer: answer.map_err(|status| status.to_string()) });
            }
            Done::Looked(Ok(list)) => self.looked(&list, news),
            Done::Looked(Err(status)) => {
                news.push(News::Fault(format!("the markets do not answer: {status}")));
            }
        }
    }

    /// Counts each market's last window once.
    fn looked(&mut self, list: &v1::ListMarketsResponse, news: &mut Vec<News>) {
        for market in &list.markets {
            let known = self.windows.entry(market.market.clone()).or_default();
            if std::mem::replace(known, market.windows) < market.windows {
                let (candidates_us, solve_us) = (market.last_candidates_us, market.last_solve_us);
                news.push(News::Took { what: "window_candidates", us: u64::from(candidates_us) });
                news.push(News::Took { what: "window_solve", us: u64::from(solve_us) });
            }
        }
    }
}
