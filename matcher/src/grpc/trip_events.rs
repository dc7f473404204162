//! `TripEventService`, for consumers of trip events.

use futures::StreamExt;
use futures::stream::BoxStream;
use kerb_proto::convert::public_event;
use kerb_proto::status::status_of;
use kerb_proto::v1::trip_event_service_server::TripEventService;
use kerb_proto::v1::{SubscribeRequest, TripEvent};
use kerb_trips::{MarketId, Version};
use tonic::{Request, Response, Status};

use super::{Grpc, rejection};
use crate::handle::EventPosition;

#[tonic::async_trait]
impl TripEventService for Grpc {
    type SubscribeStream = BoxStream<'static, Result<TripEvent, Status>>;

    async fn subscribe(
        &self,
        request: Request<SubscribeRequest>,
    ) -> Result<Response<Self::SubscribeStream>, Status> {
        let SubscribeRequest { market, after } = request.into_inner();
        let market = MarketId::new(&market).map_err(rejection)?;
        let after =
            after.map(|after| EventPosition { version: Version::new(after.version), index: after.index });
        let events = self.0.subscribe(market, after).await.map_err(|error| status_of(&error))?;
        let catalog = self.0.catalog().clone();
        let wire = events.map(move |event| {
            let event = event.map_err(|error| status_of(&error))?;
            let position = (event.position.version, event.position.index);
            Ok(public_event(position, event.at_ms, &event.trip, &event.event, &catalog))
        });
        Ok(Response::new(wire.boxed()))
    }
}
