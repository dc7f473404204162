//! The report of runs that are made by hand.

use std::path::{Path, PathBuf};

use kerb_geometry::LatLng;
use kerb_simulator::cli::report_command::{ReportOptions, report};
use kerb_simulator::compare::Comparison;
use kerb_simulator::fleet_size::{DroppedTrips, FleetSizeReport, PublishedRow};
use kerb_simulator::metrics::record::{
    DriverNumber, DriverRecord, FleetSample, Latency, RequestOutcome, RequestRecord, RunRecord, SystemRecord,
};
use kerb_simulator::report::{Anchor, page};
use kerb_simulator::scenario::switchback::Schedule;

/// 2008-05-23 00:00 UTC.
const BEGINS_MS: i64 = 1_211_500_800_000;
const MINUTES: i64 = 120;

/// A request a minute; each fourth expires, the others wait `wait_s` seconds.
fn run(policy: &str, seed: u64, wait_s: i64) -> RunRecord {
    RunRecord {
        scenario: "by-hand".to_owned(),
        scenario_toml: "name = \"by-hand\"\n".to_owned(),
        seed,
        policy: policy.to_owned(),
        switchback: None,
        from_ms: BEGINS_MS,
        to_ms: BEGINS_MS + MINUTES * 60_000,
        measured_ms: BEGINS_MS..BEGINS_MS + MINUTES * 60_000,
        stopped: false,
        requests: (0..MINUTES).map(|minute| request(minute, wait_s)).collect(),
        drivers: vec![
            DriverRecord {
                ms: [0, 60_000 * 60, 0, 0, 30 * 60_000, 0, 30 * 60_000],
                meters: [0.0, 0.0, 0.0, 0.0, 3_000.0, 0.0, 1_000.0],
                trips: 3,
                offers: 3,
                declined: 0,
                unanswered: 0,
            };
            30
        ],
        samples: (0..MINUTES)
            .map(|minute| FleetSample {
                at_ms: BEGINS_MS + minute * 60_000,
                drivers: [5, 10 - (minute % 10) as u32, 1, 1, 3 + (minute % 10) as u32, 2, 8],
                waiting: 1,
            })
            .collect(),
        system: SystemRecord {
            wall_s: 1.0,
            updates: 1_000,
            updates_failed: 3,
            latencies: vec![Latency {
                name: "request".to_owned(),
                count: 90,
                p50_us: 1_500,
                p90_us: 2_000,
                p99_us: 4_250,
                max_us: 9_000,
            }],
            faults: vec![],
            ..SystemRecord::default()
        },
        run_hash: "5eed".to_owned(),
    }
}

fn request(minute: i64, wait_s: i64) -> RequestRecord {
    let requested_ms = BEGINS_MS + minute * 60_000;
    let is_served = minute % 4 != 0;
    let at = |lat, lon| LatLng::new(lat, lon).unwrap();
    let picked_up_ms = is_served.then_some(requested_ms + wait_s * 1_000);
    RequestRecord {
        requested_ms,
        pickup: at(37.75 + (minute % 11) as f64 * 0.004, -122.44 + (minute % 7) as f64 * 0.005),
        dropoff: at(37.77, -122.42),
        outcome: if is_served { RequestOutcome::Served } else { RequestOutcome::Expired },
        offers: 1,
        declined: 0,
        accepted_ms: is_served.then_some(requested_ms + 1_000),
        arrived_ms: picked_up_ms,
        picked_up_ms,
        dropped_off_ms: is_served.then_some(requested_ms + 1_200_000),
        driver: is_served.then_some(DriverNumber(0)),
        pickup_m: is_served.then_some(800.0),
        ride_m: is_served.then_some(2_000.0),
        quoted_eta_s: is_served.then_some(100),
        stars: None,
    }
}

/// Waits of seed `s` are `100 s` seconds, with `batch` 10, 20 and 30 less: -20 on average, ± 24.8 (t = 4.303).
fn runs() -> Vec<RunRecord> {
    let of = |seed: u64, policy, gain: i64| run(policy, seed, (100 - gain) * seed as i64);
    (1..=3).flat_map(|seed| [of(seed, "nearest", 0), of(seed, "batch", 10)]).collect()
}

fn page_of(runs: &[RunRecord]) -> String {
    page(&Comparison::new(runs, 0), runs, None)
}

#[test]
fn the_page_says_what_came_out() {
    let html = page_of(&runs());
    for expected in [
        "On by-hand, 2.0 hours, nearest / batch were compared with 30 drivers in 6 runs.",
        "nearest served 270 of 360 requests (75.0\u{a0}% of those that ended); riders with a pickup waited 200.0\u{a0}s on average.",
        "batch served 270 of 360 requests (75.0\u{a0}% of those that ended); riders with a pickup waited 180.0\u{a0}s on average.",
        "the mean wait by \u{2212}20.0\u{a0}s (95 % interval \u{2212}44.8 to 4.8: no difference shown)",
        "simulator compare scenario.toml --policies nearest,batch --seeds 1..3\n",
        "6,000 position updates were sent in all runs, 18 of them failed.",
        "4.25",
        "name = &quot;by-hand&quot;",
        "Student's t",
    ] {
        assert!(html.contains(expected) || html.contains(expected.trim_end()), "{expected}\n{html}");
    }
    assert!(!html.contains("class=\"alarm\""));
}

