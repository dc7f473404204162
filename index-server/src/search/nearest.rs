//! The k nearest. Leaves are read by position and traits alone; only who seems to be among the k is looked at in its
//! record, all of them at once. Who fails there (too old, gone, moved) makes room, and the reading goes on where it
//! stopped: nothing that was read is lost.

use std::collections::BinaryHeap;
use std::hint::black_box;

use kerb_geometry::{Circle, LatLng};
use kerb_ports::DriverFilter;

use super::frontier::{FEW, Frontier, Queue, each_passing, read_group};
use super::sight::{Sighting, fetch_records, passes, sight};
use super::window::Window;
use super::{Asked, Effort, Moved, Stop};
use crate::store::Store;
use crate::store::kinds::Sought;

/// The window, which takes two roots to narrow, is narrowed when the reach is less than this share of what it was.
const NARROWED: f64 = 0.8;

/// A driver by what its leaf says: bits of the distance, and the record.
type Candidate = (u64, u32);

/// Buffers, see the module.
#[derive(Default)]
pub(crate) struct Candidates {
    /// The nearest so many, the farthest on top.
    near: BinaryHeap<Candidate>,
    /// Farther ones whose positions were read anyway: block, and bits of its entries.
    spill: Vec<(u32, u8)>,
    /// Likewise, of whom the distance is known.
    evicted: Vec<Candidate>,
    /// `near` while it is looked at.
    looked: Vec<u32>,
}

/// A search for the k nearest.
pub(crate) struct Nearest<'a> {
    pub(crate) store: &'a Store,
    pub(crate) circle: &'a Circle,
    pub(crate) k: usize,
    pub(crate) filter: &'a DriverFilter,
    pub(crate) sought: Sought,
    pub(crate) asked: &'a Asked,
    pub(crate) found: Vec<(f64, Sighting)>,
}

/// What the readers of leaves share.
struct Reading<'a, 'b> {
    candidates: &'b mut Candidates,
    frontier: Frontier<'a>,
    store: &'a Store,
    filter: &'a DriverFilter,
    circle: &'a Circle,
    /// So many are missing.
    need: usize,
    /// Turns away who is certainly too far.
    window: Window,
    /// What the window was narrowed to.
    window_hav: f64,
}

impl Reading<'_, '_> {
    /// Distance up to which somebody can be among those who are missing; less than that when `near` is full.
    fn reach(&self) -> (f64, bool) {
        let full = self.candidates.near.len() >= self.need;
        match self.candidates.near.peek() {
            Some((worst, _)) if full => (f64::from_bits(*worst), true),
            _ => (self.circle.hav_max(), false),
        }
    }

    /// Whether somebody at this distance can be among those who are missing.
    #[inline]
    fn wanted(&self) -> impl Fn(f64) -> bool + use<> {
        let (reach, full) = self.reach();
        move |hav| if full { hav < reach } else { hav <= reach }
    }

    #[inline]
    fn read_block(&mut self, number: u32, bits: u64) {
        let (reach, _) = self.reach();
        if reach < NARROWED * self.window_hav {
            self.narrow();
        }
        let near = bits & self.window.may_hold(&self.store.blocks.get(number).positions());
        if near != bits {
            self.candidates.spill.push((number, (bits & !near) as u8));
        }
        let (store, filter) = (self.store, self.filter);
        each_passing(store, number, near, filter, |traits, position| self.offer(position, traits.record()));
    }

    #[inline]
    fn offer(&mut self, position: LatLng, record: u32) {
        let candidate = (self.circle.origin().hav(position).to_bits(), record);
        let near = &mut self.candidates.near;
        if near.len() < self.need {
            if candidate.0 <= self.circle.hav_max().to_bits() {
                near.push(candidate);
            }
        } else if near.peek().is_some_and(|worst| candidate.0 < worst.0) {
            // Who is pushed out is looked for again among the spilled, if it is.
            if let Some(mut worst) = near.peek_mut() {
                self.candidates.evicted.push(std::mem::replace(&mut *worst, candidate));
            }
        } else {
            self.candidates.evicted.push(candidate);
        }
    }

    /// Takes the nearest of those who were read and left out, until as many are near as are missing.
    fn unspill(&mut self) {
        let Candidates { near, spill, evicted, .. } = &mut *self.candidates;
        let (origin, hav_max) = (self.circle.origin(), self.circle.hav_max().to_bits());
        for (number, bits) in spill.drain(..) {
            each_passing(self.store, number, bits.into(), self.filter, |traits, position| {
                evicted.push((origin.hav(position).to_bits(), traits.record()));
            });
        }
        evicted.retain(|(hav, _)| *hav <= hav_max);
        let take = self.need.saturating_sub(near.len()).min(evicted.len());
        if take > 0 {
            evicted.select_nth_unstable(take - 1);
            near.extend(evicted.drain(..take));
        }
        self.narrow();
    }

