//! Files of trips: what is read, the errors of wrong files, and extracts.

use kerb_loadgen::recorded::extract::{trip_lines, write_trips_gz};
use kerb_loadgen::recorded::trips;

const GOOD: &str = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers,cab_id\n\
    2008-05-22T17:00:05-07:00,37.76000,-122.40000,37.77000,-122.41000,,b\n\
    2008-05-22T17:00:00-07:00,37.75000,-122.41000,37.79000,-122.42000,3,a\n";

fn error(text: &str) -> String {
    trips::read(text.as_bytes(), "f.csv").expect_err("must be refused").to_string()
}

#[test]
fn trips_come_sorted_by_time_and_other_columns_do_not_matter() {
    let trips = trips::read(GOOD.as_bytes(), "f.csv").unwrap();
    assert_eq!(trips.iter().map(|t| t.time_s - 1_211_500_800).collect::<Vec<_>>(), [0, 5]);
    assert_eq!((trips[0].passengers, trips[1].passengers), (Some(3), None));
    assert_eq!((trips[0].pickup.lat_e7(), trips[0].dropoff.lon_e7()), (377_500_000, -1_224_200_000));
}

#[test]
fn wrong_values_are_reported_with_what_would_be_right() {
    let cases = [
        (
            "17:00,37,-122,37,-122,,a",
            "f.csv, line 4, column request_time: \"17:00\", must be a time like 2008-05-22T17:00:00-07:00",
        ),
        (
            "2008-05-22T17:00:05Z,37,-122,91,-122,,a",
            "f.csv, line 4, column dropoff_lat: \"91\", must be degrees from -90 to 90",
        ),
        (
            "2008-05-22T17:00:05Z,37,-122,37,-122,two,a",
            "f.csv, line 4, column passengers: \"two\", must be a whole number, or nothing",
        ),
        (
            "2008-05-22T17:00:05Z,37",
            "f.csv, line 4: 2 fields, must be 7: request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers",
        ),
    ];
    for (row, expected) in cases {
        assert_eq!(error(&format!("{GOOD}{row}\n")), expected);
    }
    let header = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers\n";
    assert_eq!(error(header), "f.csv: no trips");
    assert!(error("when,where\n").contains("must begin with \"request_time,pickup_lat"));
}

#[test]
fn a_part_is_the_same_text_and_the_same_bytes_every_time() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("all.csv");
    std::fs::write(&path, GOOD).unwrap();
    let lines = trip_lines(&path, &(1_211_500_800..1_211_500_805)).unwrap();
    assert_eq!(lines, ["2008-05-22T17:00:00-07:00,37.75000,-122.41000,37.79000,-122.42000,3"]);
    let gz = || {
        let mut bytes = Vec::new();
        write_trips_gz(&lines, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(gz(), gz());
    let part = dir.path().join("part.csv.gz");
    std::fs::write(&part, gz()).unwrap();
    assert_eq!(trips::read_file(&part).unwrap().len(), 1);
}

#[test]
fn the_shipped_slice_is_four_hours_of_trips() {
    let trips = trips::shipped().unwrap();
    assert_eq!(trips.len(), 4_145);
    assert!(trips[0].time_s >= 1_211_500_800 && trips[4_144].time_s < 1_211_515_200);
}
