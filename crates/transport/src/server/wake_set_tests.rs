//! Tests of the wake set with the types of the standard library.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use super::wake_set::WakeSet;

/// Counts how often it is woken.
#[derive(Default)]
struct CountingTask(AtomicUsize);

impl Wake for CountingTask {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Unparks a thread when it is woken.
struct ThreadUnparker(std::thread::Thread);

impl Wake for ThreadUnparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

#[test]
fn a_task_is_woken_once_and_sees_all_woken_slots() {
    let (set, task) = (Arc::new(WakeSet::default()), Arc::new(CountingTask::default()));
    let woken = || task.0.load(Ordering::Relaxed);
    set.wake(1);
    assert_eq!(woken(), 0, "there is no task yet");
    set.begin_drain(&task.clone().into());
    assert_eq!(set.drain(), 1);
    set.slot_waker(2).wake();
    assert_eq!((woken(), set.drain(), set.drain()), (0, 2, 0), "a draining task is not woken");
    set.slot_waker(2).wake_by_ref();
    set.wake(4);
    assert_eq!(woken(), 1);
    set.begin_drain(&task.clone().into());
    set.wake(8);
    assert_eq!((woken(), set.drain()), (1, 14));
    set.wake(1);
    set.suspend_drain();
    set.wake(2);
    assert_eq!(woken(), 1, "a task that suspends its drain wakes itself");
    set.begin_drain(&task.clone().into());
    assert_eq!((set.drain(), set.drain()), (3, 0));
}

#[test]
fn no_wake_is_lost_between_threads() {
    let set = Arc::new(WakeSet::default());
    let task: Waker = Arc::new(ThreadUnparker(std::thread::current())).into();
    let (wakes, seen) = (20_000_usize, AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let (set_there, seen_there) = (set.clone(), &seen);
        scope.spawn(move || {
            for number in 0..wakes {
                set_there.wake(1);
                while seen_there.load(Ordering::Acquire) <= number {
                    std::thread::yield_now();
                }
            }
        });
        while seen.load(Ordering::Acquire) < wakes {
            set.begin_drain(&task);
            loop {
                match set.drain() {
                    0 => break,
                    _ => seen.fetch_add(1, Ordering::AcqRel),
                };
            }
            if seen.load(Ordering::Acquire) < wakes {
                std::thread::park();
            }
        }
    });
}

/// A task may move to another executor or be polled by another combinator, with another waker.
#[test]
fn only_the_newest_waker_is_woken() {
    let set = Arc::new(WakeSet::default());
    let (first, second) = (Arc::new(CountingTask::default()), Arc::new(CountingTask::default()));
    let woken = |task: &Arc<CountingTask>| task.0.load(Ordering::Relaxed);
    for task in [&first, &second] {
        set.begin_drain(&task.clone().into());
        assert_eq!(set.drain(), 0);
    }
    set.slot_waker(1).wake();
    assert_eq!((woken(&first), woken(&second)), (0, 1));
}
