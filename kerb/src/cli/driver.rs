//! `kerb driver`: prints the state of one driver.

use kerb::terminal::{escape, print, print_json};
use kerb_proto::v1::driver_query_service_client::DriverQueryServiceClient;
use kerb_proto::v1::{DriverStatus, GetDriverRequest, GetDriverResponse};
use serde_json::{Value, json};

use super::args::CallArgs;
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The driver's id
    id: String,
    #[command(flatten)]
    call: CallArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = DriverQueryServiceClient::new(args.call.server.connect().await?);
    let request = args.call.server.request(GetDriverRequest { driver_id: args.id });
    let driver = client.get_driver(request).await.map_err(|status| failed(&status))?.into_inner();
    if args.call.json {
        print_json(to_json(&driver))?;
    } else {
        print(to_text(&driver))?;
    }
    Ok(Outcome::Done)
}

/// Returns the name of a status, as flags and JSON spell it.
pub(crate) fn status_name(status: DriverStatus) -> &'static str {
    match status {
        DriverStatus::Unspecified => "unspecified",
        DriverStatus::Available => "available",
        DriverStatus::OnBreak => "on-break",
        DriverStatus::OnTrip => "on-trip",
        DriverStatus::Offline => "offline",
    }
}

fn to_text(driver: &GetDriverResponse) -> String {
    let yes = |flag| if flag { "yes" } else { "no" }.to_owned();
    let mut rows = vec![
        ("driver", escape(&driver.driver_id).into_owned()),
        ("class", driver.vehicle_class.clone()),
        ("capabilities", driver.capabilities.join(", ")),
        ("status", status_name(driver.status()).to_owned()),
        ("connected", yes(driver.connected)),
        ("in the index", yes(driver.searchable)),
        ("ingest node", driver.node_id.clone()),
    ];
    match &driver.position {
        None => rows.push(("position", "not reported yet".to_owned())),
        Some(position) => {
            let location = position.location.unwrap_or_default();
            rows.push(("position", format!("{:.7}, {:.7}", location.latitude_deg, location.longitude_deg)));
            rows.push(("age", table::age(driver.position_age_ms)));
            rows.push(("sequence", position.sequence.to_string()));
            rows.push(("shard", driver.shard.to_string()));
        }
    }
    rows.into_iter().map(|(name, value)| format!("{name:13} {value}").trim_end().to_owned() + "\n").collect()
}

fn to_json(driver: &GetDriverResponse) -> Value {
    let position = driver.position.as_ref().map(|position| {
        let location = position.location.unwrap_or_default();
        json!({
            "latitude_deg": location.latitude_deg,
            "longitude_deg": location.longitude_deg,
            "time_ms": position.time_ms,
            "sequence": position.sequence,
            "heading_deg": position.heading_deg,
            "speed_mps": position.speed_mps,
            "accuracy_m": position.accuracy_m,
            "shard": driver.shard,
            "age_ms": driver.position_age_ms,
        })
    });
    json!({
        "driver_id": driver.driver_id,
        "vehicle_class": driver.vehicle_class,
        "capabilities": driver.capabilities,
        "status": status_name(driver.status()),
        "connected": driver.connected,
        "searchable": driver.searchable,
        "node_id": driver.node_id,
        "position": position,
    })
}
