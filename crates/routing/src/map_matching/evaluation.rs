//! Travel times beside those of trips that were driven.

use super::trips::Trip;
use crate::engine::{PhantomNode, StreetsError};
use crate::roads::Roads;
use crate::speeds::{HourOfWeek, SpeedTable, UtcOffset};

/// How far times are off.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TravelTimeErrors {
    /// Mean of |computed - driven| / driven, per cent.
    pub mean_percent: f64,
    /// Median of the same.
    pub median_percent: f64,
    /// Sum of computed over sum of driven times, less one, per cent: below 0 when computed times are too short.
    pub bias_percent: f64,
    /// Mean of |computed - driven|, seconds.
    pub mean_s: f64,
}

/// Trips compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// Trips that have a way on the streets.
    pub trips: usize,
    /// Trips with an end off the map.
    pub off_map: usize,
    /// Mean of the driven times, seconds.
    pub driven_mean_s: f64,
    /// Of times at free flow.
    pub free_flow: TravelTimeErrors,
    /// Of times by a profile, when one was given.
    pub profile: Option<TravelTimeErrors>,
}

/// Compares trips with times at free flow, and with those of a profile at the hour in which each trip began. Changes the
/// roads' times.
pub fn evaluate(
    roads: &Roads,
    profile: Option<&SpeedTable>,
    trips: &[Trip],
    offset: UtcOffset,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation, StreetsError> {
    let ends = |trip: &Trip| Some([roads.ends(trip.from).ok()?, roads.ends(trip.to).ok()?]);
    let on_map: Vec<(Trip, [Vec<PhantomNode>; 2])> =
        trips.iter().filter_map(|trip| Some((*trip, ends(trip)?))).collect();
    roads.engine().replace(roads.network().time_ms())?;
    let free_flow = computed_s(roads, &on_map, |_| true);
    let mut by_profile = vec![None; on_map.len()];
    for hour in profile.into_iter().flat_map(|_| HourOfWeek::all()) {
        let profile = profile.expect("there are hours only with a profile");
        roads.engine().replace(&profile.times_ms(roads.network(), hour))?;
        let at = |trip: &Trip| HourOfWeek::at(trip.start_s.saturating_mul(1_000), offset) == hour;
        for (time_s, own) in by_profile.iter_mut().zip(computed_s(roads, &on_map, at)) {
            *time_s = time_s.or(own);
        }
        progress(hour.number() + 1);
    }
    let driven: Vec<f64> = on_map.iter().map(|(trip, _)| trip.time_s).collect();
    Ok(Evaluation {
        trips: free_flow.iter().flatten().count(),
        off_map: trips.len() - on_map.len(),
        driven_mean_s: driven.iter().sum::<f64>() / driven.len().max(1) as f64,
        free_flow: TravelTimeErrors::of(&free_flow, &driven),
        profile: profile.map(|_| TravelTimeErrors::of(&by_profile, &driven)),
    })
}

/// The times of the trips that `is_wanted` selects.
fn computed_s(
    roads: &Roads,
    trips: &[(Trip, [Vec<PhantomNode>; 2])],
    is_wanted: impl Fn(&Trip) -> bool,
) -> Vec<Option<f64>> {
    let routes = roads.engine().routes();
    let time_s = |(trip, [from, to]): &(Trip, [Vec<PhantomNode>; 2])| {
        let time_ms = is_wanted(trip).then(|| routes.travel_time_ms(from, to)).flatten()?;
        Some(f64::from(time_ms) / 1e3)
    };
    trips.iter().map(time_s).collect()
}

impl TravelTimeErrors {
    /// Of the trips that have a computed time.
    fn of(computed_s: &[Option<f64>], driven_s: &[f64]) -> Self {
        let pairs: Vec<(f64, f64)> = computed_s
            .iter()
            .zip(driven_s)
            .filter_map(|(computed, driven)| Some(((*computed)?, *driven)))
            .collect();
        if pairs.is_empty() {
            return Self::default();
        }
        let count = pairs.len() as f64;
        let mut shares: Vec<f64> =
            pairs.iter().map(|(computed, driven)| (computed - driven).abs() / driven).collect();
        shares.sort_by(f64::total_cmp);
        let (computed, driven) =
            pairs.iter().fold((0.0, 0.0), |sums, pair| (sums.0 + pair.0, sums.1 + pair.1));
        Self {
            mean_percent: 100.0 * shares.iter().sum::<f64>() / count,
            median_percent: 100.0 * shares[shares.len() / 2],
            bias_percent: 100.0 * (computed / driven - 1.0),
            mean_s: pairs.iter().map(|(computed, driven)| (computed - driven).abs()).sum::<f64>() / count,
        }
    }
}
