//! The trip events of all markets. A broken subscription resumes after the last event that it delivered.

use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::{self, BoxStream, FuturesUnordered, SelectAll};
use futures::{FutureExt, StreamExt};
use kerb_proto::v1;
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::trip_event_service_client::TripEventServiceClient;
use tokio::time::sleep;
use tonic::transport::Channel;
use tonic::{Status, Streaming};

/// Interval between two attempts to subscribe.
const RETRY: Duration = Duration::from_millis(500);

type SubscribeResult = (usize, Result<Streaming<v1::TripEvent>, Status>);

/// The subscriptions to all markets.
pub(super) struct TripEvents {
    channel: Channel,
    /// Name of each market, and the position of its last event.
    markets: Vec<(String, v1::EventPosition)>,
    events: SelectAll<BoxStream<'static, (usize, Option<v1::TripEvent>)>>,
    subscribing: FuturesUnordered<BoxFuture<'static, SubscribeResult>>,
}

impl TripEvents {
    /// Subscribes to all events from now on.
    pub(super) async fn subscribe(channel: Channel) -> Result<Self, Status> {
        let mut admin = DispatchAdminServiceClient::new(channel.clone());
        let list = admin.list_markets(v1::ListMarketsRequest {}).await?;
        let markets = list.into_inner().markets.into_iter();
        let newest = |version| v1::EventPosition { version, index: u32::MAX };
        let markets: Vec<_> = markets.map(|market| (market.market, newest(market.journal_version))).collect();
        let mut all =
            Self { channel, markets, events: SelectAll::new(), subscribing: FuturesUnordered::new() };
        for market in 0..all.markets.len() {
            let (market, subscribed) = all.subscribe_market(market).await;
            all.add(market, subscribed?);
        }
        Ok(all)
    }

    /// Returns the next event.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<v1::TripEvent> {
        loop {
            // A new subscription adds a stream, and a broken stream starts a subscription. Both are polled until neither
            // changes, so that each has registered the waker.
            let mut changed = false;
            while let Poll::Ready(Some((market, subscribed))) = self.subscribing.poll_next_unpin(context) {
                changed = true;
                match subscribed {
                    Ok(stream) => self.add(market, stream),
                    Err(_) => self.retry(market),
                }
            }
            match self.events.poll_next_unpin(context) {
                Poll::Ready(Some((market, Some(event)))) => {
                    if let Some(position) = event.position {
                        self.markets[market].1 = position;
                    }
                    return Poll::Ready(event);
                }
                Poll::Ready(Some((market, None))) => self.retry(market),
                Poll::Ready(None) | Poll::Pending if changed => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn add(&mut self, market: usize, stream: Streaming<v1::TripEvent>) {
        let events = stream::unfold(stream, |mut stream| async move {
            let event = stream.message().await.ok().flatten()?;
            Some((event, stream))
        });
        let events = events.map(move |event| (market, Some(event)));
        self.events.push(events.chain(stream::once(async move { (market, None) })).boxed());
    }

    fn retry(&mut self, market: usize) {
        let subscribing = self.subscribe_market(market);
        self.subscribing.push(
            async move {
                sleep(RETRY).await;
                subscribing.await
            }
            .boxed(),
        );
    }

    fn subscribe_market(&self, market: usize) -> impl Future<Output = SubscribeResult> + Send + use<> {
        let (name, after) = self.markets[market].clone();
        let mut client = TripEventServiceClient::new(self.channel.clone());
        async move {
            let subscribed =
                client.subscribe(v1::SubscribeRequest { market: name, after: Some(after) }).await;
            (market, subscribed.map(tonic::Response::into_inner))
        }
    }
}
