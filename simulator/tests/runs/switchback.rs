//! One run of two policies.

use kerb_simulator::cli::run_commands::SwitchbackArgs;
use kerb_simulator::metrics::record::RequestRecord;
use kerb_simulator::stats::Switchback;

use crate::shipped_scenarios::{args, done, read};

/// Many riders and few drivers, so that the assignment policy matters.
const BUSY: &str = r#"
name = "busy"
from = "2026-01-01T00:00:00Z"
duration_s = 720
streets.source = { kind = "straight", speed_kmh = 30.0, detour = 1.3 }
fleet.source = { kind = "placed", drivers = 10 }
[demand.source]
kind = "field"
rate_per_h = 500.0
pickups = []
anywhere = 1.0
area = { south = 0.0, west = 0.0, north = 0.04, east = 0.04 }
"#;

/// Where cabs are few the two policies soon give trips to different ones; until the first change the run is the one of
/// the first policy alone.
#[test]
fn a_switchback_follows_its_schedule_and_is_the_same_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (path, out) = (folder.path().join("busy.toml"), folder.path().join("run.json"));
    std::fs::write(&path, BUSY).unwrap();
    let path = path.to_str().unwrap();
    let alternating = || {
        let mut args = args(path, None, (Some(2), None), Some(out.clone()));
        args.switchback = SwitchbackArgs { switchback: Some(6 * 60_000), burn_in: None };
        let summary = done(&args);
        assert_eq!(summary.policy, "nearest/batch by 6m");
        read(&out)
    };
    let run = alternating();
    assert_eq!(run.run_hash, alternating().run_hash);
    let schedule = run.switchback.clone().unwrap();
    let blocks = schedule.blocks(run.from_ms, run.to_ms, 2);
    let plain = blocks.iter().map(|block| {
        let policy = schedule.names()[block.policy].clone();
        done(&args(path, None, (Some(2), Some(policy)), Some(out.clone())));
        read(&out).requests
    });
    let plain: Vec<_> = plain.collect();
    let until = |requests: &[RequestRecord]| -> Vec<Option<i64>> {
        let accepted = requests.iter().map(|request| request.accepted_ms);
        accepted.map(|at_ms| at_ms.filter(|at_ms| *at_ms < blocks[0].to_ms)).collect()
    };
    assert_eq!(until(&run.requests), until(&plain[0]), "the first block is the first policy's");
    assert_ne!(until(&plain[0]), until(&plain[1]), "the policies are not the same");
    assert!(run.requests != plain[0] && run.requests != plain[1]);
    let found = Switchback::of(&schedule, 10, &[&run]);
    assert_eq!((found.pairs(), found.runs[0].blocks.len()), (1, 2));
}
