//! `kerb quote`: prints the pickup time, duration and length of a ride.

use kerb::terminal::{note, print, print_json};
use kerb_geometry::LatLng;
use kerb_proto::v1::ride_service_client::RideServiceClient;
use kerb_proto::v1::{PickupQuote, QuoteRideRequest, QuoteRideResponse};
use serde_json::{Value, json};

use super::args::{EndpointArgs, position};
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::table;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The pickup: "LAT,LON"
    #[arg(value_parser = position, allow_hyphen_values = true)]
    pickup: LatLng,
    /// The drop-off: "LAT,LON"
    #[arg(value_parser = position, allow_hyphen_values = true)]
    dropoff: LatLng,
    /// The vehicle class [default: the server's first]
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    class: String,
    /// Only drivers with this capability; may be repeated
    #[arg(long, value_name = "NAME")]
    capability: Vec<String>,
    /// Number of people who ride
    #[arg(long, value_name = "N", default_value_t = 1)]
    party: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: EndpointArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = RideServiceClient::new(args.server.connect().await?);
    let request = QuoteRideRequest {
        pickup: Some(args.pickup.into()),
        dropoff: Some(args.dropoff.into()),
        vehicle_class: args.class,
        capabilities: args.capability,
        party_size: args.party,
    };
    let quote = client.quote_ride(args.server.request(request)).await;
    let quote = quote.map_err(|status| failed(&status))?.into_inner();
    if args.json {
        print_json(to_json(&quote))?;
    } else {
        print(to_text(&quote))?;
    }
    if quote.pickup_incomplete {
        note("kerb: not every nearby driver was considered: another driver may arrive earlier");
    }
    Ok(Outcome::Done)
}

fn to_text(quote: &QuoteRideResponse) -> String {
    let ride = quote.ride.unwrap_or_default();
    let mut rows = vec![pickup_row(quote.pickup.as_ref())];
    rows.push(vec![
        "ride".to_owned(),
        table::duration(ride.time_s),
        table::distance(ride.distance_m),
        table::source(ride.travel_source()).to_owned(),
    ]);
    if let Some(pickup) = quote.pickup {
        let whole_s = pickup.eta_s.saturating_add(ride.time_s);
        rows.push(vec!["drop-off in".to_owned(), table::duration(whole_s), String::new(), String::new()]);
    }
    table::render(&["LEG", " TIME", " DISTANCE", "SOURCE"], &rows)
}

fn pickup_row(pickup: Option<&PickupQuote>) -> Vec<String> {
    let Some(pickup) = pickup else {
        return vec!["no driver is free near there".to_owned(), String::new(), String::new(), String::new()];
    };
    let source = table::source(pickup.travel_source()).to_owned();
    vec!["pickup".to_owned(), table::duration(pickup.eta_s), String::new(), source]
}

fn to_json(quote: &QuoteRideResponse) -> Value {
    let ride = quote.ride.unwrap_or_default();
    let pickup = quote.pickup.map(
        |pickup| json!({ "eta_s": pickup.eta_s, "travel_source": table::source(pickup.travel_source()) }),
    );
    json!({
        "at_ms": quote.at_ms,
        "valid_until_ms": quote.valid_until_ms,
        "market": quote.market,
        "pickup": pickup,
        "ride": {
            "time_s": ride.time_s,
            "distance_m": ride.distance_m,
            "travel_source": table::source(ride.travel_source()),
        },
        "dropoff_ms": quote.pickup.map(|_| quote.dropoff_ms),
        "pickup_incomplete": quote.pickup_incomplete,
    })
}
