//! `RideService`, for rider apps.

use futures::StreamExt;
use futures::stream::BoxStream;
use kerb_ports::Drive;
use kerb_proto::convert::{public_step, public_travel_source, public_trip};
use kerb_proto::status::status_of;
use kerb_proto::v1::ride_service_server::RideService;
use kerb_proto::v1::watch_trip_response::Update;
use kerb_proto::v1::{
    CancelTripRequest, DriverProgress, GetTripRequest, PickupQuote, QuoteRideRequest, QuoteRideResponse,
    RequestRideRequest, RideQuote, Trip, WatchTripRequest, WatchTripResponse,
};
use tonic::{Request, Response, Status};

use super::validate::{quote_request, ride_request};
use super::{Grpc, reason, rider_and_trip};
use crate::error::MatcherError;
use crate::quote::Quote;
use crate::trip_watch::{TrackedPosition, WatchUpdate};

#[tonic::async_trait]
impl RideService for Grpc {
    async fn quote_ride(
        &self,
        request: Request<QuoteRideRequest>,
    ) -> Result<Response<QuoteRideResponse>, Status> {
        let checked = quote_request(&request.into_inner(), self.0.catalog());
        let checked = checked.map_err(|error| status_of(&error))?;
        let quote = self.0.quote(checked).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(quote_response(&quote)))
    }

    async fn request_ride(&self, request: Request<RequestRideRequest>) -> Result<Response<Trip>, Status> {
        let checked = ride_request(&request.into_inner(), self.0.catalog(), self.0.options());
        let checked = checked.map_err(|error| status_of(&error))?;
        let trip = self.0.request(checked).await;
        self.trip(trip)
    }

    async fn get_trip(&self, request: Request<GetTripRequest>) -> Result<Response<Trip>, Status> {
        let GetTripRequest { rider_id, trip_id } = request.into_inner();
        let (rider, trip) = rider_and_trip(&rider_id, &trip_id)?;
        let trip = self.0.trip(rider, trip).await;
        self.trip(trip)
    }

    type WatchTripStream = BoxStream<'static, Result<WatchTripResponse, Status>>;

    async fn watch_trip(
        &self,
        request: Request<WatchTripRequest>,
    ) -> Result<Response<Self::WatchTripStream>, Status> {
        let WatchTripRequest { rider_id, trip_id, after_number } = request.into_inner();
        let (rider, trip) = rider_and_trip(&rider_id, &trip_id)?;
        let updates = self.0.watch(rider, trip, after_number).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(updates.map(response).boxed()))
    }

    async fn cancel_trip(&self, request: Request<CancelTripRequest>) -> Result<Response<Trip>, Status> {
        let CancelTripRequest { rider_id, trip_id, reason: text } = request.into_inner();
        let (rider, trip) = rider_and_trip(&rider_id, &trip_id)?;
        let trip = self.0.cancel(rider, trip, reason(text)?).await;
        self.trip(trip)
    }
}

impl Grpc {
    pub(super) fn trip(
        &self,
        trip: Result<kerb_trips::Trip, MatcherError>,
    ) -> Result<Response<Trip>, Status> {
        let trip = trip.map_err(|error| status_of(&error))?;
        Ok(Response::new(public_trip(&trip, self.0.catalog())))
    }
}

fn quote_response(quote: &Quote) -> QuoteRideResponse {
    let pickup = quote
        .pickup
        .map(|eta| PickupQuote { eta_s: eta.time_s, travel_source: public_travel_source(eta.source).into() });
    let Drive { eta, length_m } = quote.ride;
    let ride = RideQuote {
        time_s: eta.time_s,
        distance_m: length_m,
        travel_source: public_travel_source(eta.source).into(),
    };
    QuoteRideResponse {
        at_ms: quote.at_ms.as_millis(),
        valid_until_ms: quote.valid_until_ms.as_millis(),
        market: quote.market.as_str().to_owned(),
        pickup,
        ride: Some(ride),
        dropoff_ms: quote.dropoff_ms().unwrap_or_default().as_millis(),
        pickup_incomplete: quote.pickup_incomplete,
    }
}

fn response(update: Result<WatchUpdate, MatcherError>) -> Result<WatchTripResponse, Status> {
    let update = match update.map_err(|error| status_of(&error))? {
        WatchUpdate::Change { number, step } => Update::Change(public_step(number, &step)),
        WatchUpdate::Driver(TrackedPosition { driver, position, measured_ms, eta }) => {
            Update::Driver(DriverProgress {
                driver_id: driver.as_str().to_owned(),
                location: Some(position.into()),
                time_ms: measured_ms.as_millis(),
                eta_s: eta.time_s,
                travel_source: public_travel_source(eta.source).into(),
            })
        }
    };
    Ok(WatchTripResponse { update: Some(update) })
}
