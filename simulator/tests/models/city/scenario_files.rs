//! Scenario files: the shipped ones are valid, and wrong ones get an error with the legal values.

use kerb_simulator::city::{City, CityInputs};
use kerb_simulator::scenario::{DemandSource, Scenario, shipped_scenarios};

#[test]
fn shipped_scenarios_are_right_and_those_with_data_load() {
    for shipped in shipped_scenarios() {
        let scenario =
            Scenario::shipped(shipped.name).unwrap_or_else(|error| panic!("{}: {error}", shipped.name));
        assert_eq!(scenario.name, shipped.name);
        assert_eq!(Scenario::from_toml(&scenario.to_toml()).unwrap(), scenario);
        let inputs = CityInputs::load(&scenario, None);
        assert_eq!(inputs.is_err(), shipped.needs_data, "{}: {:?}", shipped.name, inputs.err());
        if let Ok(inputs) = inputs {
            let city = City::new(&inputs, 1);
            assert!(city.requests() > 100 && city.drivers().len() > 50, "{}", shipped.name);
        }
    }
}

/// The shortest valid scenario.
const LEAST: &str = r#"
name = "least"
from = "2026-01-01T00:00:00Z"
duration_s = 60
streets.source = { kind = "straight", speed_kmh = 20.0, detour = 1.3 }
fleet.source = { kind = "placed", drivers = 1 }
[demand.source]
kind = "field"
rate_per_h = 60.0
pickups = []
anywhere = 1.0
area = { south = 0.0, west = 0.0, north = 0.1, east = 0.1 }
"#;

#[test]
fn wrong_values_are_named_with_what_would_be_right() {
    assert!(Scenario::from_toml(LEAST).is_ok());
    // The text to replace, or empty to append; the new text; and a part of the error.
    let cases = [
        ("name = \"least\"", "name = \"Least!\"", "name: \"Least!\", must be 1 to 64 small letters"),
        ("2026-01-01T00:00:00Z", "noon", "from: \"noon\", must be a time like 2008-05-22T17:00:00-07:00"),
        ("duration_s = 60", "duration_s = 0", "duration_s: 0, must be 1 to 604800"),
        ("detour = 1.3", "detour = 0.5", "streets.source.detour: 0.5, must be 1 to 10"),
        ("kind = \"straight\"", "kind = \"curved\"", "unknown variant `curved`"),
        ("drivers = 1", "drivers = 0", "fleet.source.drivers: 0, must be 1 to 1000000"),
        ("drivers = 1", "drivers = 1, drovers = 2", "unknown field `drovers`"),
        (
            "drivers = 1",
            "drivers = 1, shift_h = [8.0, 6.0]",
            "fleet.source.shift_h: [8, 6], must be the shorter one first",
        ),
        ("rate_per_h = 60.0", "rate_per_h = -1.0", "demand.source.rate_per_h: -1, must be 0.001 to 10000000"),
        (
            "rate_per_h = 60.0",
            "rate_per_h = 60.0\nby_hour = [1.0]",
            "demand.source.by_hour: 1 factors, must be 24 or none",
        ),
        ("north = 0.1", "north = -0.1", "demand.source.area: 0 to -0.1, 0 to 0.1, must be south below north"),
        (
            "pickups = []",
            "pickups = [{ lat = 91.0, lon = 0.0, spread_m = 1.0 }]",
            "demand.source.pickups[0]: 91, 0, must be latitude -90 to 90",
        ),
        (
            "",
            "[riders]\nwhim = 0.1",
            "riders.whim: no such setting: it was renamed to riders.random_cancel_rate",
        ),
        (
            "",
            "[drivers]\nlapse = 0.1",
            "drivers.lapse: no such setting: it was renamed to drivers.offer_timeout_rate",
        ),
        ("", "[riders]\nrandom_cancel_rate = 1.5", "riders.random_cancel_rate: 1.5, must be 0 to 1"),
        (
            "",
            "[riders]\nstars_s = [4.0, 3.0, 2.0, 1.0]",
            "riders.stars_s: [4.0, 3.0, 2.0, 1.0], must be four rising numbers from 0",
        ),
        ("", "[drivers]\nthink_ms = [9, 1]", "drivers.think_ms: [9, 1], must be the shorter one first"),
        (
            "",
            "[drivers]\nbreaks = { every_min = [0.0, 1.0], for_min = [1.0, 2.0] }",
            "drivers.breaks.every_min: 0, must be 1 to 1440",
        ),
        ("", "[drivers]\nreposition = 1.1", "drivers.reposition: 1.1, must be 0 to 1"),
        ("", "[drivers]\nreposition_after_s = 0.0", "drivers.reposition_after_s: 0, must be 1 to 86400"),
        (
            "",
            "[drivers]\nreposition_to = \"home\"",
            "unknown variant `home`, expected `hot_spots` or `shortage`",
        ),
        ("", "[faults]\ndrop_reports = 2.0", "faults.drop_reports: 2, must be 0 to 1"),
        (
            "",
            "[faults]\ntunnels = [{ center = { lat = 0.0, lon = 0.0 }, radius_m = 0.0 }]",
            "faults.tunnels[0].radius_m: 0, must be above 0",
        ),
        (
            "",
            "[[faults.tunnels]]\npolygon = [{ lat = 0.0, lon = 0.0 }]",
            "faults.tunnels[0].polygon: 1 corners, must be a polygon: ",
        ),
        ("", "[matcher]\nwindow_max_ms = 0", "matcher.window"),
        ("", "[matcher]\nwindows = 1", "unknown field `windows`"),
        (
            "",
            "[[classes]]\nname = \"tank\"",
            "classes[0].name: \"tank\", must be a class that the service knows: standard",
        ),
        ("", "[[classes]]\nname = \"xl\"\nseats = 0", "classes[0].seats: 0, must be 1 to 16"),
        (
            "",
            "[[classes]]\nname = \"xl\"\nfleet = 0.0",
            "classes: 1 classes, must be at least one with a share of the fleet",
        ),
        ("", "[weather]\nrain = true", "unknown field `weather`"),
    ];
    for (right, wrong, expected) in cases {
        let text = if right.is_empty() { format!("{LEAST}\n{wrong}") } else { LEAST.replace(right, wrong) };
        let error = Scenario::from_toml(&text).expect_err(wrong).to_string();
        assert!(error.contains(expected), "{wrong}: {error:?} should say {expected:?}");
    }
}