#[test]
fn a_sure_difference_is_called_so() {
    let waits = [(1, 300, 250), (2, 310, 261), (3, 290, 239)];
    let runs: Vec<RunRecord> =
        waits.into_iter().flat_map(|(seed, a, b)| [run("nearest", seed, a), run("batch", seed, b)]).collect();
    let html = page_of(&runs);
    assert!(
        html.contains(
            "the mean wait by \u{2212}50.0\u{a0}s (95 % interval \u{2212}52.5 to \u{2212}47.5: better)"
        ),
        "{html}"
    );
    assert!(html.contains("<td class=\"better\">better</td>"));
}

#[test]
fn lines_pass_through_the_shares_that_were_counted() {
    // 90 of 120 riders are picked up, all after 100 s: the axis goes from 0 to 100 s, the line ends at 75 % of the
    // height, which goes from pixel 256 up to 30.
    let html = page_of(&[run("nearest", 1, 100)]);
    assert!(html.contains("536.0,86.5"), "{html}");
    // Three of four are served in each quarter of an hour or so: 11 of 15, 12 of 15.
    assert!(html.contains("nearest, from 00:00: 73.3 %") && html.contains("nearest, from 00:00: 100.0 s"));
}

#[test]
fn faults_stops_and_gaps_are_loud() {
    let mut runs = runs();
    runs[0].system.faults.push("trip t<1> assigned twice".to_owned());
    runs[1].stopped = true;
    let html = page(&Comparison::new(&runs, 2), &runs, None);
    for expected in [
        "1 fault found by the checkers",
        "nearest, 30 drivers, seed 1: trip t&lt;1&gt; assigned twice",
        "1 run was stopped before the end.",
        "2 runs are missing",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let hostile = "</title><script>alert(1)</script>\"'&";
    let mut run = run(hostile, 1, 100);
    run.scenario = hostile.to_owned();
    run.scenario_toml = hostile.to_owned();
    run.run_hash = hostile.to_owned();
    run.system.latencies[0].name = hostile.to_owned();
    let html = page_of(&[run]);
    assert!(!html.contains("<script") && html.contains("&lt;script&gt;"));
    assert_eq!(html.matches("</title></head>").count() + html.matches("</title><style>").count(), 1);
}

#[test]
fn nothing_is_fetched() {
    let anchor = Anchor::from_json(ANCHOR).unwrap();
    let html = page(&Comparison::new(&runs(), 0), &runs(), Some(&anchor));
    for reference in ["http", "src=", "href=", "@import", "url(", "<script", "<link"] {
        assert!(!html.contains(reference), "{reference}");
    }
}

#[test]
fn few_runs_or_empty_ones_make_a_page() {
    assert!(page_of(&[]).contains("There are no runs"));
    let alone = page_of(&[run("nearest", 7, 100)]);
    assert!(
        alone.contains("nearest was run with 30 drivers in 1 run.")
            && !alone.contains("<h2>Differences</h2>")
    );
    let mut bare = run("nearest", 1, 100);
    (bare.requests, bare.drivers, bare.samples) = (vec![], vec![], vec![]);
    (bare.to_ms, bare.system) = (bare.from_ms, SystemRecord::default());
    let html = page_of(&[bare]);
    assert!(html.contains("no rider was picked up") && html.contains("There are no requests"));
    assert!(!html.contains("NaN") && !html.contains("inf\""));
}

const ANCHOR: &str = r#"{"day": "2008-05-22", "trips": 16682, "fleet": 527, "source": "A paper, 2018",
    "published": [{"what": "fleet", "published": "30 % fewer", "ours": "8 % <more>", "why": "another city"}]}"#;

#[test]
fn the_published_figures_stand_beside_ours() {
    let html = page(&Comparison::new(&runs(), 0), &runs(), Some(&Anchor::from_json(ANCHOR).unwrap()));
    for expected in [
        "16,682 trips of 2008-05-22, compared with A paper, 2018",
        "30 % fewer",
        "8 % &lt;more&gt;",
        "another city",
    ] {
        assert!(html.contains(expected), "{expected}");
    }
}

