//! Explores every interleaving of the real functions of the connection's wake set.
//!
//! `src/server/wake_set.rs` is compiled here with the explorer's types in the place of its `sync` module.

#![allow(dead_code, clippy::unwrap_used, reason = "the module under exploration has more than is used here")]

#[path = "../src/server/wake_set.rs"]
mod wake_set;

mod sync {
    pub(super) use std::sync::atomic::Ordering;

    /// Undoes the release and acquire orderings of the model that runs on this thread.
    pub(super) fn undo_orderings(undo: bool) {
        UNDONE.with(|undone| undone.set(undo));
    }

    std::thread_local! {
        static UNDONE: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    #[derive(Debug)]
    pub(super) struct AtomicU32 {
        value: loom::sync::atomic::AtomicU32,
        undone: bool,
    }

    impl AtomicU32 {
        pub(super) fn new(value: u32) -> Self {
            Self {
                value: loom::sync::atomic::AtomicU32::new(value),
                undone: UNDONE.with(std::cell::Cell::get),
            }
        }

        fn order(&self, order: Ordering) -> Ordering {
            if self.undone { Ordering::Relaxed } else { order }
        }

        pub(super) fn fetch_or(&self, bits: u32, order: Ordering) -> u32 {
            self.value.fetch_or(bits, self.order(order))
        }

        pub(super) fn fetch_and(&self, bits: u32, order: Ordering) -> u32 {
            self.value.fetch_and(bits, self.order(order))
        }

        pub(super) fn swap(&self, value: u32, order: Ordering) -> u32 {
            self.value.swap(value, self.order(order))
        }

        pub(super) fn compare_exchange(
            &self,
            current: u32,
            new: u32,
            success: Ordering,
            failure: Ordering,
        ) -> Result<u32, u32> {
            self.value.compare_exchange(current, new, self.order(success), self.order(failure))
        }
    }

    #[derive(Debug)]
    pub(super) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(super) fn new(value: T) -> Self {
            Self(loom::sync::Mutex::new(value))
        }

        pub(super) fn lock(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().unwrap()
        }
    }
}

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::sync::Notify;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;
use wake_set::WakeSet;

struct Parked(Notify);

impl Wake for Parked {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Two threads write a value and wake their slot; the task parks whenever a drain ends.
fn two_slots_wake_one_task() {
    let set = Arc::new(WakeSet::default());
    let written = Arc::new([AtomicU32::new(0), AtomicU32::new(0)]);
    for slot in 0..2 {
        let (waker, written) = (set.slot_waker(1 << slot), written.clone());
        thread::spawn(move || {
            written[slot].store(1, Ordering::Relaxed);
            waker.wake_by_ref();
        });
    }
    let parked = Arc::new(Parked(Notify::new()));
    let task: Waker = parked.clone().into();
    let mut seen = 0;
    while seen != 3 {
        set.begin_drain(&task);
        loop {
            let woken = set.drain();
            if woken == 0 {
                break;
            }
            for slot in (0..2).filter(|slot| woken >> slot & 1 == 1) {
                assert_eq!(
                    written[slot].load(Ordering::Relaxed),
                    1,
                    "slot {slot} was woken before its write"
                );
            }
            seen |= woken;
        }
        if seen != 3 {
            // A lost wake is a deadlock, which the explorer reports.
            parked.0.wait();
        }
    }
}

fn explore(undo_orderings: bool) {
    sync::undo_orderings(undo_orderings);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        sync::undo_orderings(undo_orderings);
        two_slots_wake_one_task();
    });
}

#[test]
fn no_interleaving_loses_a_wake_or_a_write() {
    explore(false);
}

#[test]
#[should_panic(expected = "was woken before its write")]
fn the_explorer_finds_undone_orderings() {
    explore(true);
}
