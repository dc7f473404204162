//! A run that a signal stops prints its report.

use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Nobody waits for its end.
const WEEK: &str = r#"
name = "week"
from = "2026-01-01T00:00:00Z"
duration_s = 604_800
streets.source = { kind = "straight", speed_kmh = 20.0, detour = 1.3 }
fleet.source = { kind = "placed", drivers = 100 }
[demand.source]
kind = "field"
rate_per_h = 200.0
pickups = []
anywhere = 1.0
area = { south = 0.0, west = 0.0, north = 0.1, east = 0.1 }
"#;

fn week(folder: &Path) -> String {
    let path = folder.join("week.toml");
    std::fs::write(&path, WEEK).unwrap();
    path.to_str().unwrap().to_owned()
}

fn simulator(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_simulator"));
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().unwrap()
}

/// Waits until the process catches SIGTERM. Before that, the signal would kill it.
fn hears_of_sigterm(child: &mut Child) -> bool {
    assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
    u64::from_str_radix(caught, 16).unwrap() & (1 << (15 - 1)) != 0
}

#[cfg(target_os = "linux")]
#[test]
fn sigterm_ends_a_run_with_the_report_so_far() {
    let folder = tempfile::tempdir().unwrap();
    let (week, out) = (week(folder.path()), folder.path().join("run.json"));
    let out = out.to_str().unwrap();
    for (arguments, code, actions) in [
        (vec!["lab", &week, "--json", "--out", out], 0, "\"stopped\":true"),
        (vec!["compare", &week, "--seeds", "1"], 2, "no run was made: stopped before the first one ended"),
    ] {
        let mut child = simulator(&arguments);
        while !hears_of_sigterm(&mut child) {
            std::thread::yield_now();
        }
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let text = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        assert_eq!(ended.status.code(), Some(code), "{text}");
        assert!(text.contains(actions), "{text}");
    }
    assert!(std::fs::metadata(out).unwrap().len() > 0, "the run so far is kept");
}