#[test]
fn what_fleet_size_prints_can_be_read() {
    let row = |text: &str| text.to_owned();
    let printed = FleetSizeReport {
        day: "2008-05-22".to_owned(),
        trips: 3,
        dropped: DroppedTrips::default(),
        cars: None,
        fleet: 2,
        fewer_share: None,
        busiest: 1,
        delta_min: 15,
        edges: 4,
        phases: 1,
        matching_s: 0.1,
        slowdown_by_hour: [1.0; 24],
        slowdown_samples: 0,
        online: vec![],
        published: vec![PublishedRow { what: row("a"), published: row("b"), ours: row("c"), why: row("d") }],
        source: "A paper".to_owned(),
        seed: 1,
    };
    let anchor = Anchor::from_json(&serde_json::to_string(&printed).unwrap()).unwrap();
    assert_eq!((anchor.day, anchor.trips, anchor.source), (printed.day, printed.trips, printed.source));
    assert_eq!(anchor.published, printed.published);
}

fn file(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    path
}

#[test]
fn the_command_writes_a_page_and_says_which_file_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, run: &RunRecord| file(folder.path(), name, &serde_json::to_string(run).unwrap());
    let out = folder.path().join("report.html");
    let write_report = |runs: &[&PathBuf], anchor: Option<&PathBuf>| {
        let runs = runs.iter().map(|path| (*path).clone()).collect();
        report(&ReportOptions { runs, anchor: anchor.cloned(), out: out.clone() })
    };
    let (a, b) = (put("a.json", &run("nearest", 1, 100)), put("b.json", &run("batch", 1, 90)));
    let anchor = file(folder.path(), "anchor.json", ANCHOR);
    assert!(write_report(&[&a, &b], Some(&anchor)).unwrap().contains("2 runs of by-hand"));
    assert!(std::fs::read_to_string(&out).unwrap().contains("30 % fewer"));

    let other = put("other.json", &RunRecord { scenario: "another".to_owned(), ..run("batch", 1, 90) });
    let broken = file(folder.path(), "broken.json", "{}");
    let missing = folder.path().join("missing.json");
    for (runs, anchor, file, reason) in [
        (vec![&a, &missing], None, &missing, "No such file"),
        (vec![&a, &broken], None, &broken, "not a run: missing field"),
        (vec![&a, &other], None, &other, "of scenario \"another\", must be of \"by-hand\""),
        (vec![&a, &b, &a], None, &a, "the same policy, drivers and seed as"),
        (vec![&a], Some(&broken), &broken, "not what `simulator fleet-size --json` prints"),
    ] {
        let wrong = write_report(&runs, anchor).unwrap_err();
        assert!(wrong.starts_with(&file.display().to_string()) && wrong.contains(reason), "{wrong}");
    }
}

/// Riders wait 100 s under one policy and 60 s under the other, in blocks of half an hour.
fn switchback(seed: u64) -> RunRecord {
    let policies = ["nearest".to_owned(), "batch".to_owned()];
    let schedule = Schedule::new(&policies, 30 * 60_000, None).unwrap();
    let mut run = run(&schedule.label(), seed, 100);
    for block in schedule.blocks(run.from_ms, run.to_ms, seed).iter().filter(|block| block.policy == 1) {
        let within = block.from_ms..block.to_ms;
        for request in run.requests.iter_mut().filter(|request| within.contains(&request.requested_ms)) {
            request.picked_up_ms = request.picked_up_ms.map(|at_ms| at_ms - 40_000);
        }
    }
    RunRecord { switchback: Some(schedule), ..run }
}

#[test]
fn a_switchback_is_read_block_by_block() {
    let runs: Vec<RunRecord> = (1..=3).map(switchback).collect();
    let html = page_of(&runs);
    for expected in [
        "In alternating blocks of 30m with 30 drivers, batch instead of nearest changes the mean wait by \u{2212}40.0\u{a0}s \
         (95 % interval \u{2212}40.0 to \u{2212}40.0: better), and the service rate by 0.0\u{a0}points",
        "batch minus nearest, 30 drivers, blocks of 30m without their first 10m",
        "<td class=\"n\">6</td><td class=\"better\">better</td>",
        "simulator compare scenario.toml --policies nearest,batch --switchback 30m --burn-in 10m --seeds 1..3",
    ] {
        assert!(html.contains(expected), "{expected}\n{html}");
    }
    assert!(!html.contains("<h2>Differences</h2>"), "a switchback is not compared with itself");
    assert_eq!(html.matches("<td>17:00</td>").count() + html.matches("<td>00:00</td>").count(), 3);
}

#[test]
fn fleets_stand_apart_and_each_is_compared_with_its_own_base() {
    let smaller = |mut run: RunRecord| {
        run.drivers.truncate(10);
        run
    };
    let mut all = runs();
    all.extend(runs().into_iter().map(smaller));
    let html = page_of(&all);
    for expected in [
        "nearest, 10 drivers / batch, 10 drivers / nearest, 30 drivers / batch, 30 drivers were compared in 12 runs.",
        "batch minus nearest, 10 drivers",
        "batch minus nearest, 30 drivers",
        "<th class=\"n\">nearest<small><br>10 drivers<br>3 seeds</small></th>",
        "simulator compare scenario.toml --policies nearest,batch --seeds 1..3 --fleet 10,30",
    ] {
        assert!(html.contains(expected), "{expected}\n{html}");
    }
}
