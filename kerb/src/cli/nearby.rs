//! `kerb nearby`: runs one search and prints all its pages.

use clap::ValueEnum;
use kerb::terminal::{note, print, print_json};
use kerb_proto::v1::find_nearby_request::Search;
use kerb_proto::v1::nearby_service_client::NearbyServiceClient;
use kerb_proto::v1::{self, DriverFilter, FindNearbyRequest, LatLng, NearbyDriver};
use serde_json::{Value, json};

use super::args::{EndpointArgs, position, vertex};
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::table;

/// The number of neighbors when no flag gives one.
const K_DEFAULT: u32 = 10;
/// The radius of a nearest search when no flag gives one, meters.
const RADIUS_DEFAULT_M: f64 = 5_000.0;

#[derive(Debug, clap::Args)]
#[command(allow_negative_numbers = true)]
pub(crate) struct Args {
    /// The point: "LAT,LON", or LAT and LON as two arguments
    #[arg(value_name = "LAT,LON", required_unless_present = "polygon", allow_hyphen_values = true)]
    point: Option<String>,
    #[arg(hide = true, allow_hyphen_values = true)]
    lon: Option<String>,
    /// The number of nearest drivers [default: 10, within --radius-m or 5 km]
    #[arg(long)]
    k: Option<u32>,
    /// All drivers within this distance; with --k or --rank-by travel-time only the nearest of them
    #[arg(long, value_name = "M")]
    radius_m: Option<f64>,
    /// All drivers within the polygon of these corners: "LAT,LON LAT,LON LAT,LON ..."
    #[arg(long, value_name = "CORNERS", allow_hyphen_values = true, value_parser = corners, conflicts_with_all = ["point", "k", "radius_m"])]
    polygon: Option<Corners>,
    /// No drivers within these corners inside of the polygon; may be repeated
    #[arg(long, value_name = "CORNERS", allow_hyphen_values = true, value_parser = corners, requires = "polygon")]
    hole: Vec<Corners>,
    /// Only drivers of this status; may be repeated
    #[arg(long)]
    status: Vec<StatusArg>,
    /// Only available drivers who can get an offer (free), who have one or a trip (reserved), or whom no offer reaches
    /// (not-connected); may be repeated [default: any, with --status available all but the reserved ones]
    #[arg(long, value_name = "AVAILABILITY")]
    availability: Vec<AvailabilityArg>,
    /// Only drivers of this vehicle class; may be repeated
    #[arg(long, value_name = "NAME")]
    class: Vec<String>,
    /// Only drivers with this capability; may be repeated
    #[arg(long, value_name = "NAME")]
    capability: Vec<String>,
    /// Only positions of at most this age [default: the server's]
    #[arg(long, value_name = "MS", default_value_t = 0, hide_default_value = true)]
    max_age_ms: u32,
    /// Rank by distance, or by travel time to the point
    #[arg(long, value_name = "BY", default_value = "distance")]
    rank_by: RankArg,
    /// Show each driver's travel time to the point and its source; always shown with --rank-by travel-time
    #[arg(long)]
    eta: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: EndpointArgs,
}

