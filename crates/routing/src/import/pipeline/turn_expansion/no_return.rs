//! Where U-turns must be ruled out by copies of junctions.
//!
//! On a fastest route a car only turns round to get past a turn restriction: it drives on, comes back along the same
//! streets, and now arrives from the other side. Everywhere else a route that visits a junction twice is not a fastest
//! one, so U-turns need no copies there. Without this bound every junction would have as many copies as streets, and
//! queries would take twice as long.
//!
//! Driving on and coming back takes twice the time to the U-turn. It cannot pay when that is longer than the way round
//! without a U-turn, so a search around each restriction bounds the streets where U-turns must be ruled out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Splitter;
use crate::import::pipeline::turns;
use crate::import::streets::{Map, time_ms};
use crate::network::HourSet;

/// The streets around a restriction where U-turns are ruled out: within this share of the time of the way round. Half
/// is exact at free flow; more leaves room for slower traffic on the way round.
const RADIUS_SHARE: f64 = 0.75;
/// The most directions that a search around a restriction visits.
const VISITED_MAX: usize = 500;

impl Splitter<'_> {
    /// The directions after which a car may not drive back.
    pub(super) fn no_return(&self) -> Vec<bool> {
        let mut no_return = vec![false; self.pieces.pieces.len() * 2];
        for driven in self.bans.after.keys() {
            // Bans follow at least one direction.
            let last = driven[driven.len() - 1];
            let ban = &self.bans.after[driven];
            let out = &self.out[turns::end(&self.pieces.pieces, last) as usize];
            let closed: Vec<u32> =
                out.iter().copied().filter(|next| !ban.closed_hours(*next).is_empty()).collect();
            no_return[last as usize] = true;
            for direction in self.around(last, closed) {
                no_return[direction as usize] = true;
            }
        }
        no_return
    }

    /// The directions near the end of `last` from which a car could come back and then take one of `closed`.
    fn around(&self, last: u32, mut closed: Vec<u32>) -> Vec<u32> {
        let junction = turns::end(&self.pieces.pieces, last);
        let mut times: Map<u32, u64> = Map::default();
        let mut visited: Vec<(u32, u64)> = Vec::new();
        let mut queue = BinaryHeap::new();
        let first = closed.clone();
        self.push_next(last, 0, &first, &mut queue);
        let mut around_ms = u64::MAX;
        while let Some((Reverse(time_ms), direction)) = queue.pop() {
            if visited.len() >= VISITED_MAX || closed.is_empty() {
                break;
            }
            if times.insert(direction, time_ms).is_some_and(|known| known <= time_ms) {
                continue;
            }
            visited.push((direction, time_ms));
            if turns::end(&self.pieces.pieces, direction) == junction {
                // The way round to each closed direction that may follow here.
                let before = closed.len();
                closed.retain(|next| !self.may_follow(direction, *next, &[]));
                if closed.len() < before && closed.is_empty() {
                    around_ms = time_ms;
                }
            }
            self.push_next(direction, time_ms, &[], &mut queue);
        }
        let radius_ms = around_ms as f64 * RADIUS_SHARE;
        let near = visited.into_iter().filter(|(_, time_ms)| *time_ms as f64 <= radius_ms);
        near.map(|(direction, _)| direction).collect()
    }

    /// Queues the directions that may follow, each with the time at its end.
    fn push_next(
        &self,
        direction: u32,
        time_ms: u64,
        closed: &[u32],
        queue: &mut BinaryHeap<(Reverse<u64>, u32)>,
    ) {
        for next in &self.out[turns::end(&self.pieces.pieces, direction) as usize] {
            if self.may_follow(direction, *next, closed) {
                queue.push((Reverse(time_ms + self.time_ms(*next)), *next));
            }
        }
    }

    /// Whether a direction may follow another one, without a U-turn where the street goes on.
    fn may_follow(&self, direction: u32, next: u32, closed: &[u32]) -> bool {
        let is_allowed = |next: u32| {
            let is_restricted = self.is_restricted[next as usize] && !self.is_restricted[direction as usize];
            let ban = self.bans.after.get(&[direction][..]);
            let hours = ban.map_or(HourSet::EMPTY, |ban| ban.closed_hours(next));
            !is_restricted && hours.is_empty() && !closed.contains(&next)
        };
        let junction = turns::end(&self.pieces.pieces, direction);
        let is_end =
            || !self.out[junction as usize].iter().any(|next| *next != direction ^ 1 && is_allowed(*next));
        let turns_freely = || self.pieces.turning_places.binary_search(&junction).is_ok();
        is_allowed(next) && (next != direction ^ 1 || is_end() || turns_freely())
    }

    fn time_ms(&self, direction: u32) -> u64 {
        let piece = &self.pieces.pieces[direction as usize / 2];
        let lane = self.streets.ways[piece.street as usize].lanes[direction as usize % 2];
        time_ms(piece.length_cm, lane.expect("only open directions are searched").speed_kmh).into()
    }
}
