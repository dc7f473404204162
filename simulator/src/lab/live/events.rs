//! The events of all markets: from the run's begin on, and on again from where a subscription broke.

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

/// Between two subscriptions.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

type Subscribed = (usize, Result<Streaming<v1::TripEvent>, Status>);

/// The markets' events.
pub(super) struct Events {
    channel: Channel,
    /// Each market's name, and the position up to which its events were seen.
    markets: Vec<(String, v1::EventPosition)>,
    coming: SelectAll<BoxStream<'static, (usize, Option<v1::TripEvent>)>>,
    subscribing: FuturesUnordered<BoxFuture<'static, Subscribed>>,
}

impl Events {
    /// Those that come from now on.
    pub(super) async fn subscribe(channel: Channel) -> Result<Self, Status> {
        let mut admin = DispatchAdminServiceClient::new(channel.clone());
        let list = admin.list_markets(v1::ListMarketsRequest {}).await?;
        let markets = list.into_inner().markets.into_iter();
        let newest = |version| v1::EventPosition { version, index: u32::MAX };
        let markets: Vec<_> = markets.map(|market| (market.market, newest(market.journal_version))).collect();
        let mut events =
            Self { channel, markets, coming: SelectAll::new(), subscribing: FuturesUnordered::new() };
        for market in 0..events.markets.len() {
            let (market, subscribed) = events.one(market).await;
            events.take(market, subscribed?);
        }
        Ok(events)
    }

    /// The next event that is there.
    pub(super) fn poll(&mut self, context: &mut Context<'_>) -> Poll<v1::TripEvent> {
        loop {
            // What is begun here is to be waited for, so both are looked at until neither moves.
            let mut moved = false;
            while let Poll::Ready(Some((market, subscribed))) = self.subscribing.poll_next_unpin(context) {
                moved = true;
                match subscribed {
                    Ok(stream) => self.take(market, stream),
                    Err(_) => self.again(market),
                }
            }
            match self.coming.poll_next_unpin(context) {
                Poll::Ready(Some((market, Some(event)))) => {
                    if let Some(position) = event.position {
                        self.markets[market].1 = position;
                    }
                    return Poll::Ready(event);
                }
                Poll::Ready(Some((market, None))) => self.again(market),
                Poll::Ready(None) | Poll::Pending if moved => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn take(&mut self, market: usize, stream: Streaming<v1::TripEvent>) {
        let events = stream::unfold(stream, |mut stream| async move {
            let event = stream.message().await.ok().flatten()?;
            Some((event, stream))
        });
        let events = events.map(move |event| (market, Some(event)));
        self.coming.push(events.chain(stream::once(async move { (market, None) })).boxed());
    }

    fn again(&mut self, market: usize) {
        let subscribing = self.one(market);
        self.subscribing.push(
            async move {
                sleep(AGAIN_AFTER).await;
                subscribing.await
            }
            .boxed(),
        );
    }

    fn one(&self, market: usize) -> impl Future<Output = Subscribed> + Send + use<> {
        let (name, after) = self.markets[market].clone();
        let mut client = TripEventServiceClient::new(self.channel.clone());
        async move {
            let subscribed =
                client.subscribe(v1::SubscribeRequest { market: name, after: Some(after) }).await;
            (market, subscribed.map(tonic::Response::into_inner))
        }
    }
}
