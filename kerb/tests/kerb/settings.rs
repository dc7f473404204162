//! The layers of the settings, and the errors of invalid ones.

use std::path::PathBuf;

use kerb::Settings;
use kerb::settings::{Entry, Sources};

struct File(tempfile::TempDir);

impl File {
    fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().expect("a folder for tests");
        std::fs::write(dir.path().join("kerb.toml"), text).expect("a file in it");
        Self(dir)
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("kerb.toml")
    }
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
}

#[test]
fn settings_without_layers_are_the_defaults() {
    assert_eq!(Sources::default().load().unwrap().settings, Settings::default());
}

#[test]
fn later_layers_override_earlier_ones() {
    let file = File::new("[node]\nid = \"file\"\ndrain_ms = 1\n[fleet]\nshards = 16\n");
    let sources = Sources {
        file: Some(file.path()),
        variables: variables(&[("KERB__NODE__ID", "7"), ("KERB__FLEET__SHARDS", "32"), ("HOME", "/")]),
        flags: vec![Entry::flag("--set", "fleet.shards", "64")],
    };
    let loaded = sources.load().unwrap();
    assert_eq!(loaded.settings.node.drain_ms, 1, "from the file");
    assert_eq!(loaded.settings.node.id.as_str(), "7", "a number is text where text is wanted");
    assert_eq!(loaded.settings.fleet.shards.get(), 64);
    let shown = loaded.to_string();
    assert!(shown.contains("kerb.toml line 3"), "{shown}");
    assert!(shown.contains("environment variable KERB__NODE__ID"), "{shown}");
    assert!(shown.contains("flag --set"), "{shown}");
}

#[test]
fn printed_settings_can_be_read_again() {
    let markets = "[{name = \"sf\", polygon = [[37.7, -122.5], [37.7, -122.3], [37.8, -122.3]]}]";
    let flags = vec![
        Entry::flag("--set", "node.listen", "127.0.0.1:0"),
        Entry::flag("--set", "matcher.markets", markets),
    ];
    let loaded = Sources { flags, ..Sources::default() }.load().unwrap();
    assert_eq!(loaded.settings.matcher.markets.len(), 1);
    let file = File::new(&loaded.to_string());
    let again = Sources { file: Some(file.path()), ..Sources::default() }.load().unwrap();
    assert_eq!(again.settings, loaded.settings);
}

#[test]
fn seats_of_a_class_come_from_a_file_and_a_flag() {
    let flag = Entry::flag("--set", "fleet.seats", "[{vehicle_class = \"xl\", seats = 7}]");
    let file = File::new("[[fleet.seats]]\nvehicle_class = \"xl\"\nseats = 7\n");
    let loaded = [
        Sources { flags: vec![flag], ..Sources::default() }.load().unwrap(),
        Sources { file: Some(file.path()), ..Sources::default() }.load().unwrap(),
    ];
    for loaded in loaded {
        let catalog = loaded.settings.catalog().unwrap();
        let seats = |name| catalog.seats(catalog.vehicle_class(name).unwrap());
        assert_eq!([seats("standard"), seats("xl")], [4, 7]);
    }
    let file = File::new("[[fleet.seats]]\nvehicle_class = \"rocket\"\nseats = 3\n");
    let problems = Sources { file: Some(file.path()), ..Sources::default() }.load().unwrap_err().to_string();
    assert!(problems.contains("kerb.toml line 2: fleet.seats[0].vehicle_class: \"rocket\""), "{problems}");
}

#[test]
fn a_variable_can_hold_a_list() {
    let loaded = Sources {
        variables: variables(&[("KERB__FLEET__VEHICLE_CLASSES", "car, van")]),
        ..Sources::default()
    };
    assert_eq!(loaded.load().unwrap().settings.fleet.vehicle_classes, ["car", "van"]);
    let loaded = Sources {
        variables: variables(&[("KERB__FLEET__CAPABILITIES", "[\"pets\"]")]),
        ..Sources::default()
    };
    assert_eq!(loaded.load().unwrap().settings.fleet.capabilities, ["pets"]);
}

