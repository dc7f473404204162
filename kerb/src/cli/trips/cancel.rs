//! `kerb trips cancel`: ends a trip as the operator.

use kerb::terminal::{escape, print_json, print_line};
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::{ForceCancelTripRequest, Trip};
use serde_json::{Value, json};

use super::explain::state_name;
use crate::cli::args::CallArgs;
use crate::cli::client::failed;
use crate::cli::failure::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The trip's id, as in "world-17"
    trip: String,
    /// The reason, up to 200 bytes; the rider sees it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    call: CallArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = DispatchAdminServiceClient::new(args.call.server.connect().await?);
    let request = ForceCancelTripRequest { trip_id: args.trip, reason: args.reason };
    let response = client.force_cancel_trip(args.call.server.request(request)).await;
    let trip = response.map_err(|status| failed(&status))?.into_inner();
    if args.call.json {
        print_json(to_json(&trip))?;
    } else {
        print_line(to_text(&trip))?;
    }
    Ok(Outcome::Done)
}

fn to_text(trip: &Trip) -> String {
    let driver = match trip.driver_id.as_str() {
        "" => "it had no driver".to_owned(),
        id => format!("its driver was {}", escape(id)),
    };
    format!(
        "trip {} is {} by the {} ({}); {driver}",
        trip.trip_id,
        state_name(trip.state()),
        trip.cancelled_by,
        escape(&trip.cancel_reason),
    )
}

fn to_json(trip: &Trip) -> Value {
    json!({
        "trip_id": trip.trip_id,
        "rider_id": trip.rider_id,
        "driver_id": trip.driver_id,
        "state": state_name(trip.state()),
        "cancelled_by": trip.cancelled_by,
        "cancel_reason": trip.cancel_reason,
        "requested_ms": trip.requested_ms,
        "ended_ms": trip.ended_ms,
    })
}
