//! Compares computed travel times with those of driven trips.

use kerb_types::Timestamp;

use super::trips::DrivenTrip;
use crate::engine::{PhantomNode, StreetsError};
use crate::roads::Roads;
use crate::speeds::{HourOfWeek, SpeedTable, UtcOffset};

/// The errors of computed travel times.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TravelTimeErrors {
    /// The mean of |computed - driven| / driven, in percent.
    pub mean_percent: f64,
    /// The median of |computed - driven| / driven, in percent.
    pub median_percent: f64,
    /// The sum of computed times over the sum of driven times, minus 1, in percent: negative when computed times are
    /// too short.
    pub bias_percent: f64,
    /// The mean of |computed - driven| in seconds.
    pub mean_s: f64,
}

/// The result of a comparison with driven trips.
#[derive(Debug, Clone, PartialEq)]
pub struct Evaluation {
    /// The number of trips with a route on the streets.
    pub trips: usize,
    /// The number of trips with an end off the map.
    pub off_map: usize,
    /// The mean of the driven times in seconds.
    pub driven_mean_s: f64,
    /// The errors of free-flow times.
    pub free_flow: TravelTimeErrors,
    /// The errors of the profile's times, if there is a profile.
    pub profile: Option<TravelTimeErrors>,
}

/// Compares trips with free-flow times, and with a profile's times at the hour when each trip started. Replaces the
/// travel times of `roads`. Calls `progress` after each hour of the profile.
pub fn evaluate(
    roads: &Roads,
    profile: Option<&SpeedTable>,
    trips: &[DrivenTrip],
    offset: UtcOffset,
    progress: &mut dyn FnMut(usize),
) -> Result<Evaluation, StreetsError> {
    let ends =
        |trip: &DrivenTrip| Some([roads.phantom_nodes(trip.from).ok()?, roads.phantom_nodes(trip.to).ok()?]);
    let on_map: Vec<(DrivenTrip, [Vec<PhantomNode>; 2])> =
        trips.iter().filter_map(|trip| Some((*trip, ends(trip)?))).collect();
    roads.engine().replace(roads.network().time_ms())?;
    let free_flow = computed_s(roads, &on_map, |_| true);
    let mut by_profile = vec![None; on_map.len()];
    for hour in profile.into_iter().flat_map(|_| HourOfWeek::all()) {
        let profile = profile.expect("there are hours only with a profile");
        roads.engine().replace(&profile.times_ms(roads.network(), hour))?;
        let at = |trip: &DrivenTrip| {
            HourOfWeek::at(Timestamp::from_millis(trip.start_s.saturating_mul(1_000)), offset) == hour
        };
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

/// The computed times of the trips that `is_selected` accepts; `None` for the others and for trips without a route.
fn computed_s(
    roads: &Roads,
    trips: &[(DrivenTrip, [Vec<PhantomNode>; 2])],
    is_selected: impl Fn(&DrivenTrip) -> bool,
) -> Vec<Option<f64>> {
    let router = roads.engine().router();
    let time_s = |(trip, [from, to]): &(DrivenTrip, [Vec<PhantomNode>; 2])| {
        let time_ms = is_selected(trip).then(|| router.travel_time_ms(from, to)).flatten()?;
        Some(f64::from(time_ms) / 1e3)
    };
    trips.iter().map(time_s).collect()
}

impl TravelTimeErrors {
    /// Computes the errors of the trips that have a computed time.
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