#[test]
fn every_problem_names_its_layer_and_the_valid_values() {
    let file = File::new(
        "[node]\nlisten = \"here\"\nlisten_on = 3\n[fleet]\nshards = 20000\nvehicle_classes = []\n[flet]\nshards = 3\n",
    );
    let sources = Sources {
        file: Some(file.path()),
        variables: variables(&[("KERB__FLEET__PARTITIONING", "moon"), ("KERB__NODE__ID", "a b")]),
        flags: vec![Entry::flag("--drain-ms", "node.drain_ms", "soon"), Entry::flag("--set", "log", "x")],
    };
    let problems = sources.load().unwrap_err().to_string();
    for wanted in [
        "kerb.toml line 2: node.listen: \"here\" is invalid: invalid socket address syntax",
        "kerb.toml line 3: node.listen_on: no such key; did you mean node.listen?",
        "kerb.toml line 5: fleet.shards: 20000, must be 1 to 16384",
        "kerb.toml line 6: fleet.vehicle_classes: 0 names, must be 1 to 64",
        "kerb.toml line 8: flet.shards: no such key; did you mean fleet.shards?",
        "environment variable KERB__FLEET__PARTITIONING: fleet.partitioning: \"moon\" is invalid: unknown variant `moon`, expected `tile` or `id`",
        "environment variable KERB__NODE__ID: node.id: \"a b\" is invalid",
        "flag --drain-ms: node.drain_ms: \"soon\" is invalid: invalid type: string \"soon\", expected u32; the default is 5000",
        "flag --set: log: is a section, not a value",
    ] {
        assert!(problems.contains(wanted), "{wanted}\nnot in\n{problems}");
    }
    assert_eq!(problems.lines().count(), 9, "{problems}");
}

#[test]
fn an_invalid_or_missing_file_is_named() {
    let file = File::new("[node\nid = 1");
    let problems = Sources { file: Some(file.path()), ..Sources::default() }.load().unwrap_err().to_string();
    assert!(problems.contains("kerb.toml line 1: not TOML"), "{problems}");
    let missing = Sources { file: Some("/nowhere/kerb.toml".into()), ..Sources::default() };
    assert!(missing.load().unwrap_err().to_string().contains("/nowhere/kerb.toml: cannot be read"));
}

#[test]
fn contradicting_values_are_reported_under_keys_that_can_be_set() {
    let flag = |key: &str, text: &str| Entry::flag("--set", key, text);
    let flags = vec![flag("fleet.position_ttl_ms", "10000"), flag("location_ingest.retention_s", "9")];
    let problems = Sources { flags, ..Sources::default() }.load().unwrap_err().to_string();
    for wanted in [
        "flag --set: fleet.position_ttl_ms: 10000, must be at least 15000",
        "flag --set: location_ingest.retention_s: 9, must not be shorter than fleet.position_ttl_ms",
    ] {
        assert!(problems.contains(wanted), "{wanted}\nnot in\n{problems}");
    }
}

#[test]
fn the_operators_guide_lists_every_setting_with_its_default() {
    let guide = include_str!("../../../docs/operations.md");
    let shown = Sources::default().load().unwrap().to_string();
    let mut section = "";
    for line in shown.lines().filter(|line| !line.is_empty()) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let setting = line.trim_start_matches("# ").rsplit_once(" # ").unwrap().0.trim_end();
        let (name, default) = match setting.split_once(" = ") {
            Some((name, default)) => (name, default.trim_matches('"')),
            None => (setting.split(' ').next().unwrap(), "not set"),
        };
        let row = guide.lines().find(|row| row.starts_with(&format!("| `{section}.{name}` |")));
        let row = row.unwrap_or_else(|| panic!("`{section}.{name}` is not in docs/operations.md"));
        let cell = row.split('|').nth(2).unwrap().trim().replace([',', '`'], "");
        let default = default.replace(['[', ']', '"', ','], "");
        assert_eq!(cell, default, "the default of {section}.{name}");
    }
}

#[test]
fn the_error_of_an_old_name_has_the_new_one() {
    let file = File::new("[fleet]\ngone_after_ms = 30000\n");
    let problems = Sources { file: Some(file.path()), ..Sources::default() }.load().unwrap_err();
    let message = problems.to_string();
    assert!(
        message.ends_with(
            "kerb.toml line 2: fleet.gone_after_ms: no such key: it was renamed to fleet.position_ttl_ms"
        ),
        "{message}"
    );
}