#[test]
fn what_is_not_there_is_named() {
    let unknown = Scenario::shipped("atlantis").unwrap_err().to_string();
    assert!(
        unknown.starts_with("\"atlantis\" does not ship with the simulator, must be one of: sf-evening"),
        "{unknown}"
    );
    let without_data = CityInputs::load(&Scenario::shipped("sf-day").unwrap(), None).unwrap_err().to_string();
    assert!(without_data.starts_with("sf/roads_nodes.csv.gz: "), "{without_data}");
    let mut late = Scenario::shipped("sf-evening").unwrap();
    late.from = "2009-05-22T17:00:00-07:00".to_owned();
    let error = CityInputs::load(&late, None).unwrap_err().to_string();
    let expected =
        "demand.source.file: no riders from 2009-05-22T17:00:00-07:00 for 7200 s, must be at least one";
    assert_eq!(error, expected);
}

#[test]
fn paths_begin_at_the_scenario_or_at_the_data_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (own_folder, data_folder) = (folder.path().join("a"), folder.path().join("b"));
    let text = LEAST.replace(
        "{ kind = \"straight\", speed_kmh = 20.0, detour = 1.3 }",
        "{ kind = \"csv\", nodes = \"n.csv\", edges = \"e.csv\" }",
    );
    for (place, meters) in [(&own_folder, 100), (&data_folder, 200)] {
        std::fs::create_dir(place).unwrap();
        std::fs::write(place.join("n.csv"), "node_id,lat,lon\n1,0.0,0.0\n2,0.0,0.01\n").unwrap();
        let edges = format!("from_node,to_node,length_m,highway\n1,2,{meters},road\n2,1,{meters},road\n");
        std::fs::write(place.join("e.csv"), edges).unwrap();
    }
    std::fs::write(own_folder.join("s.toml"), &text).unwrap();
    let scenario = Scenario::read(&own_folder.join("s.toml")).unwrap();
    let length_m = |data| {
        let roads =
            std::sync::Arc::clone(CityInputs::load(&scenario, data).unwrap().street_map.roads().unwrap());
        roads.network().summary().length_m.round() as i64
    };
    assert_eq!((length_m(None), length_m(Some(data_folder.as_path()))), (100, 200));
}

#[test]
fn the_documented_scenario_is_one() {
    let text = include_str!("../../../../docs/scenarios.md");
    let example = text.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let scenario = Scenario::from_toml(example).unwrap();
    assert_eq!(scenario.faults.tunnels.len(), 2);
    let city = City::new(&CityInputs::load(&scenario, None).unwrap(), scenario.seed);
    assert!(city.requests() > 100 && (100..=140).contains(&city.drivers().len()));
    // The text must contain every field.
    let all = scenario.to_toml();
    let fields = all.lines().filter_map(|line| Some(line.split_once(" = ")?.0));
    for field in fields {
        assert!(example.contains(field), "{field} is not documented");
    }
    for shipped in shipped_scenarios() {
        assert!(text.contains(&format!("`{}`", shipped.name)), "{} is not documented", shipped.name);
    }
}

#[test]
fn counts_between_zones_become_as_many_riders() {
    let folder = tempfile::tempdir().unwrap();
    let files = [
        ("n.csv", "node_id,lat,lon\n1,0.01,0.01\n2,0.02,0.02\n3,0.03,0.03\n4,0.04,0.04\n"),
        ("z.csv", "node_id,taxi_zone\n1,7\n2,7\n3,8\n4,\n"),
        (
            "c.csv",
            "weekday,slot_15min,pickup_zone,dropoff_zone,trips_in_2018_business_days\n\
            2,32,7,8,5000\n2,33,7,8,100\n2,40,7,8,9000\n3,32,7,8,9000\n2,32,7,9,9000\n",
        ),
    ];
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let mut scenario = Scenario::from_toml(LEAST).unwrap();
    // Half an hour from 8 o'clock: slots 32 and 33, (5,000 + 100) / 50 riders on average.
    (scenario.from, scenario.duration_s) = ("2026-01-01T08:00:00+03:00".to_owned(), 1_800);
    let [counts, zones, nodes] = ["c.csv", "z.csv", "n.csv"].map(str::to_owned);
    scenario.demand.source = DemandSource::Zones { counts, zones, nodes, weekday: 2, days: 50.0 };
    let inputs = CityInputs::load(&scenario, Some(folder.path())).unwrap();
    let riders = |seed| City::new(&inputs, seed).requests();
    let mean = (0..40).map(riders).sum::<usize>() as f64 / 40.0;
    // Six standard deviations of the mean of 40 Poisson numbers of mean 102.
    assert!((mean - 102.0).abs() < 6.0 * (102.0_f64 / 40.0).sqrt(), "{mean}");
}
