//! `kerb roads evaluate`: compares travel times with those of recorded trips.

use std::path::PathBuf;

use kerb::terminal::print_json;
use kerb_routing::map_matching::{Day, TravelTimeErrors, evaluate, read_trips};
use kerb_routing::speeds::{DirectionIndex, read_speeds};
use serde_json::{Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::progress;
use super::days::{DayArgs, open};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    #[arg(long, value_name = "FILE")]
    roads: PathBuf,
    /// Trips, CSV or gzip: `request_time`, `dropoff_time`, `pickup_lat`, `pickup_lon`, `dropoff_lat`, `dropoff_lon`
    #[arg(long, value_name = "FILE")]
    trips: PathBuf,
    /// Speeds by hour of the week, as `kerb roads learn` wrote them
    #[arg(long, value_name = "FILE")]
    profile: Option<PathBuf>,
    /// First day of the trips; days that were used for learning give results that are too good
    #[arg(long, value_name = "DAY")]
    from: Day,
    /// Last day of the trips
    #[arg(long, value_name = "DAY")]
    to: Day,
    #[command(flatten)]
    days: DayArgs,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let failed = |path: &PathBuf, error: &dyn std::fmt::Display| {
        Failure::Failed(format!("{}: {error}", path.display()))
    };
    let roads = args.days.snap.open(&args.roads)?;
    let profile = match &args.profile {
        Some(path) => {
            let segments = DirectionIndex::new(roads.network());
            let read = read_speeds(open(path)?, roads.network(), &segments);
            Some(read.map_err(|error| failed(path, &error))?)
        }
        None => None,
    };
    let read = read_trips(open(&args.trips)?, args.days.offset, args.from..=args.to);
    let (trips, counts) = read.map_err(|error| failed(&args.trips, &error))?;
    if trips.is_empty() {
        return Err(failed(
            &args.trips,
            &format!("holds no trip to compare from {} to {}", args.from, args.to),
        ));
    }
    let bar = progress::counter("hours");
    // Hours of a week: the cast keeps the number.
    bar.set_length(kerb_routing::speeds::HOURS as u64);
    let evaluation = evaluate(&roads, profile.as_ref(), &trips, args.days.offset, &mut |done| {
        bar.set_position(done as u64);
    });
    bar.finish_and_clear();
    let evaluation = evaluation.expect("the times are of these roads");
    let report = json!({
        "trips": {
            "read": counts.read,
            "without_end": counts.without_end,
            "odd_time": counts.odd_time,
            "too_near": counts.too_near,
            "odd_speed": counts.odd_speed,
            "off_map": evaluation.off_map,
            "compared": evaluation.trips,
            "driven_mean_s": evaluation.driven_mean_s,
        },
        "free_flow": errors(&evaluation.free_flow),
        "profile": evaluation.profile.as_ref().map(errors),
    });
    print_json(format_args!("{report:#}"))?;
    Ok(Outcome::Done)
}

fn errors(errors: &TravelTimeErrors) -> Value {
    json!({
        "mean_absolute_percent": errors.mean_percent,
        "median_absolute_percent": errors.median_percent,
        "bias_percent": errors.bias_percent,
        "mean_absolute_s": errors.mean_s,
    })
}
