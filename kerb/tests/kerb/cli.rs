//! The command line: its output, its messages on stderr, and its exit codes.

use std::path::Path;
use std::time::Duration;

use crate::support::eventually::eventually;
use crate::support::gateway::{batch, report};
use crate::support::process::{Process, run, text};
use crate::support::search::{Truth, find_and_check, nearest};

/// Sydney has a negative latitude, which the command line must not take for a flag.
const SYDNEY: (f64, f64) = (-33.8688, 151.2093);

/// Runs a command that must fail, and returns its text on stderr.
fn fails(dir: &Path, args: &[&str], code: i32) -> String {
    let output = run(dir, args);
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{args:?}: {error}");
    assert!(output.stdout.is_empty(), "{output:?}");
    error
}

fn succeeds(dir: &Path, args: &[&str]) -> String {
    let output = run(dir, args);
    assert!(output.status.success(), "{args:?}: {output:?}");
    text(&output.stdout)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn client_commands_print_the_state_of_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let node = Process::start(dir, &["serve", "--data-dir", "none", "--node-id", "solo"]);
    let url = node.url();
    let mut truth: Truth =
        [("near".to_owned(), SYDNEY), ("bad\u{1b}[2J".to_owned(), (SYDNEY.0 + 0.01, SYDNEY.1))].into();
    truth.insert("far".to_owned(), (SYDNEY.0 + 0.1, SYDNEY.1));
    report(node.channel(), vec![batch(&truth, 1, true)]).await.unwrap();
    let channel = node.channel();
    eventually("all are found", Duration::from_secs(20), async || {
        find_and_check(&channel, &truth, nearest(SYDNEY, 3, 50_000.0)).await
    })
    .await;
    let (lat, lon) = (SYDNEY.0.to_string(), SYDNEY.1.to_string());

    let table = succeeds(dir, &["nearby", &lat, &lon, "--endpoint", &url]);
    let lines: Vec<_> = table.lines().collect();
    assert_eq!(lines.len(), 3, "the far one is beyond 5 km: {table}");
    assert!(lines[0].starts_with("DRIVER") && lines[1].starts_with("near"), "{table}");
    assert!(lines[1].contains("0.0 m") && lines[1].contains("available"), "{table}");
    assert!(lines[1].contains("not-connected"), "no stream, so no offer reaches the driver: {table}");
    let free = succeeds(dir, &["nearby", &lat, &lon, "--availability", "free", "--endpoint", &url]);
    assert_eq!(free, "no drivers\n");
    let unreachable =
        succeeds(dir, &["nearby", &lat, &lon, "--availability", "not-connected", "--endpoint", &url]);
    assert_eq!(unreachable.lines().count(), 3, "{unreachable}");
    assert!(lines[2].contains(r"bad\u{1b}[2J") && lines[2].contains("1112.0 m"), "{table}");

    let json = succeeds(
        dir,
        &["nearby", &lat, &lon, "--k", "2", "--radius-m", "50000", "--json", "--endpoint", &url],
    );
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["drivers"].as_array().unwrap().len(), 2);
    assert_eq!(json["drivers"][0]["driver_id"], "near");
    assert_eq!(json["shards_missing"].as_array().unwrap().len(), 0);

    let polygon = "-34,151 -34,152 -33.8,152 -33.8,151";
    let table = succeeds(dir, &["nearby", "--polygon", polygon, "--endpoint", &url]);
    assert_eq!(table.lines().count(), 3, "{table}");
    let nobody =
        succeeds(dir, &["nearby", &lat, &lon, "--status", "on-trip", "--class", "van", "--endpoint", &url]);
    assert_eq!(nobody, "no drivers\n");

    let driver = succeeds(dir, &["driver", "near", "--endpoint", &url]);
    assert!(driver.contains("position      -33.8688000, 151.2093000") && driver.contains("solo"), "{driver}");
    let shards = succeeds(dir, &["shards", "--endpoint", &url]);
    assert!(
        shards.starts_with("NODE") && shards.contains("location-ingest, index-server, aggregator, matcher  "),
        "{shards}"
    );
    let rebuilt = succeeds(dir, &["rebuild", "solo", "--endpoint", &url]);
    assert!(
        rebuilt.starts_with("rebuilt solo: 1024 shards, 3 drivers, ") && rebuilt.ends_with("from solo\n"),
        "{rebuilt}"
    );

    let unknown = fails(dir, &["driver", "ghost", "--endpoint", &url], 1);
    assert_eq!(unknown, "kerb: driver \"ghost\" is not known\n");
    let unknown = fails(dir, &["rebuild", "ghost", "--endpoint", &url], 1);
    assert_eq!(unknown, "kerb: node \"ghost\" is not known\n");
    let rejected = fails(dir, &["nearby", "91", "0", "--endpoint", &url], 2);
    assert_eq!(rejected, "kerb: latitude: 91 is outside -90 to 90 degrees\n");
    assert_eq!(fails(dir, &["nearby", "91,0", "--endpoint", &url], 2), rejected);
    let pair = succeeds(dir, &["nearby", &format!("{lat},{lon}"), "--k", "1", "--endpoint", &url]);
    assert!(pair.lines().count() == 2 && pair.contains("\nnear "), "{pair}");
    let rejected = fails(dir, &["nearby", "0", "0", "--k", "0", "--endpoint", &url], 2);
    assert!(rejected.contains("1 to 1000") || rejected.contains("1 to 1,000"), "{rejected}");
}

