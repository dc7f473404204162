//! Travel times of the streets for the matcher: a table of legs, and the straight line where there are no streets.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerb_fleet::{Leg, Table, TableQuestion, TravelSource, TravelTimes};
use kerb_spatial::LatLng;

use crate::engine::{End, Travel, UNREACHABLE_MS};
use crate::roads::Roads;

/// Times on streets; a leg that begins or ends off the map, or has no way, is the fallback's.
pub struct RoadTimes {
    roads: Arc<Roads>,
    fallback: Arc<dyn TravelTimes>,
}

impl RoadTimes {
    /// On these roads.
    pub fn new(roads: Arc<Roads>, fallback: Arc<dyn TravelTimes>) -> Self {
        Self { roads, fallback }
    }

    /// Each position on the streets; nothing for one that is off the map.
    fn ends(&self, positions: &[LatLng]) -> Vec<Vec<End>> {
        positions.iter().map(|at| self.roads.ends(*at).unwrap_or_default()).collect()
    }

    /// Fills in the legs that the streets know, one destination at a time, all under the same times. Answers the others.
    fn fill(&self, question: &TableQuestion, seconds: &mut [u32]) -> Vec<usize> {
        let (origins, destinations) = (self.ends(&question.origins), self.ends(&question.destinations));
        let routes = self.roads.engine().routes();
        let mut unknown = Vec::new();
        for (destination, legs) in by_destination(&question.legs) {
            let from: Vec<&[End]> =
                legs.iter().map(|leg| &origins[question.legs[*leg].origin as usize][..]).collect();
            let times_ms = routes.one_to_many(Travel::ToPlace, &destinations[destination as usize], &from);
            for (leg, time_ms) in legs.into_iter().zip(times_ms) {
                if time_ms < UNREACHABLE_MS {
                    seconds[leg] = time_ms.div_ceil(1_000);
                } else {
                    unknown.push(leg);
                }
            }
        }
        unknown
    }
}

impl TravelTimes for RoadTimes {
    fn table(&self, question: &TableQuestion) -> Table {
        let mut seconds = vec![0; question.legs.len()];
        let unknown = self.fill(question, &mut seconds);
        if unknown.is_empty() {
            return Table { seconds, source: TravelSource::Roads };
        }
        let legs = unknown.iter().map(|leg| question.legs[*leg]).collect();
        let rest = self.fallback.table(&TableQuestion { legs, ..question.clone() });
        for (leg, time_s) in unknown.iter().zip(&rest.seconds) {
            seconds[*leg] = *time_s;
        }
        let all = unknown.len() == question.legs.len();
        Table { seconds, source: if all { rest.source } else { TravelSource::Mixed } }
    }
}

fn by_destination(legs: &[Leg]) -> BTreeMap<u32, Vec<usize>> {
    let mut by_destination = BTreeMap::<u32, Vec<usize>>::new();
    for (i, leg) in legs.iter().enumerate() {
        by_destination.entry(leg.destination).or_default().push(i);
    }
    by_destination
}
