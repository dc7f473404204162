//! Where drivers begin: where and when each real cab was first free.

use std::collections::HashSet;
use std::ops::Range;

use kerb_spatial::LatLng;

use crate::pings::Pings;

/// A driver's first minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// The cab, as the file names it.
    pub cab: String,
    /// When, milliseconds of the city's time.
    pub at_ms: i64,
    /// Where.
    pub place: LatLng,
}

/// The first ping without a passenger of each cab within these unix seconds, by time, at most `most`. From there on
/// the city's riders decide where it goes, not the file. A cab that is never free does not take part.
pub fn starts(pings: &Pings, within_s: Range<i64>, most: usize) -> Vec<Start> {
    let mut seen = HashSet::new();
    let free = pings.pings.iter().filter(|ping| within_s.contains(&ping.time_s) && !ping.occupied);
    let first = free.filter(|ping| seen.insert(ping.cab));
    let start = first.map(|ping| Start {
        cab: pings.cabs[ping.cab as usize].clone(),
        at_ms: ping.time_s * 1_000,
        place: ping.place,
    });
    start.take(most).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cab_begins_where_it_is_first_free() {
        let text = "time,cab_id,lat,lon,occupied\n\
            90,late,37.1,-122,0\n100,a,37.2,-122,1\n110,b,37.3,-122,0\n120,a,37.4,-122,0\n130,a,37.5,-122,0\n\
            140,busy,37.6,-122,1\n";
        let pings = Pings::read(text.as_bytes(), "made up").unwrap();
        let starts = |most| {
            let starts = starts(&pings, 100..200, most).into_iter();
            starts.map(|s| (s.cab, s.at_ms, s.place.lat_deg())).collect::<Vec<_>>()
        };
        assert_eq!(starts(9), [("b".to_owned(), 110_000, 37.3), ("a".to_owned(), 120_000, 37.4)]);
        assert_eq!(starts(1).len(), 1);
    }
}
