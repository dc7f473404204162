//! `kerb roads learn`: learns speeds by hour of the week from vehicle positions.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use kerb::terminal::print_json;
use kerb_routing::Roads;
use kerb_routing::map_matching::{
    Drive, DriveRules, DrivenTrip, LearningRound, LearningRun, MapMatchingOptions, read_pings, read_trips,
};
use kerb_routing::speeds::write_speeds;
use serde_json::{Value, json};

use super::super::failure::{Failure, Outcome};
use super::super::output::whole_file::write_whole_file;
use super::super::progress;
use super::days::{DayArgs, open};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The road network, as `kerb roads import` wrote it
    #[arg(long, value_name = "FILE")]
    roads: PathBuf,
    /// Vehicle positions, CSV or gzip: `time` (unix seconds), `cab_id`, `lat`, `lon`, `occupied`
    #[arg(long, value_name = "FILE")]
    pings: PathBuf,
    /// Trips with known ends only, on the days of --from and --to; may be repeated
    #[arg(long, value_name = "FILE", requires_all = ["from", "to"])]
    trips: Vec<PathBuf>,
    /// The profile to write; gzip when the name ends in .gz
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// First day of the trips
    #[arg(long, value_name = "DAY")]
    from: Option<kerb_routing::map_matching::Day>,
    /// Last day of the trips
    #[arg(long, value_name = "DAY")]
    to: Option<kerb_routing::map_matching::Day>,
    #[command(flatten)]
    days: DayArgs,
    /// Rounds of map matching; each round uses the speeds of the round before
    #[arg(long, value_name = "N", default_value = "2")]
    rounds: NonZeroUsize,
    /// A longer gap between two positions begins a new drive, seconds
    #[arg(long, value_name = "S", default_value_t = 180, value_parser = clap::value_parser!(i64).range(1..=3_600))]
    gap_max_s: i64,
}

pub(crate) fn run(args: &Args) -> Result<Outcome, Failure> {
    let failed = |path: &PathBuf, error: &dyn std::fmt::Display| {
        Failure::Failed(format!("{}: {error}", path.display()))
    };
    let roads = args.days.snap.open(&args.roads)?;
    let rules = DriveRules { gap_max_s: args.gap_max_s };
    let read = read_pings(open(&args.pings)?, rules);
    let (drives, counts) = read.map_err(|error| failed(&args.pings, &error))?;
    if drives.is_empty() {
        return Err(failed(&args.pings, &"holds no two positions of a car with a passenger in a row"));
    }
    let mut trips = Vec::new();
    for (path, days) in args.trips.iter().zip(std::iter::repeat(args.from.zip(args.to))) {
        let (from, to) = days.expect("the arguments require both");
        let read = read_trips(open(path)?, args.days.offset, from..=to);
        trips.extend(read.map_err(|error| failed(path, &error))?.0);
    }
    let (learned, rounds) = learn(args, &roads, &drives, &trips);
    let written = write_whole_file(&args.out, |out| write_speeds(&learned.speeds, roads.network(), out));
    written.map_err(|error| failed(&args.out, &error))?;
    let report = json!({
        "positions": {
            "read": counts.read,
            "vacant": counts.vacant,
            "out_of_order": counts.out_of_order,
            "used": counts.used,
        },
        "drives": drives.len(),
        "trips": trips.len(),
        "rounds": rounds.iter().map(round).collect::<Vec<_>>(),
        "directions": kerb_routing::speeds::list_directions(roads.network()).count(),
        "directions_driven": learned.directions_seen,
        "slowness": learned.slowness,
    });
    print_json(format_args!("{report:#}"))?;
    Ok(Outcome::Done)
}

fn learn(
    args: &Args,
    roads: &Roads,
    drives: &[Drive],
    trips: &[DrivenTrip],
) -> (kerb_routing::map_matching::LearnedSpeeds, Vec<LearningRound>) {
    let bar = progress::counter("drives");
    bar.set_length((drives.len() * args.rounds.get()) as u64);
    let run = LearningRun {
        drives,
        trips,
        offset: args.days.offset,
        options: MapMatchingOptions::default(),
        rounds: args.rounds,
        threads: std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let learned = run.learn(roads, &|done| bar.set_position(done as u64));
    bar.finish_and_clear();
    learned.expect("the times are of these roads")
}

fn round(round: &LearningRound) -> Value {
    json!({
        "positions_matched": round.positions,
        "sequences": round.chains,
        "legs": round.legs,
        "sigma_m": round.estimates.map(|estimates| estimates.sigma_m),
        "beta_m": round.estimates.map(|estimates| estimates.beta_m),
    })
}
