//! The wakers of one task that polls several futures: each future has a slot, and the task is woken once for all slots.
//!
//! A slot is *woken* when the waker of its future was called. The task *drains* the set: it takes the woken slots and polls
//! their futures, again and again, until no slot is woken.

use std::sync::Arc;
use std::task::{Wake, Waker};

use super::sync::{AtomicU32, Mutex, Ordering};

/// Set while the task drains the set. The task then sees every slot that is woken, so no waker wakes the task.
const DRAINING: u32 = 1 << 31;

/// The woken slots of a task.
#[derive(Debug)]
pub(super) struct WakeSet {
    /// One bit for each woken slot, and [`DRAINING`].
    woken: AtomicU32,
    /// The waker of the task's newest poll. A task may be polled with another waker each time.
    task: Mutex<Option<Waker>>,
}

/// The waker of one slot of a set.
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

    /// Marks slots as woken. Wakes the task, unless it drains the set or has been woken already.
    pub(super) fn wake(&self, bits: u32) {
        // Release: the task that drains these bits sees what the caller wrote before.
        let before = self.woken.fetch_or(bits, Ordering::AcqRel);
        // With any bit set, the task is draining, or an earlier call that found 0 has woken it.
        if before == 0 {
            // The clone releases the lock before the wake: an executor may poll the task at once.
            let task = self.task.lock().clone();
            if let Some(task) = task {
                task.wake();
            }
        }
    }

    /// Begins a drain. From now on, the set wakes the task with this waker.
    pub(super) fn begin_drain(&self, task: &Waker) {
        let mut current = self.task.lock();
        if !current.as_ref().is_some_and(|current| current.will_wake(task)) {
            *current = Some(task.clone());
        }
        drop(current);
        // The waker is stored before the bit is set. When the drain clears the bit, a slot that is woken must find the
        // waker.
        self.woken.fetch_or(DRAINING, Ordering::AcqRel);
    }

    /// Takes the woken slots. Returns 0 if there are none, and then the drain has ended.
    pub(super) fn drain(&self) -> u32 {
        // The end of the drain is one atomic step. A slot woken before it makes the exchange fail; a slot woken after it
        // finds 0 and wakes the task.
        if self.woken.compare_exchange(DRAINING, 0, Ordering::AcqRel, Ordering::Acquire).is_ok() {
            return 0;
        }
        self.woken.swap(DRAINING, Ordering::AcqRel) & !DRAINING
    }

    /// Ends the drain while slots may still be woken. The task must wake itself afterwards.
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