#[test]
fn a_wrong_market_names_the_line_the_variable_or_the_flag() {
    let file = File::new(
        "[[matcher.markets]]\nname = \"a\"\npolygon = [[0, 0], [0, 1], [1, 1]]\n\n[[matcher.markets]]\nname = \"b\"\npolygon = [\n  [0, 0],\n  [91, 0],\n]\n",
    );
    let load = |sources: Sources| sources.load().unwrap_err().to_string();
    let problems = load(Sources { file: Some(file.path()), ..Sources::default() });
    assert!(problems.contains("kerb.toml line 9: matcher.markets[1].polygon[1]: latitude: 91"), "{problems}");
    let file = File::new("[matcher]\nmarkets = [\n  { name = \"a b\", polygon = [] },\n]\n");
    let problems = load(Sources { file: Some(file.path()), ..Sources::default() });
    assert!(problems.contains("kerb.toml line 3: matcher.markets[0].name: \"a b\""), "{problems}");

    let line = "[{name = \"a\", polygon = [[0, 0], [0, 1]]}]";
    let flags = vec![Entry::flag("--set", "matcher.markets", line)];
    let problems = load(Sources { file: Some(file.path()), flags, ..Sources::default() });
    assert!(problems.starts_with("flag --set: matcher.markets[0].polygon: "), "{problems}");
    let problems =
        load(Sources { variables: variables(&[("KERB__MATCHER__MARKETS", line)]), ..Sources::default() });
    assert!(
        problems.starts_with("environment variable KERB__MATCHER__MARKETS: matcher.markets[0].polygon: "),
        "{problems}"
    );
}

/// A credit was a whole number in release 0.1.0, and the window had another name.
#[test]
fn a_wait_credit_is_a_real_number_and_an_old_window_is_named() {
    for (text, credit) in [("2", 2.0), ("0.25", 0.25), ("0", 0.0)] {
        let flags = vec![Entry::flag("--set", "matcher.wait_credit", text)];
        let settings = Sources { flags, ..Sources::default() }.load().unwrap();
        assert_eq!(settings.settings.matcher.wait_credit.to_bits(), f64::to_bits(credit), "{text}");
        let file = File::new(&format!("[matcher]\nwait_credit = {text}\n"));
        let settings = Sources { file: Some(file.path()), ..Sources::default() }.load().unwrap();
        assert_eq!(settings.settings.matcher.wait_credit.to_bits(), f64::to_bits(credit), "{text} in a file");
    }
    let wrong = vec![Entry::flag("--set", "matcher.wait_credit", "-1")];
    let problems = Sources { flags: wrong, ..Sources::default() }.load().unwrap_err().to_string();
    assert_eq!(problems, "flag --set: matcher.wait_credit: -1, must be 0 to 1000");
    let old = vec![Entry::flag("--set", "matcher.window_ms", "500")];
    let problems = Sources { flags: old, ..Sources::default() }.load().unwrap_err().to_string();
    assert_eq!(
        problems,
        "flag --set: matcher.window_ms: no such key: it was renamed to matcher.window_max_ms"
    );
}

#[test]
fn a_value_that_contradicts_a_default_is_to_blame() {
    let file = File::new("[matcher]\nwindow_max_ms = 50\n");
    let sources = Sources { file: Some(file.path()), ..Sources::default() };
    let problems = sources.load().unwrap_err().to_string();
    assert!(problems.contains("kerb.toml line 2: matcher.window_max_ms: 50"), "{problems}");
    assert!(!problems.contains("default:"), "{problems}");

    let flags = vec![Entry::flag("--set", "aggregator.stale_after_ms", "90000")];
    let problems = Sources { flags, ..Sources::default() }.load().unwrap_err().to_string();
    assert_eq!(
        problems,
        "flag --set: aggregator.stale_after_ms: 90000 contradicts the default of fleet.position_ttl_ms: \
         60000, must be at least 90000"
    );
}
