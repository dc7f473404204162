//! The memory model: which stores a load may return.
//!
//! Views over time-stamped stores, as in Kang, Hur, Lahav, Vafeiadis and Dreyer, "A promising semantics for
//! relaxed-memory concurrency" (2017), without the early stores of that paper. Each location keeps all stores of the execution in order. A
//! thread's view has the oldest store of each location that it may still return; it grows as the thread loads and
//! stores. A store carries the view that a load of it passes on: the thread's view at the store if it is a release, and
//! the view at the thread's last release fence otherwise.
//!
//! Two deviations, both towards fewer executions: a load never returns a store that a program makes later (no load
//! buffering), and a sequentially consistent access counts as a fence next to an acquire or a release.

use std::sync::atomic::Ordering;

use super::random::Random;

/// By location: the oldest store that may still be seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct View(Vec<u32>);

impl View {
    fn get(&self, location: usize) -> u32 {
        self.0.get(location).copied().unwrap_or(0)
    }

    fn raise(&mut self, location: usize, store: u32) {
        if self.0.len() <= location {
            self.0.resize(location + 1, 0);
        }
        self.0[location] = self.0[location].max(store);
    }

    fn join(&mut self, other: &Self) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        for (own, other) in self.0.iter_mut().zip(&other.0) {
            *own = (*own).max(*other);
        }
    }
}

/// The three views of a thread.
#[derive(Clone, Debug, Default)]
struct Views {
    /// The oldest stores that its loads may return.
    current: View,
    /// The oldest stores that they may return after an acquire fence.
    acquired: View,
    /// The view that its relaxed stores pass on: the current view at its last release fence.
    released: View,
}

#[derive(Clone, Debug)]
struct Store {
    value: u64,
    view: View,
}

/// All stores of an execution, and the views of its threads.
#[derive(Debug)]
pub(super) struct Memory {
    locations: Vec<Vec<Store>>,
    threads: Vec<Views>,
    /// The view of all sequentially consistent fences so far.
    fences: View,
}

fn acquires(order: Ordering) -> bool {
    matches!(order, Ordering::Acquire | Ordering::AcqRel | Ordering::SeqCst)
}

fn releases(order: Ordering) -> bool {
    matches!(order, Ordering::Release | Ordering::AcqRel | Ordering::SeqCst)
}

impl Memory {
    pub(super) fn new(threads: usize) -> Self {
        Self { locations: Vec::new(), threads: vec![Views::default(); threads], fences: View::default() }
    }

    /// Adds a location that is accessed for the first time, with the value that all threads see.
    pub(super) fn add_location(&mut self, value: u64) -> usize {
        self.locations.push(vec![Store { value, view: View::default() }]);
        self.locations.len() - 1
    }

    /// Returns one of the stores that the thread may see: the newest, or, once in `stale_one_in` times, any.
    pub(super) fn load(
        &mut self,
        thread: usize,
        location: usize,
        order: Ordering,
        random: &mut Random,
        stale_one_in: usize,
    ) -> u64 {
        if order == Ordering::SeqCst {
            self.fence(thread, order);
        }
        let stores = &self.locations[location];
        let oldest = self.threads[thread].current.get(location) as usize;
        let mut chosen = stores.len() - 1;
        if oldest < chosen && random.one_in(stale_one_in) {
            chosen = oldest + random.below(stores.len() - oldest);
        }
        self.see(thread, location, chosen, order)
    }

    /// Appends a store.
    pub(super) fn store(&mut self, thread: usize, location: usize, value: u64, order: Ordering) {
        if order == Ordering::SeqCst {
            self.fence(thread, order);
        }
        self.append(thread, location, value, order, &View::default());
        if order == Ordering::SeqCst {
            self.fence(thread, order);
        }
    }

    /// Reads the newest store and, if `change` returns a value, appends that one next to it.
    pub(super) fn update(
        &mut self,
        thread: usize,
        location: usize,
        order: Ordering,
        failure: Ordering,
        change: impl FnOnce(u64) -> Option<u64>,
    ) -> Result<u64, u64> {
        if order == Ordering::SeqCst {
            self.fence(thread, order);
        }
        let newest = self.locations[location].len() - 1;
        let found = self.locations[location][newest].value;
        let Some(value) = change(found) else {
            self.see(thread, location, newest, failure);
            return Err(found);
        };
        self.see(thread, location, newest, order);
        // A read-modify-write continues the release sequence of the store that it read.
        let sequence = self.locations[location][newest].view.clone();
        self.append(thread, location, value, order, &sequence);
        if order == Ordering::SeqCst {
            self.fence(thread, order);
        }
        Ok(found)
    }

    pub(super) fn fence(&mut self, thread: usize, order: Ordering) {
        let views = &mut self.threads[thread];
        if acquires(order) {
            views.current.join(&views.acquired);
        }
        if order == Ordering::SeqCst {
            views.current.join(&self.fences);
            self.fences.join(&views.current);
        }
        if releases(order) {
            views.released = views.current.clone();
        }
    }

    fn see(&mut self, thread: usize, location: usize, chosen: usize, order: Ordering) -> u64 {
        let store = &self.locations[location][chosen];
        let views = &mut self.threads[thread];
        // No execution has 2^32 stores.
        views.current.raise(location, chosen as u32);
        views.acquired.raise(location, chosen as u32);
        views.acquired.join(&store.view);
        if acquires(order) {
            views.current.join(&store.view);
        }
        store.value
    }

    fn append(&mut self, thread: usize, location: usize, value: u64, order: Ordering, sequence: &View) {
        let views = &mut self.threads[thread];
        let number = self.locations[location].len() as u32;
        views.current.raise(location, number);
        views.acquired.raise(location, number);
        let mut view = if releases(order) { views.current.clone() } else { views.released.clone() };
        view.raise(location, number);
        view.join(sequence);
        self.locations[location].push(Store { value, view });
    }
}
