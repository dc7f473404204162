//! Files of pings: what is read, and the errors of wrong files.

use kerb_loadgen::recorded::extract::{write_csv, write_gz};
use kerb_loadgen::recorded::pings::Pings;
use kerb_routing::csv_rows::CsvError;

const GOOD: &str = "time,cab_id,lat,lon,occupied\n\
    1211500805,b,37.76000,-122.40000,0\n\
    1211500800,a,37.75000,-122.41000,1\n\
    1211500860,a,37.75100,-122.41100,0\n";

fn error(text: &str) -> String {
    Pings::read(text.as_bytes(), "f.csv").expect_err("must be refused").to_string()
}

fn with_row(row: &str) -> String {
    format!("{GOOD}{row}\n")
}

#[test]
fn pings_come_sorted_by_time() {
    let pings = Pings::read(GOOD.as_bytes(), "f.csv").unwrap();
    let times: Vec<_> = pings.pings.iter().map(|p| p.time_s - 1_211_500_800).collect();
    assert_eq!(times, [0, 5, 60]);
    assert_eq!(pings.cabs[pings.pings[0].cab as usize], "a");
    assert_eq!((pings.begins_s(), pings.ends_s()), (1_211_500_800, 1_211_500_860));
    assert!(pings.pings[0].occupied);
}

#[test]
fn a_wrong_value_is_reported_with_file_line_column_and_what_would_be_right() {
    let cases = [
        ("x,a,37,-122,0", "f.csv, line 5, column time: \"x\", must be unix time in whole seconds"),
        (
            "-9223372036854775808,a,37,-122,0",
            "f.csv, line 5, column time: \"-9223372036854775808\", must be unix time in whole seconds: this looks like \
             milliseconds",
        ),
        ("1,,37,-122,0", "f.csv, line 5, column cab_id: \"\", must be an id of 1 to 60 bytes"),
        ("1,a,90.5,-122,0", "f.csv, line 5, column lat: \"90.5\", must be degrees from -90 to 90"),
        ("1,a,nan,-122,0", "f.csv, line 5, column lat: \"nan\", must be degrees from -90 to 90"),
        ("1,a,37,-inf,0", "f.csv, line 5, column lon: \"-inf\", must be degrees from -180 to 180"),
        ("1,a,37,-122,2", "f.csv, line 5, column occupied: \"2\", must be 0 or 1"),
        ("1,a,37,-122", "f.csv, line 5: 4 fields, must be 5: time,cab_id,lat,lon,occupied"),
    ];
    for (row, expected) in cases {
        assert_eq!(error(&with_row(row)), expected);
    }
}

#[test]
fn a_wrong_header_an_empty_file_and_a_missing_file_are_reported() {
    assert_eq!(
        error("cab,when\n"),
        "f.csv, line 1: the columns are \"cab,when\", must be \"time,cab_id,lat,lon,occupied\""
    );
    assert_eq!(error("time,cab_id,lat,lon,occupied\n"), "f.csv: no pings");
    let missing = Pings::read_file("no/such/file.csv".as_ref()).unwrap_err();
    assert!(matches!(missing, CsvError::File { .. }) && missing.to_string().contains("no/such/file.csv"));
}

#[test]
fn a_part_has_only_its_pings_and_cabs_and_is_written_the_same_every_time() {
    let pings = Pings::read(GOOD.as_bytes(), "f.csv").unwrap();
    let part = pings.cut(1_211_500_800, 1_211_500_805);
    assert_eq!((part.cabs.as_slice(), part.pings.len()), ([String::from("a")].as_slice(), 1));

    let mut text = Vec::new();
    write_csv(&pings, &mut text).unwrap();
    let again = Pings::read(text.as_slice(), "again").unwrap();
    assert_eq!((again.cabs.as_slice(), again.pings.len()), (["a", "b"].map(String::from).as_slice(), 3));

    let gz = || {
        let mut bytes = Vec::new();
        write_gz(&pings, &mut bytes).unwrap();
        bytes
    };
    assert_eq!(gz(), gz());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("part.csv.gz");
    std::fs::write(&path, gz()).unwrap();
    assert_eq!(Pings::read_file(&path).unwrap(), again);
}

#[test]
fn the_shipped_slice_is_half_an_hour_of_hundreds_of_cabs() {
    let pings = Pings::shipped().unwrap();
    assert_eq!((pings.cabs.len(), pings.pings.len()), (416, 10_982));
    assert!(pings.begins_s() >= 1_211_500_800 && pings.ends_s() < 1_211_502_600);
}