#[derive(Clone, Debug)]
struct Corners(Vec<LatLng>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum RankArg {
    Distance,
    TravelTime,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum StatusArg {
    Available,
    OnBreak,
    OnTrip,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AvailabilityArg {
    Free,
    Reserved,
    NotConnected,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    let mut request = args.request()?;
    let mut client = NearbyServiceClient::new(args.server.connect().await?);
    let mut result = CombinedPages::default();
    loop {
        let page = client.find_nearby(args.server.request(request.clone())).await;
        let page = page.map_err(|status| failed(&status))?.into_inner();
        request.page_token = result.add(page);
        if request.page_token.is_empty() {
            break;
        }
    }
    if args.json {
        print_json(result.to_json())?;
    } else {
        print(result.to_table())?;
    }
    if result.ranking_incomplete {
        note(
            "kerb: there were too many drivers, or there was too little time: other drivers may have a shorter travel time",
        );
    }
    if result.shards_missing.is_empty() {
        return Ok(Outcome::Done);
    }
    note(format_args!("kerb: partial: {}", result.describe_missing()));
    Ok(Outcome::Partial)
}

impl Args {
    fn request(&self) -> Result<FindNearbyRequest, Failure> {
        Ok(FindNearbyRequest {
            search: Some(self.search()?),
            filter: Some(DriverFilter {
                statuses: self.status.iter().map(|status| status.wire().into()).collect(),
                vehicle_classes: self.class.clone(),
                capabilities: self.capability.clone(),
                position_age_max_ms: self.max_age_ms,
                availabilities: self
                    .availability
                    .iter()
                    .map(|availability| availability.wire().into())
                    .collect(),
            }),
            rank_by: self.rank_by.wire().into(),
            include_eta: self.eta,
            ..FindNearbyRequest::default()
        })
    }

    fn search(&self) -> Result<Search, Failure> {
        if let Some(Corners(vertices)) = &self.polygon {
            let hole = |Corners(vertices): &Corners| v1::PolygonRing { vertices: vertices.clone() };
            let holes = self.hole.iter().map(hole).collect();
            return Ok(Search::WithinPolygon(v1::PolygonSearch { vertices: vertices.clone(), holes }));
        }
        let point = self.point.as_deref().map(|point| match &self.lon {
            Some(lon) => position(&format!("{point},{lon}")),
            None => position(point),
        });
        let point = point.transpose().map_err(Failure::Usage)?.map(LatLng::from);
        Ok(match (self.k, self.radius_m) {
            (None, Some(radius_m)) if self.rank_by == RankArg::Distance => {
                Search::WithinRadius(v1::RadiusSearch { point, radius_m })
            }
            (k, radius_m) => Search::Nearest(v1::NearestSearch {
                point,
                k: k.unwrap_or(K_DEFAULT),
                radius_m: radius_m.unwrap_or(RADIUS_DEFAULT_M),
            }),
        })
    }
}

impl RankArg {
    fn wire(self) -> v1::RankBy {
        match self {
            Self::Distance => v1::RankBy::Distance,
            Self::TravelTime => v1::RankBy::TravelTime,
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

impl AvailabilityArg {
    fn wire(self) -> v1::Availability {
        match self {
            Self::Free => v1::Availability::Free,
            Self::Reserved => v1::Availability::Reserved,
            Self::NotConnected => v1::Availability::NotConnected,
        }
    }
}

/// Returns the word for an AVAILABLE driver's availability, as the flag takes it; empty for other statuses.
fn availability_name(availability: v1::Availability) -> &'static str {
    match availability {
        v1::Availability::Unspecified => "",
        v1::Availability::Free => "free",
        v1::Availability::Reserved => "reserved",
        v1::Availability::NotConnected => "not-connected",
    }
}

/// The drivers of all pages of a search, and the shards that are missing in any page.
#[derive(Default)]
struct CombinedPages {
    drivers: Vec<NearbyDriver>,
    shards_searched: u32,
    shards_missing: Vec<u32>,
    ranking_incomplete: bool,
}

impl CombinedPages {
    /// Adds a page and returns the token of the next one.
    fn add(&mut self, page: v1::FindNearbyResponse) -> String {
        let coverage = page.coverage.unwrap_or_default();
        self.drivers.extend(page.drivers);
        self.shards_searched = self.shards_searched.max(coverage.shards_queried);
        self.shards_missing.extend(coverage.shards_missing);
        self.shards_missing.sort_unstable();
        self.shards_missing.dedup();
        self.ranking_incomplete |= page.ranking_incomplete;
        page.next_page_token
    }

    fn to_table(&self) -> String {
        if self.drivers.is_empty() {
            return "no drivers\n".to_owned();
        }
        let with_etas = self.drivers.iter().any(|driver| driver.pickup_eta_s.is_some());
        let row = |driver: &NearbyDriver| {
            let mut row = vec![driver.driver_id.clone(), table::distance(driver.distance_m)];
            if with_etas {
                row.push(driver.pickup_eta_s.map_or_else(|| "-".to_owned(), table::duration));
                row.push(table::source(driver.travel_source()).to_owned());
            }
            row.push(table::age(driver.position_age_ms));
            row.push(super::driver::status_name(driver.status()).to_owned());
            row.push(availability_name(driver.availability()).to_owned());
            row.push(driver.vehicle_class.clone());
            row
        };
        let rows: Vec<_> = self.drivers.iter().map(row).collect();
        let mut heads = vec!["DRIVER", " DISTANCE", " AGE", "STATUS", "AVAILABILITY", "CLASS"];
        if with_etas {
            heads.splice(2..2, [" ETA", "SOURCE"]);
        }
        table::render(&heads, &rows)
    }

    fn to_json(&self) -> Value {
        let driver = |driver: &NearbyDriver| {
            let location = driver.position.as_ref().and_then(|p| p.location).unwrap_or_default();
            json!({
                "driver_id": driver.driver_id,
                "distance_m": driver.distance_m,
                "position_age_ms": driver.position_age_ms,
                "status": super::driver::status_name(driver.status()),
                "availability": availability_name(driver.availability()),
                "vehicle_class": driver.vehicle_class,
                "capabilities": driver.capabilities,
                "latitude_deg": location.latitude_deg,
                "longitude_deg": location.longitude_deg,
                "time_ms": driver.position.map_or(0, |p| p.time_ms),
                "sequence": driver.position.map_or(0, |p| p.sequence),
                "pickup_eta_s": driver.pickup_eta_s,
                "travel_source": driver.pickup_eta_s.map(|_| table::source(driver.travel_source())),
            })
        };
        json!({
            "drivers": self.drivers.iter().map(driver).collect::<Vec<_>>(),
            "shards_queried": self.shards_searched,
            "shards_missing": self.shards_missing,
            "ranking_incomplete": self.ranking_incomplete,
        })
    }

    fn describe_missing(&self) -> String {
        let numbers: Vec<_> = self.shards_missing.iter().map(ToString::to_string).collect();
        format!("{} of {} shards did not answer: {}", numbers.len(), self.shards_searched, numbers.join(", "))
    }
}

fn corners(text: &str) -> Result<Corners, String> {
    text.split_whitespace().map(|pair| vertex(pair).map(LatLng::from)).collect::<Result<_, _>>().map(Corners)
}
