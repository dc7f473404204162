//! The CSV tables, plain and gzipped: positions, trips, speeds and road lists. The first byte chooses the table.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kerb_loadgen::recorded::{pings::Pings, trips};
use kerb_routing::map_matching::{Day, DriveRules, read_pings, read_trips};
use kerb_routing::speeds::{SpeedTable, UtcOffset, read_rows, read_speeds, write_speeds};

use crate::streets::{ROADS, STREETS, Streets, import_roads};

const TABLES: u8 = 7;

/// Reads one table.
pub fn target(data: &[u8]) -> bool {
    let Some((table, text)) = data.split_first() else { return false };
    match table % TABLES {
        0 => Pings::read(text, "pings.csv").is_ok(),
        1 => trips::read(text, "trips.csv").is_ok(),
        2 => read_rows(text).is_ok(),
        3 => read_pings(text, DriveRules::default()).is_ok(),
        4 => {
            let day: Day = "2008-05-22".parse().expect("a day");
            read_trips(text, UtcOffset::new(-420).expect("seven hours"), day..=day).is_ok()
        }
        5 => import_roads(text).is_some(),
        _ => speeds(text),
    }
}

/// Reads speeds of a network, which must stay the same by being written and read.
fn speeds(text: &[u8]) -> bool {
    let Streets { network, directions } = &*STREETS;
    let Ok(table) = read_speeds(text, network, directions) else { return false };
    let written = |table: &SpeedTable| {
        let mut out = Vec::new();
        write_speeds(table, network, &mut out).expect("memory takes all bytes");
        out
    };
    let bytes = written(&table);
    let again = read_speeds(&bytes[..], network, directions).expect("what was written is read");
    assert_eq!(written(&again), bytes);
    true
}

/// Each table, and one of them gzipped.
pub fn seeds() -> Vec<Vec<u8>> {
    let pings = "time,cab_id,lat,lon,occupied\n1211500800,a,37.75,-122.4,0\n1211500860,a,37.751,-122.401,1\n1211500920,a,37.752,-122.402,1\n";
    let trips = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers,dropoff_time\n2008-05-22T17:00:00-07:00,37.75,-122.4,37.76,-122.41,2,2008-05-22T17:20:00-07:00\n2008-05-22T17:00:00-07:00,37.75,-122.4,37.76,-122.41,,2008-05-22T17:10:00-07:00\n";
    let speeds = "from_lat,from_lon,to_lat,to_lon,way,speed_kmh\n43.73,7.42,43.731,7.421,12,30.5\n43.731,7.421,43.73,7.42,,\n";
    let speeds_by_ends = "from_lat,from_lon,to_lat,to_lon,way,speed_kmh\n52.520,13.400,52.520,13.410,,30.5\n52.520,13.410,52.520,13.400,0,\n";
    let numbered = "segment,direction,speed_kmh\n0,forward,50\n0,reverse,40\n";
    let mut seeds: Vec<Vec<u8>> = [
        (0, pings),
        (1, trips),
        (2, speeds),
        (2, numbered),
        (3, pings),
        (4, trips),
        (5, ROADS),
        (6, speeds_by_ends),
        (6, numbered),
    ]
    .map(|(table, text)| [&[table], text.as_bytes()].concat())
    .into();
    let mut packed = GzEncoder::new(vec![0], Compression::fast());
    packed.write_all(pings.as_bytes()).expect("memory takes all bytes");
    seeds.push(packed.finish().expect("memory takes all bytes"));
    seeds
}
