//! The spellings of numbers that each list accepts.

use kerb_routing::import::import_csv;
use kerb_routing::map_matching::{Day, DriveRules, read_pings, read_trips};
use kerb_routing::speeds::{UtcOffset, read_rows};

/// A column of a list: its name, whether it only accepts whole numbers, and a reader of a list with one value in it.
struct Column {
    name: &'static str,
    is_whole: bool,
    read: fn(&str) -> Result<(), String>,
}

fn speeds(column: &str, text: &str) -> Result<(), String> {
    let row = |name: &str, right: &str| if name == column { text.to_owned() } else { right.to_owned() };
    let names = ["from_lat", "from_lon", "to_lat", "to_lon", "way", "speed_kmh"];
    let values = ["1", "2", "3", "4", "5", "30"];
    let values: Vec<String> = names.iter().zip(values).map(|(name, value)| row(name, value)).collect();
    let table = format!("{}\n{}\n", names.join(","), values.join(","));
    read_rows(table.as_bytes()).map(|_rows| ()).map_err(|error| error.to_string())
}

fn segments(text: &str) -> Result<(), String> {
    let table = format!("segment,direction,speed_kmh\n{text},forward,30\n");
    read_rows(table.as_bytes()).map(|_rows| ()).map_err(|error| error.to_string())
}

fn import(node: &str, lat: &str, length_m: &str) -> Result<(), String> {
    let nodes = format!("node_id,lat,lon\n{node},{lat},1\n8,1.1,1.1\n");
    let edges =
        format!("from_node,to_node,length_m,highway\n{node},8,{length_m},primary\n8,{node},9,primary\n");
    import_csv(nodes.as_bytes(), edges.as_bytes()).map(|_imported| ()).map_err(|error| error.to_string())
}

fn pings(time: &str, lat: &str) -> Result<(), String> {
    let table = format!("time,cab_id,lat,lon,occupied\n{time},a,{lat},1,1\n");
    read_pings(table.as_bytes(), DriveRules::default()).map(|_drives| ()).map_err(|error| error.to_string())
}

fn trips(lat: &str) -> Result<(), String> {
    let times = "2008-05-22T17:00:00-07:00,2008-05-22T17:20:00-07:00";
    let head = "request_time,dropoff_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon";
    let table = format!("{head}\n{times},{lat},1,1,1\n");
    let days: [Day; 2] = ["2008-05-01", "2008-05-31"].map(|day| day.parse().expect("a day"));
    let result = read_trips(table.as_bytes(), UtcOffset::default(), days[0]..=days[1]);
    result.map(|_trips| ()).map_err(|error| error.to_string())
}

const COLUMNS: [Column; 11] = [
    Column { name: "speed_kmh", is_whole: false, read: |text| speeds("speed_kmh", text) },
    Column { name: "from_lat", is_whole: false, read: |text| speeds("from_lat", text) },
    Column { name: "to_lon", is_whole: false, read: |text| speeds("to_lon", text) },
    Column { name: "way", is_whole: true, read: |text| speeds("way", text) },
    Column { name: "segment", is_whole: true, read: segments },
    Column { name: "node_id", is_whole: true, read: |text| import(text, "1", "10") },
    Column { name: "lat", is_whole: false, read: |text| import("7", text, "10") },
    Column { name: "length_m", is_whole: false, read: |text| import("7", "1", text) },
    Column { name: "time", is_whole: true, read: |text| pings(text, "1") },
    Column { name: "lat", is_whole: false, read: |text| pings("1", text) },
    Column { name: "pickup_lat", is_whole: false, read: trips },
];

#[test]
fn times_in_milliseconds_are_rejected() {
    let rejection = pings("1211500800000", "1").unwrap_err();
    assert!(rejection.contains("unix time in whole seconds: this looks like milliseconds"), "{rejection}");
    assert!(pings("-9223372036854775808", "1").is_err(), "the smallest number");
    assert_eq!(pings("1211500800", "1"), Ok(()));
}

#[test]
fn lists_accept_plain_decimal_numbers_only() {
    // A spelling of a number from 1 to 30, and whether a column of whole numbers and one of fractions accept it.
    let spellings = [
        ("5", true, true),
        ("05", true, true),
        (" 5 ", true, true),
        ("5.5", false, true),
        ("5.50", false, true),
        ("5e0", false, true),
        ("50e-1", false, true),
        ("+5", false, false),
        ("0x10", false, false),
        ("0X10", false, false),
        ("0b11", false, false),
        ("1_0", false, false),
        ("1'0", false, false),
        ("1 0", false, false),
        ("5.", false, false),
        (".5e1", false, false),
        ("5e", false, false),
        ("--5", false, false),
        ("5-", false, false),
        ("5%", false, false),
        ("inf", false, false),
        ("NaN", false, false),
        ("five", false, false),
        ("٥", false, false),
    ];
    for Column { name, is_whole, read } in COLUMNS {
        for (text, whole, fraction) in spellings {
            let is_accepted = if is_whole { whole } else { fraction };
            match read(text) {
                Ok(()) => assert!(is_accepted, "{name} accepts {text:?}"),
                Err(error) => {
                    assert!(!is_accepted, "{name} rejects {text:?}: {error}");
                    let names_all = error.contains(name) && error.contains(&format!("{:?}", text.trim()));
                    assert!(names_all, "{name} {text:?}: {error}");
                }
            }
        }
    }
}

#[test]
fn errors_describe_the_right_notation() {
    let errors: Vec<String> = ["0x10", "five", "5.5", "99999999999"]
        .map(|text| segments(text).expect_err("no plain decimal"))
        .to_vec();
    assert_eq!(
        errors,
        [
            "line 2: segment \"0x10\" must be a plain decimal number",
            "line 2: segment \"five\" must be a number",
            "line 2: segment \"5.5\" must be a whole number in range",
            "line 2: segment \"99999999999\" must be a whole number in range",
        ]
    );
    let error = import("7.5", "1", "10").expect_err("a fraction");
    assert_eq!(error, "line 2 of the nodes: node_id \"7.5\" must be a whole number in range");
    let error = import("0x7", "1", "10").expect_err("a hexadecimal number");
    assert_eq!(error, "line 2 of the nodes: node_id \"0x7\" must be a plain decimal number");
}

/// The limits of times in seconds: beyond them a time counts as milliseconds.
#[test]
fn positions_at_the_limits_of_time_are_read() {
    let (first, last) = (-99_999_999_999_i64, 99_999_999_999_i64);
    let table = format!("time,cab_id,lat,lon,occupied\n{first},a,1,1,1\n{last},a,1,1,1\n{first},a,1,1,1\n");
    let (drives, counts) = read_pings(table.as_bytes(), DriveRules::default()).unwrap();
    assert!(drives.is_empty(), "a gap divides the drive");
    assert_eq!((counts.read, counts.out_of_order, counts.used), (3, 1, 0));
}
