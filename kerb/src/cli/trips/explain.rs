//! `kerb trips explain`: prints why a request has no driver yet.

use kerb::terminal::{escape, print, print_json};
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::{ExplainTripRequest, ExplainTripResponse, TripState};
use serde_json::{Value, json};

use crate::cli::args::CallArgs;
use crate::cli::client::failed;
use crate::cli::failure::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The trip's id, as in "world-17"
    trip: String,
    /// Also explain why this driver does not have the trip
    #[arg(long, value_name = "ID")]
    driver: Option<String>,
    #[command(flatten)]
    call: CallArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = DispatchAdminServiceClient::new(args.call.server.connect().await?);
    let driver = args.driver.unwrap_or_default();
    let request = ExplainTripRequest { trip_id: args.trip, driver_id: driver.clone() };
    let response = client.explain_trip(args.call.server.request(request)).await;
    let response = response.map_err(|status| failed(&status))?.into_inner();
    if args.call.json {
        print_json(to_json(&response))?;
    } else {
        print(to_text(&response, &driver))?;
    }
    Ok(if response.shards_missing { Outcome::Partial } else { Outcome::Done })
}

/// Returns the name of a state, as records and JSON spell it.
pub(super) fn state_name(state: TripState) -> &'static str {
    match state {
        TripState::Unspecified => "unspecified",
        TripState::Requested => "requested",
        TripState::Offered => "offered",
        TripState::EnRoute => "en_route",
        TripState::Arrived => "arrived",
        TripState::OnTrip => "on_trip",
        TripState::Completed => "completed",
        TripState::Expired => "expired",
        TripState::Cancelled => "cancelled",
    }
}

fn to_text(answer: &ExplainTripResponse, driver: &str) -> String {
    let filters = [
        (answer.too_far, "too far: the travel time to the pickup is too long"),
        (answer.wrong_class, "of another vehicle class"),
        (answer.missing_capability, "without a requested capability"),
        (answer.stale, "silent: the last position is too old"),
        (answer.not_available, "not available: on a break, with a rider, or offline"),
        (answer.on_trip, "reserved for another trip"),
        (answer.declined_before, "returned this trip before"),
        (answer.lost_to_another, "assigned to another request by the last window"),
        (answer.candidates, "could take the trip and have no offer yet"),
    ];
    let drivers = match answer.drivers {
        0 => "no driver".to_owned(),
        1 => "1 driver".to_owned(),
        drivers => format!("{drivers} drivers"),
    };
    let state = state_name(answer.state());
    let mut lines = vec![format!("trip {} is {state}: {drivers} around the pickup", answer.trip_id)];
    let dropped = filters.into_iter().filter(|(drivers, _)| *drivers > 0);
    lines.extend(dropped.map(|(drivers, reason)| format!("{drivers:>6}  {reason}")));
    if answer.shards_missing {
        lines.push("some shards did not answer: there may be more drivers".to_owned());
    }
    if !driver.is_empty() {
        let verdict = escape(&answer.driver_verdict);
        lines.push(format!("driver {}: {verdict}", escape(driver)));
    }
    lines.join("\n") + "\n"
}

fn to_json(answer: &ExplainTripResponse) -> Value {
    json!({
        "trip_id": answer.trip_id,
        "state": state_name(answer.state()),
        "drivers": answer.drivers,
        "too_far": answer.too_far,
        "wrong_class": answer.wrong_class,
        "missing_capability": answer.missing_capability,
        "stale": answer.stale,
        "not_available": answer.not_available,
        "on_trip": answer.on_trip,
        "declined_before": answer.declined_before,
        "lost_to_another": answer.lost_to_another,
        "candidates": answer.candidates,
        "driver_verdict": answer.driver_verdict,
        "shards_missing": answer.shards_missing,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_filters_that_excluded_drivers_are_listed() {
        let mut answer = ExplainTripResponse {
            trip_id: "world-7".to_owned(),
            state: TripState::Requested.into(),
            drivers: 12,
            wrong_class: 11,
            candidates: 1,
            driver_verdict: "could take the trip".to_owned(),
            ..ExplainTripResponse::default()
        };
        let expected = "trip world-7 is requested: 12 drivers around the pickup\n    11  of another vehicle class\n     1  \
                        could take the trip and have no offer yet\ndriver cab\\n7: could take the trip\n";
        assert_eq!(to_text(&answer, "cab\n7"), expected);
        (answer.drivers, answer.wrong_class, answer.candidates) = (0, 0, 0);
        assert_eq!(to_text(&answer, ""), "trip world-7 is requested: no driver around the pickup\n");
        answer.shards_missing = true;
        assert!(to_text(&answer, "").ends_with("\nsome shards did not answer: there may be more drivers\n"));
    }
}
