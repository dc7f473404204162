//! Valid and invalid speed files.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use kerb_routing::Network;
use kerb_routing::speeds::{
    DirectionIndex, DirectionName, HourOfWeek, Speed, SpeedTable, list_directions, read_rows, read_speeds,
    write_segments, write_speeds,
};

use crate::town::town;

fn read(network: &Network, text: &[u8]) -> Result<SpeedTable, String> {
    read_speeds(text, network, &DirectionIndex::new(network)).map_err(|error| error.to_string())
}

fn packed(text: &[u8]) -> Vec<u8> {
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    packer.write_all(text).unwrap();
    packer.finish().unwrap()
}

#[test]
fn segment_list_with_speeds_is_a_speed_file() {
    let network = town(4);
    let mut list = Vec::new();
    write_segments(&network, &mut list).unwrap();
    let list = String::from_utf8(list).unwrap().replace("free_flow_kmh", "speed_kmh");
    let by_ends = read(&network, list.as_bytes()).unwrap();
    let by_number = read(&network, list.replace("from_lat", "x").as_bytes()).unwrap();
    assert_eq!(by_ends, by_number);
    let monday = HourOfWeek::new(0).unwrap();
    assert_eq!(by_ends.known_at(monday), 2 * network.segments());
    assert!(list_directions(&network).all(|row| by_ends.at(row.arc, monday) == Some(row.free_flow)));
}

#[test]
fn profile_round_trip_plain_and_gzipped() {
    let network = town(3);
    let mut table = SpeedTable::new(&network);
    for row in list_directions(&network) {
        for hour in HourOfWeek::all() {
            let kmh = 20.0 + f64::from(row.arc.number()) + hour.number() as f64 / 10.0;
            table.set_at(row.arc, hour, Speed::new(kmh).unwrap());
        }
    }
    let mut text = Vec::new();
    write_speeds(&table, &network, &mut text).unwrap();
    assert_eq!(read(&network, &text).unwrap(), table);
    let packed = packed(&text);
    assert_eq!(read(&network, &packed).unwrap(), table);
    let error = read(&network, &packed[..packed.len() / 2]).unwrap_err();
    assert!(error.starts_with("line ") && error.contains("cannot be read"), "{error}");
    let error = read(&network, &text[..text.len() - 2]).unwrap_err();
    assert!(error.contains("the last line has no end: it was cut"), "{error}");
    let error = read(&network, &text[..text.len() - 20]).unwrap_err();
    assert!(error.starts_with("line ") && error.contains("fields") || error.contains("was cut"), "{error}");
}

#[test]
fn rows_are_read_without_a_network() {
    let network = town(3);
    let segments = DirectionIndex::new(&network);
    let text = "segment,direction,speed_kmh\n2,reverse,30.5\n3,forward,\n4,forward,40\n";
    let rows = read_rows(text.as_bytes()).unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.line, row.direction, row.speed.kmh())).collect();
    let number = |segment, reverse| DirectionName::Number { segment, reverse };
    assert_eq!(seen, [(2, number(2, true), 30.5), (4, number(4, false), 40.0)], "no speed, no row");
    for row in list_directions(&network) {
        let [from, to] = row.ends;
        let ends = DirectionName::Ends { from, to, way: None };
        assert_eq!(segments.find(&ends), Ok(vec![row.arc]));
        assert_eq!(segments.find(&number(row.arc.segment.0, row.arc.reverse)), Ok(vec![row.arc]));
    }
    let error = read_rows(&b"segment,direction,kmh_0\n"[..]).unwrap_err();
    assert_eq!(error.to_string(), "line 1: there is no column \"speed_kmh\"");
}

#[test]
fn errors_name_line_field_and_value() {
    let network = town(3);
    let head = "segment,direction,speed_kmh\n0,forward,30\n";
    let with = |row: &str| read(&network, format!("{head}{row}\n").as_bytes()).unwrap_err();
    for (row, words) in [
        ("1,forward,-5", "line 3: speed_kmh \"-5\" must be 1 to 300 km/h"),
        ("1,forward,NaN", "line 3: speed_kmh \"NaN\" must be 1 to 300 km/h"),
        ("1,forward,301", "line 3: speed_kmh \"301\" must be 1 to 300 km/h"),
        ("1,forward,fast", "line 3: speed_kmh \"fast\" must be a number"),
        ("99,forward,30", "line 3: segment 99 is unknown, the network has 12"),
        ("1,left,30", "line 3: direction \"left\" must be forward or reverse"),
        ("1,forward", "line 3: 2 fields, there are 3 columns"),
    ] {
        assert_eq!(with(row), words);
    }
    let refused = |text: &str| read(&network, text.as_bytes()).unwrap_err();
    assert_eq!(refused("segment,direction,kmh\n"), "line 1: there is no column \"speed_kmh\"");
    assert_eq!(refused("way,speed_kmh\n"), "line 1: there is no column \"from_lat\"");
    let error = refused("from_lat,from_lon,to_lat,to_lon,speed_kmh\n0,0,1,1,30\n");
    assert!(error.starts_with("line 2: no segment leads from "), "{error}");
    let error = refused("from_lat,from_lon,to_lat,to_lon,speed_kmh\n95,0,1,1,30\n");
    assert!(error.starts_with("line 2: ") && error.contains("95"), "{error}");
}