    fn narrow(&mut self) {
        self.window_hav = self.reach().0;
        self.window.narrow(self.window_hav);
    }
}

impl<'a> Nearest<'a> {
    /// Fills `found`. False when more moved meanwhile than the journal remembers: start again.
    pub(crate) fn read(
        &mut self,
        queue: &'a mut Queue,
        candidates: &mut Candidates,
        moved: &mut Moved,
        effort: &mut Effort<'_>,
    ) -> Result<bool, Stop> {
        candidates.near.clear();
        candidates.spill.clear();
        candidates.evicted.clear();
        let circle = self.circle;
        let frontier = Frontier::new(self.store, circle, self.sought, queue, self.asked);
        let window = Window::around(circle.center());
        let (store, filter) = (self.store, self.filter);
        let mut reading =
            Reading { candidates, frontier, store, filter, circle, need: self.k, window, window_hav: 1.0 };
        loop {
            reading.unspill();
            self.read_leaves(&mut reading, effort)?;
            let all_read = reading.candidates.near.is_empty();
            self.look(&mut reading);
            if all_read || self.found.len() == self.k {
                let Some(moved) = moved.update(self.store) else { return Ok(false) };
                if !self.drop_twice(moved) {
                    self.add_missed(moved);
                    return Ok(true);
                }
            }
            reading.need = self.k - self.found.len();
            reading.frontier.reopen();
        }
    }

    /// Reads until no unread leaf can hold one of the nearest.
    fn read_leaves(&self, reading: &mut Reading<'_, '_>, effort: &mut Effort<'_>) -> Result<(), Stop> {
        loop {
            let wanted = reading.wanted();
            let Some(group) = reading.frontier.next(FEW, wanted, 0.0) else { return Ok(()) };
            read_group(
                self.store,
                &group,
                self.sought,
                effort,
                reading,
                Reading::read_block,
                |reading, leaf| {
                    let wanted = reading.wanted();
                    reading.frontier.push_rest(leaf, wanted);
                },
            )?;
        }
    }

    /// Looks at the records of the near ones. Who has moved away meanwhile is judged by where it is now.
    fn look(&mut self, reading: &mut Reading<'_, '_>) {
        let (limit, _) = reading.reach();
        let mut looked = std::mem::take(&mut reading.candidates.looked);
        looked.clear();
        looked.extend(reading.candidates.near.drain().map(|(_, record)| record));
        fetch_records(self.store, &looked);
        for record in &looked {
            // The id, which is asked for soon.
            black_box(self.store.ids.fetch(*record));
        }
        for record in &looked {
            let Some((hav, sighting)) = self.judge(*record) else { continue };
            if hav <= limit {
                self.found.push((hav, sighting));
            } else {
                reading.candidates.evicted.push((hav.to_bits(), *record));
            }
        }
        reading.candidates.looked = looked;
    }

    /// The driver if it passes and is in the circle.
    fn judge(&self, record: u32) -> Option<(f64, Sighting)> {
        let sighting = sight(self.store, record)?;
        let hav = self.circle.origin().hav(sighting.position);
        let in_it = self.asked.contains(sighting.shard)
            && passes(self.filter, &sighting)
            && hav <= self.circle.hav_max();
        in_it.then_some((hav, sighting))
    }

    /// Drops the second sight of whoever was met in two leaves; whether there was any.
    fn drop_twice(&mut self, moved: &[u32]) -> bool {
        let before = self.found.len();
        if !moved.is_empty() {
            let mut seen = Vec::new();
            self.found.retain(|(_, sighting)| {
                let record = sighting.traits.record();
                let twice = seen.contains(&record);
                if moved.binary_search(&record).is_ok() {
                    seen.push(record);
                }
                !twice
            });
        }
        self.found.len() < before
    }

    /// Takes in those who moved from leaf to leaf meanwhile and were not found: they may have been missed.
    fn add_missed(&mut self, moved: &[u32]) {
        let mut missed = moved.to_vec();
        for (_, sighting) in &self.found {
            if let Ok(at) = missed.binary_search(&sighting.traits.record()) {
                missed.remove(at);
            }
        }
        for record in missed {
            let Some(judged) = self.judge(record) else { continue };
            if self.found.len() < self.k {
                self.found.push(judged);
                continue;
            }
            let worst = self.found.iter_mut().max_by(|a, b| a.0.total_cmp(&b.0));
            if let Some(worst) = worst
                && judged.0 < worst.0
            {
                *worst = judged;
            }
        }
    }
}
