//! The wakers of one task that polls several futures: each future has a slot, and the task is woken once for all slots.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::sync::{AtomicU32, Mutex, Ordering};

/// Set while the task drains the set: it sees every slot that wakes, so no waker wakes the task.
const DRAINING: u32 = 1 << 31;

/// The woken slots of a task, as bits.
#[derive(Debug)]
pub(super) struct WakeSet {
    woken: AtomicU32,
    /// The waker of the task's newest poll. A task may be polled with another waker each time.
    task: Mutex<Option<Waker>>,
}

/// Wakes one slot of a set.
struct SlotWaker {
    set: Arc<WakeSet>,
    bit: u32,
}

impl Default for WakeSet {
    fn default() -> Self {
        Self { woken: AtomicU32::new(0), task: Mutex::new(None) }
    }
}

impl WakeSet {
    /// Returns the waker of the slot with this bit.
    pub(super) fn slot_waker(self: &Arc<Self>, bit: u32) -> Waker {
        Arc::new(SlotWaker { set: self.clone(), bit }).into()
    }

    /// Marks slots as woken, and wakes the task unless it drains the set or is woken already.
    pub(super) fn wake(&self, bits: u32) {
        // Release: the task that drains these bits sees what the caller wrote before.
        let before = self.woken.fetch_or(bits, Ordering::AcqRel);
        // An earlier wake that found 0 has woken the task for this one, too.
        if before == 0 {
            // A clone, so that the task is not woken under the lock: an executor may poll it at once.
            let task = self.task.lock().clone();
            if let Some(task) = task {
                task.wake();
            }
        }
    }

    /// The task begins to drain, and its newest waker counts from now on.
    pub(super) fn begin_drain(&self, task: &Waker) {
        let mut current = self.task.lock();
        if !current.as_ref().is_some_and(|current| current.will_wake(task)) {
            *current = Some(task.clone());
        }
        drop(current);
        // The waker stands before the bit goes: the drain that clears the bit ends with wakers that must find it.
        self.woken.fetch_or(DRAINING, Ordering::AcqRel);
    }

    /// Takes the woken slots; 0 when there are none, and then the drain has ended.
    pub(super) fn drain(&self) -> u32 {
        // One step: a slot that wakes before it is in the set, and one that wakes after it finds 0 and wakes the task.
        if self.woken.compare_exchange(DRAINING, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return 0;
        }
        self.woken.swap(DRAINING, Ordering::AcqRel) & !DRAINING
    }

    /// Ends the drain with slots left in the set. The task must wake itself.
    pub(super) fn suspend_drain(&self) {
        self.woken.fetch_and(!DRAINING, Ordering::AcqRel);
    }
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.set.wake(self.bit);
    }
}
