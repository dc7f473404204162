//! `kerb nearby`: a search from the command line, all its pages.

use clap::ValueEnum;
use kerb_proto::v1::find_nearby_request::Search;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::{self, DriverFilter, FindNearbyRequest, LatLng, NearbyDriver};
use serde_json::{Value, json};

use super::args::EndpointArgs;
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::table;

/// Neighbours when nothing else is asked for.
const K_DEFAULT: u32 = 10;
/// How far a nearest search looks when nothing else is asked for.
const RADIUS_DEFAULT_M: f64 = 5_000.0;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// Latitude of the point, -90 to 90
    #[arg(required_unless_present = "polygon", requires = "lon")]
    lat: Option<f64>,
    /// Longitude of the point, -180 to 180
    lon: Option<f64>,
    /// The so many nearest [default: 10, within --radius-m or 5 km]
    #[arg(long)]
    k: Option<u32>,
    /// All within this distance; with --k only the nearest of them
    #[arg(long, value_name = "M")]
    radius_m: Option<f64>,
    /// All within the polygon of these corners: "LAT,LON LAT,LON LAT,LON ..."
    #[arg(long, value_name = "CORNERS", allow_hyphen_values = true, value_parser = corners, conflicts_with_all = ["lat", "k", "radius_m"])]
    polygon: Option<Corners>,
    /// Only drivers of this status; may be repeated
    #[arg(long)]
    status: Vec<StatusArg>,
    /// Only drivers of this vehicle class; may be repeated
    #[arg(long, value_name = "NAME")]
    class: Vec<String>,
    /// Only drivers with this capability; may be repeated
    #[arg(long, value_name = "NAME")]
    capability: Vec<String>,
    /// Only positions at most this old [default: the server's]
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    max_age_ms: u32,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: EndpointArgs,
}

#[derive(Clone, Debug)]
struct Corners(Vec<LatLng>);

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    Available,
    OnBreak,
    OnTrip,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut client = NearbyServiceClient::new(args.server.connect().await?);
    let mut request = args.request();
    let mut found = Found::default();
    loop {
        let page = client.find_nearby(args.server.request(request.clone())).await;
        let page = page.map_err(|status| failed(&status))?.into_inner();
        request.page_token = found.add(page);
        if request.page_token.is_empty() {
            break;
        }
    }
    if args.json {
        println!("{}", found.to_json());
    } else {
        print!("{}", found.to_table());
    }
    if found.missing.is_empty() {
        return Ok(Outcome::Done);
    }
    eprintln!("kerb: partial: {}", found.what_is_missing());
    Ok(Outcome::Partial)
}

impl Args {
    fn request(&self) -> FindNearbyRequest {
        FindNearbyRequest {
            search: Some(self.search()),
            filter: Some(DriverFilter {
                statuses: self.status.iter().map(|status| status.wire() as i32).collect(),
                vehicle_classes: self.class.clone(),
                capabilities: self.capability.clone(),
                position_age_max_ms: self.max_age_ms,
            }),
            ..FindNearbyRequest::default()
        }
    }

    fn search(&self) -> Search {
        if let Some(Corners(vertices)) = &self.polygon {
            return Search::WithinPolygon(v1::PolygonSearch { vertices: vertices.clone() });
        }
        let point = self
            .lat
            .zip(self.lon)
            .map(|(latitude_deg, longitude_deg)| LatLng { latitude_deg, longitude_deg });
        match (self.k, self.radius_m) {
            (None, Some(radius_m)) => Search::WithinRadius(v1::RadiusSearch { point, radius_m }),
            (k, radius_m) => Search::Nearest(v1::NearestSearch {
                point,
                k: k.unwrap_or(K_DEFAULT),
                radius_m: radius_m.unwrap_or(RADIUS_DEFAULT_M),
            }),
        }
    }
}

impl StatusArg {
    fn wire(self) -> v1::DriverStatus {
        match self {
            Self::Available => v1::DriverStatus::Available,
            Self::OnBreak => v1::DriverStatus::OnBreak,
            Self::OnTrip => v1::DriverStatus::OnTrip,
        }
    }
}

/// The pages together.
#[derive(Default)]
struct Found {
    drivers: Vec<NearbyDriver>,
    asked: u32,
    missing: Vec<u32>,
}

impl Found {
    /// Adds a page and gives the token of the next.
    fn add(&mut self, page: v1::FindNearbyResponse) -> String {
        let coverage = page.coverage.unwrap_or_default();
        self.drivers.extend(page.drivers);
        self.asked = self.asked.max(coverage.shards_asked);
        self.missing.extend(coverage.shards_missing);
        self.missing.sort_unstable();
        self.missing.dedup();
        page.next_page_token
    }

    fn to_table(&self) -> String {
        if self.drivers.is_empty() {
            return "nobody\n".to_owned();
        }
        let row = |driver: &NearbyDriver| {
            vec![
                table::printable(&driver.driver_id),
                table::distance(driver.distance_m),
                table::age(driver.position_age_ms),
                super::driver::status_name(driver.status()).to_owned(),
                driver.vehicle_class.clone(),
            ]
        };
        let rows: Vec<_> = self.drivers.iter().map(row).collect();
        table::render(&["DRIVER", " DISTANCE", " AGE", "STATUS", "CLASS"], &rows)
    }

    fn to_json(&self) -> Value {
        let driver = |driver: &NearbyDriver| {
            let place = driver.position.as_ref().and_then(|p| p.location).unwrap_or_default();
            json!({
                "driver_id": driver.driver_id,
                "distance_m": driver.distance_m,
                "position_age_ms": driver.position_age_ms,
                "status": super::driver::status_name(driver.status()),
                "vehicle_class": driver.vehicle_class,
                "capabilities": driver.capabilities,
                "latitude_deg": place.latitude_deg,
                "longitude_deg": place.longitude_deg,
                "time_ms": driver.position.map_or(0, |p| p.time_ms),
                "sequence": driver.position.map_or(0, |p| p.sequence),
            })
        };
        json!({
            "drivers": self.drivers.iter().map(driver).collect::<Vec<_>>(),
            "shards_asked": self.asked,
            "shards_missing": self.missing,
        })
    }

    fn what_is_missing(&self) -> String {
        let numbers: Vec<_> = self.missing.iter().map(ToString::to_string).collect();
        format!("{} of {} shards did not answer: {}", numbers.len(), self.asked, numbers.join(", "))
    }
}

fn corners(text: &str) -> Result<Corners, String> {
    let corner = |pair: &str| {
        let (lat, lon) = pair.split_once(',')?;
        Some(LatLng { latitude_deg: lat.parse().ok()?, longitude_deg: lon.parse().ok()? })
    };
    let parsed =
        text.split_whitespace().map(|pair| corner(pair).ok_or_else(|| format!("{pair:?} is not LAT,LON")));
    parsed.collect::<Result<_, _>>().map(Corners)
}
