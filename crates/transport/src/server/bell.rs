//! One task of several futures: who of them was woken, and the task woken once for all.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Wake, Waker};

/// Set while the task looks at its futures: it will see who rings, so nobody wakes it.
const LOOKING: u32 = 1 << 31;

/// Who was woken, as bits. The task stays the same.
#[derive(Debug, Default)]
pub(super) struct Bell {
    rung: AtomicU32,
    task: OnceLock<Waker>,
}

/// A future's way to its task.
struct Line {
    bell: Arc<Bell>,
    bit: u32,
}

impl Bell {
    /// The waker of the future with this bit.
    pub(super) fn line(self: &Arc<Self>, bit: u32) -> Waker {
        Arc::new(Line { bell: self.clone(), bit }).into()
    }

    pub(super) fn ring(&self, bits: u32) {
        let before = self.rung.fetch_or(bits, Ordering::AcqRel);
        // Who rang before has woken the task, unless it was looking.
        if before == 0
            && let Some(task) = self.task.get()
        {
            task.wake_by_ref();
        }
    }

    /// The task begins to look.
    pub(super) fn look(&self, task: &Waker) {
        self.task.get_or_init(|| task.clone());
        self.rung.fetch_or(LOOKING, Ordering::AcqRel);
    }

    /// Who has rung; 0: nobody, and the task looks no more.
    pub(super) fn next(&self) -> u32 {
        if self.rung.compare_exchange(LOOKING, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return 0;
        }
        self.rung.swap(LOOKING, Ordering::AcqRel) & !LOOKING
    }

    /// The task looks no more though somebody may have rung: it looks again in its next turn.
    pub(super) fn look_away(&self) {
        self.rung.fetch_and(!LOOKING, Ordering::AcqRel);
    }
}

impl Wake for Line {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.bell.ring(self.bit);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    struct Parked(std::thread::Thread);

    impl Wake for Parked {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    #[test]
    fn a_task_is_woken_once_and_sees_all_who_rang() {
        let (bell, task) = (Arc::new(Bell::default()), Arc::new(Task::default()));
        let woken = || task.0.load(Ordering::Relaxed);
        bell.ring(1);
        assert_eq!(woken(), 0, "there is no task yet");
        bell.look(&task.clone().into());
        assert_eq!(bell.next(), 1);
        bell.line(2).wake();
        assert_eq!((woken(), bell.next(), bell.next()), (0, 2, 0), "a task that looks is not woken");
        bell.line(2).wake_by_ref();
        bell.ring(4);
        assert_eq!(woken(), 1);
        bell.look(&task.clone().into());
        bell.ring(8);
        assert_eq!((woken(), bell.next()), (1, 14));
        bell.ring(1);
        bell.look_away();
        bell.ring(2);
        assert_eq!(woken(), 1, "whoever looks away looks again by itself");
        bell.look(&task.clone().into());
        assert_eq!((bell.next(), bell.next()), (3, 0));
    }

    #[test]
    fn no_ring_is_lost_between_threads() {
        let bell = Arc::new(Bell::default());
        let task: Waker = Arc::new(Parked(std::thread::current())).into();
        let (rings, seen) = (20_000_usize, AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let (bell_beside, seen_beside) = (bell.clone(), &seen);
            scope.spawn(move || {
                for ring in 0..rings {
                    bell_beside.ring(1);
                    while seen_beside.load(Ordering::Acquire) <= ring {
                        std::thread::yield_now();
                    }
                }
            });
            while seen.load(Ordering::Acquire) < rings {
                bell.look(&task);
                loop {
                    match bell.next() {
                        0 => break,
                        _ => seen.fetch_add(1, Ordering::AcqRel),
                    };
                }
                if seen.load(Ordering::Acquire) < rings {
                    std::thread::park();
                }
            }
        });
    }
}
