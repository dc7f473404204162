//! The command line: stdout that does not take the output, and messages about wrong input.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A minute of a city without riders.
const MINUTE: &str = r#"
name = "minute"
from = "2026-01-01T00:00:00Z"
duration_s = 60
streets.source = { kind = "straight", speed_kmh = 20.0, detour = 1.3 }
fleet.source = { kind = "placed", drivers = 2 }
[demand.source]
kind = "field"
rate_per_h = 200.0
pickups = []
anywhere = 1.0
area = { south = 0.0, west = 0.0, north = 0.1, east = 0.1 }
"#;

fn run(folder: &Path, arguments: &[&str], stdout: impl Into<Stdio>) -> (Option<i32>, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
    command.args(arguments).current_dir(folder).stdin(Stdio::null()).stdout(stdout).stderr(Stdio::piped());
    let Output { status, stderr, .. } = command.spawn().unwrap().wait_with_output().unwrap();
    (status.code(), String::from_utf8_lossy(&stderr).into_owned())
}

#[test]
fn a_closed_pipe_ends_a_command_quietly_and_a_full_disk_with_a_message() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("minute.toml"), MINUTE).unwrap();
    for arguments in [&["--help"][..], &["lab", "minute.toml"], &["lab", "minute.toml", "--json"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let (code, error) = run(folder.path(), arguments, writer);
        assert_eq!((code, error.contains("stdout")), (Some(0), false), "{arguments:?}: {error}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (code, error) = run(folder.path(), arguments, full);
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains("simulator: cannot write to stdout: No space left"), "{arguments:?}: {error}");
    }
}

#[test]
fn wrong_input_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let header = "time,cab_id,lat,lon,occupied\n";
    std::fs::write(folder.path().join("ms.csv"), format!("{header}1211500800000,a,37.7,-122.4,1\n")).unwrap();
    std::fs::write(folder.path().join("trips.csv"), "").unwrap();
    for (arguments, expected) in [
        (
            &["extract", "--pings", "ms.csv", "--from", "0", "--minutes", "1", "--out", "out.gz"][..],
            "ms.csv, line 2, column time: \"1211500800000\", must be unix time in whole seconds: this looks like milliseconds",
        ),
        (&["fleet-size", "--trips", "trips.csv", "--roads", "no.roads", "--day", "2008-05-22"], "no.roads: "),
        (
            &["fleet-size", "--trips", "trips.csv", "--roads", "no.roads", "--day", "2008-02-30"],
            "must be a day of the calendar like 2008-05-22",
        ),
    ] {
        let (code, error) = run(folder.path(), arguments, Stdio::null());
        assert_eq!(code, Some(2), "{arguments:?}: {error}");
        assert!(error.contains(expected), "{arguments:?}: {error}");
    }
}