#[test]
fn wrong_arguments_exit_with_2_and_a_missing_server_with_1() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    // No server listens on port 1.
    let unreachable = fails(dir, &["nearby", "1", "2", "--endpoint", "http://127.0.0.1:1"], 1);
    assert_eq!(unreachable.lines().count(), 1, "{unreachable}");
    assert!(
        unreachable.starts_with("kerb: cannot reach http://127.0.0.1:1: Connection refused"),
        "{unreachable}"
    );
    fails(dir, &["nearby"], 2);
    let alone = fails(dir, &["nearby", "1"], 2);
    assert_eq!(alone, "kerb: \"1\", must be LAT,LON, for example 43.7333,7.4167\n");
    fails(dir, &["nearby", "north", "2"], 2);
    fails(dir, &["nearby", "--polygon", "1,2 3"], 2);
    fails(dir, &["driver", "x", "--endpoint", "not a url"], 2);
    fails(dir, &["launch"], 2);
}

#[test]
fn the_binary_prints_its_version_its_completions_and_its_exit_codes() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert_eq!(succeeds(dir, &["--version"]), format!("kerb {}\n", env!("CARGO_PKG_VERSION")));
    assert!(succeeds(dir, &["--help"]).contains("Exit codes:"));
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(succeeds(dir, &["completions", shell]).contains("location-ingest"), "{shell}");
    }
}

#[test]
fn config_check_lists_every_problem_or_shows_the_origin_of_each_value() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    assert!(succeeds(dir, &["config", "check"]).starts_with("# ok\n\n[node]\nid = \"local\""));
    std::fs::write(dir.join("kerb.toml"), "[node]\nid = \"a\"\n[aggregator]\nsearch_deadline_ms = 300\n")
        .unwrap();
    let shown = succeeds(dir, &["config", "show", "--node-id", "b"]);
    assert!(shown.contains("kerb.toml line 4") && shown.contains("flag --node-id"), "{shown}");

    let bad = "[index_server]\nposition_ttl_ms = 1\n[aggregator]\nsearch_deadline_ms = \"soon\"\nhedge_permile = 3\nstale_after_ms = 0\n";
    std::fs::write(dir.join("bad.toml"), bad).unwrap();
    let problems = fails(dir, &["config", "check", "--config", "bad.toml"], 2);
    for wanted in [
        "bad.toml line 2: index_server.position_ttl_ms: no such key: the services share fleet.position_ttl_ms",
        "bad.toml line 4: aggregator.search_deadline_ms: \"soon\" is invalid",
        "bad.toml line 5: aggregator.hedge_permile: no such key; did you mean aggregator.hedge_permille?",
        "bad.toml line 6: aggregator.stale_after_ms: 0, must be at least 1",
    ] {
        assert!(problems.contains(wanted), "{wanted}\nnot in\n{problems}");
    }
    // A server does not start with the same settings and prints the same problems.
    assert_eq!(fails(dir, &["serve", "--config", "bad.toml"], 2), problems);
}

#[test]
fn a_node_that_cannot_start_prints_the_reason_in_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    let quiet = ["--log-filter", "off"];
    let alone = fails(dir, &[&["index-server"], &quiet[..]].concat(), 1);
    assert!(alone.contains("membership file") && alone.lines().count() == 1, "{alone}");

    let node = Process::start(dir, &["serve"]);
    let taken =
        fails(dir, &[&["serve", "--data-dir", "none", "--listen", &node.address], &quiet[..]].concat(), 1);
    assert!(
        taken.contains(&format!("cannot listen on {}", node.address)) && taken.contains("--listen"),
        "{taken}"
    );
    let shared = fails(dir, &[&["serve", "--listen", "127.0.0.1:0"], &quiet[..]].concat(), 1);
    assert!(shared.contains("kerb-data") && shared.lines().count() == 1, "{shared}");

    let file = "[[nodes]]\nid = \"one\"\naddress = \"127.0.0.1:1\"\nroles = [\"aggregator\"]\n\
                [[nodes]]\nid = \"two\"\naddress = \"127.0.0.1:2\"\nroles = [\"index-server\"]\n\
                [[nodes]]\nid = \"three\"\naddress = \"127.0.0.1:3\"\nroles = [\"location-ingest\"]\n";
    std::fs::write(dir.join("cluster.toml"), file).unwrap();
    let member = |role, id| {
        fails(dir, &[&[role, "--cluster-file", "cluster.toml", "--node-id", id], &quiet[..]].concat(), 1)
    };
    let roles = member("index-server", "one");
    assert!(roles.contains("aggregator") && roles.contains("started as index-server"), "{roles}");
    let unknown = member("index-server", "four");
    assert!(
        unknown.contains("cluster.toml") && unknown.contains("\"four\"") && unknown.contains("one, "),
        "{unknown}"
    );
}
