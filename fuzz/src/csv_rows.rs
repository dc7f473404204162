//! The CSV tables, plain and gzipped: positions, trips, speeds and road lists. The first byte chooses the table.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use kerb_loadgen::recorded::{pings::Pings, trips};
use kerb_routing::import::import_csv;
use kerb_routing::map_matching::{Day, DriveRules, read_pings, read_trips};
use kerb_routing::speeds::{UtcOffset, read_rows};

const TABLES: u8 = 6;

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
        // A NUL byte ends the table of nodes and begins the table of edges.
        _ => {
            let end = text.iter().position(|byte| *byte == 0).unwrap_or(text.len());
            import_csv(&text[..end], text.get(end + 1..).unwrap_or_default()).is_ok()
        }
    }
}

/// Each table, and one of them gzipped.
pub fn seeds() -> Vec<Vec<u8>> {
    let pings = "time,cab_id,lat,lon,occupied\n1211500800,a,37.75,-122.4,0\n1211500860,a,37.751,-122.401,1\n1211500920,a,37.752,-122.402,1\n";
    let trips = "request_time,pickup_lat,pickup_lon,dropoff_lat,dropoff_lon,passengers,dropoff_time\n1211500800,37.75,-122.4,37.76,-122.41,2,1211501400\n2008-05-22T17:00:00-07:00,37.75,-122.4,37.76,-122.41,,2008-05-22T17:10:00-07:00\n";
    let speeds = "from_lat,from_lon,to_lat,to_lon,way,speed_kmh\n43.73,7.42,43.731,7.421,12,30.5\n43.731,7.421,43.73,7.42,,\n";
    let numbered = "segment,direction,speed_kmh\n1,forward,50\n1,reverse,40\n";
    let roads = "node_id,lat,lon\n1,52.520,13.400\n2,52.520,13.410\n\0from_node,to_node,length_m,highway,maxspeed_kmh,two_way\n1,2,676.5,secondary,50,1\n2,1,676.5,secondary,,1\n";
    let mut seeds: Vec<Vec<u8>> =
        [(0, pings), (1, trips), (2, speeds), (2, numbered), (3, pings), (4, trips), (5, roads)]
            .map(|(table, text)| [&[table], text.as_bytes()].concat())
            .into();
    let mut packed = GzEncoder::new(vec![0], Compression::fast());
    packed.write_all(pings.as_bytes()).expect("memory takes all bytes");
    seeds.push(packed.finish().expect("memory takes all bytes"));
    seeds
}
