//! Explores every interleaving of the actual functions of the connection's wake set.
//!
//! This test compiles `src/server/wake_set.rs` with the explorer's types in place of its `sync` module.

#![allow(dead_code, clippy::unwrap_used, reason = "the module under exploration has more than is used here")]

#[path = "../src/server/wake_set.rs"]
mod wake_set;

mod sync {
    pub(super) use std::sync::atomic::Ordering;

    /// Replaces the release and acquire orderings of the model that runs on this thread by relaxed ones.
    pub(super) fn relax_orderings(relax: bool) {
        RELAXED.with(|relaxed| relaxed.set(relax));
    }

    std::thread_local! {
        static RELAXED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
    }

    #[derive(Debug)]
    pub(super) struct AtomicU32 {
        value: loom::sync::atomic::AtomicU32,
        relaxed: bool,
    }

    impl AtomicU32 {
        pub(super) fn new(value: u32) -> Self {
            Self {
                value: loom::sync::atomic::AtomicU32::new(value),
                relaxed: RELAXED.with(std::cell::Cell::get),
            }
        }

        fn order(&self, order: Ordering) -> Ordering {
            if self.relaxed { Ordering::Relaxed } else { order }
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

/// The task's thread, which waits until it is woken.
struct WaitingTask(Notify);

impl Wake for WaitingTask {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Two threads write a value and wake their slot. The task waits whenever a drain ends.
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
    let waiting = Arc::new(WaitingTask(Notify::new()));
    let task: Waker = waiting.clone().into();
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
            // After a lost wake this waits for ever, and the explorer reports the deadlock.
            waiting.0.wait();
        }
    }
}

fn explore(relax_orderings: bool) {
    sync::relax_orderings(relax_orderings);
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(move || {
        // The model runs on a thread of its own.
        sync::relax_orderings(relax_orderings);
        two_slots_wake_one_task();
    });
}

#[test]
fn no_interleaving_loses_a_wake_or_a_write() {
    explore(false);
}

#[test]
#[should_panic(expected = "was woken before its write")]
fn the_explorer_finds_relaxed_orderings() {
    explore(true);
}
