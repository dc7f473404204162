//! What the commands do when stdout does not take their output.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Output, Stdio};

use crate::support::process::{kerb, text};

/// Commands that print without a server. `NETWORK` stands for a road network.
const COMMANDS: [&[&str]; 9] = [
    &["--help"],
    &["nearby", "--help"],
    &["--version"],
    &["completions", "bash"],
    &["config", "show"],
    &["config", "check"],
    &["roads", "info", "NETWORK"],
    &["roads", "segments", "NETWORK"],
    &["roads", "segments", "NETWORK", "--geojson"],
];

fn network(dir: &Path) {
    let extract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/midtown_roads.osm.pbf");
    let made = kerb(dir, &["roads", "import", extract.to_str().expect("UTF-8"), "-o", "NETWORK"]).output();
    let made = made.expect("the binary runs");
    assert!(made.status.success(), "{}", text(&made.stderr));
}

fn run_into(dir: &Path, args: &[&str], stdout: impl Into<Stdio>) -> Output {
    kerb(dir, args)
        .stdout(stdout)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(Child::wait_with_output)
        .expect("the binary runs")
}

#[test]
fn a_closed_pipe_ends_a_command_quietly() {
    let dir = tempfile::tempdir().unwrap();
    network(dir.path());
    for args in COMMANDS {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = run_into(dir.path(), args, writer);
        assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()), "{args:?}");
    }
}

#[test]
fn a_full_disk_is_a_failure_with_a_message() {
    let dir = tempfile::tempdir().unwrap();
    network(dir.path());
    for args in COMMANDS {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = run_into(dir.path(), args, full);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {error}");
        assert!(error.starts_with("kerb: cannot write to stdout: No space left"), "{args:?}: {error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }
}
