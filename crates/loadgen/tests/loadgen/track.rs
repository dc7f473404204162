//! Cabs between their pings.

use kerb_loadgen::recorded::pings::Pings;
use kerb_loadgen::recorded::track::{Track, tracks};

fn read(rows: &[&str]) -> Vec<Track> {
    let text = format!("time,cab_id,lat,lon,occupied\n{}\n", rows.join("\n"));
    tracks(&Pings::read(text.as_bytes(), "f.csv").unwrap(), 600)
}

#[test]
fn a_cab_moves_straight_and_evenly_between_two_pings() {
    let track = &read(&["0,a,10.0,20.0,1", "100,a,10.1,20.0,0"])[0];
    let fix = track.shifts[0].at(25_000);
    assert_eq!((fix.place.lat_e7(), fix.place.lon_e7()), (100_250_000, 200_000_000));
    assert!(fix.occupied);
    assert_eq!(fix.heading_deg, Some(0.0));
    // A tenth of a degree of latitude is 11.12 km.
    assert!((fix.speed_mps - 111.2).abs() < 0.1, "{fix:?}");
    assert!(!track.shifts[0].at(100_000).occupied);
}

#[test]
fn before_the_first_and_after_the_last_ping_it_stands() {
    let shift = &read(&["10,a,1.0,2.0,0", "20,a,1.5,2.5,0"])[0].shifts[0];
    assert_eq!((shift.begins_ms(), shift.ends_ms()), (10_000, 20_000));
    assert_eq!(shift.at(0).place, shift.at(10_000).place);
    let last = shift.at(30_000);
    assert_eq!((last.place.lat_e7(), last.heading_deg, last.speed_mps), (15_000_000, None, 0.0));
}

#[test]
fn the_antimeridian_is_crossed_the_short_way() {
    let shift = &read(&["0,a,0.0,179.9,0", "10,a,0.0,-179.9,0"])[0].shifts[0];
    assert_eq!(shift.at(5_000).place.lon_e7().abs(), 1_800_000_000);
    assert_eq!(shift.at(7_500).place.lon_e7(), -1_799_500_000);
    assert_eq!(shift.at(5_000).heading_deg, Some(90.0));
}

#[test]
fn a_long_silence_ends_a_shift_and_a_second_ping_of_a_second_replaces_the_first() {
    let track = &read(&["0,a,1,1,0", "600,a,1,1,0", "1201,a,2,2,0", "1201,a,3,3,1"])[0];
    assert_eq!(track.shifts.len(), 2);
    assert_eq!((track.shifts[0].ends_ms(), track.shifts[1].begins_ms()), (600_000, 1_201_000));
    let only = track.shifts[1].at(1_201_000);
    assert_eq!((only.place.lat_e7(), only.occupied), (30_000_000, true));
}
