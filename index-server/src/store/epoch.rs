//! When may the writer use a page again that readers may still be looking at? When every reader that was searching
//! as the page was taken out has finished (epoch-based reclamation: Fraser, "Practical lock-freedom", 2004, 5.2.3).
//!
//! Pages are recycled, never freed, so this is about right answers, not about memory safety.

use std::collections::VecDeque;
use std::sync::atomic::Ordering::{Relaxed, Release, SeqCst};

use crate::sync::{AtomicU64, AtomicUsize, Rule, fence, size, undone};

/// Searches that can run at the same instant, at most. A search runs without awaiting, so this bounds threads.
pub(crate) const READERS_MAX: usize = size(256, 4);

/// The epoch and who reads in which. Epochs start at 1; 0 is a free seat.
pub(crate) struct Epochs {
    now: AtomicU64,
    seats: Box<[Seat]>,
    /// Where the last reader sat: the next looks beside it first.
    hint: AtomicUsize,
}

/// A reader's own cache line.
#[derive(Default)]
#[repr(align(64))]
struct Seat(AtomicU64);

impl Epochs {
    pub(crate) fn new() -> Self {
        let seats = (0..READERS_MAX).map(|_| Seat::default()).collect();
        Self { now: AtomicU64::new(1), seats, hint: AtomicUsize::new(0) }
    }

    /// What can be reached now is not reused until the pin is dropped. `None` when all seats are taken.
    pub(crate) fn pin(&self) -> Option<Pin<'_>> {
        let first = self.hint.load(Relaxed);
        for i in 0..READERS_MAX {
            let at = (first + i) % READERS_MAX;
            let seat = &self.seats[at].0;
            let mut epoch = self.now.load(SeqCst);
            let order = if undone(Rule::FenceAfterPin) { Relaxed } else { SeqCst };
            if seat.load(Relaxed) != 0 || seat.compare_exchange(0, epoch, order, Relaxed).is_err() {
                continue;
            }
            if undone(Rule::FenceAfterPin) {
                return Some(Pin(seat));
            }
            if i > 0 {
                self.hint.store(at, Relaxed);
            }
            // The writer may have turned the epoch and looked at the seats before this one was taken. Once the
            // epoch has not changed over the taking, it will find this seat before it reuses anything that this
            // reader can reach. The epoch turns once a chunk of updates, so this does not go on.
            loop {
                fence(SeqCst);
                let now = self.now.load(SeqCst);
                if now == epoch {
                    return Some(Pin(seat));
                }
                epoch = now;
                seat.store(epoch, SeqCst);
            }
        }
        None
    }

    /// The epoch in which the writer takes pages out.
    pub(crate) fn now(&self) -> u64 {
        self.now.load(Relaxed)
    }

    /// Turns the epoch and answers the oldest in which somebody may still read: what was taken out in an older one
    /// is nobody's. Called by the writer alone.
    pub(crate) fn turn(&self) -> u64 {
        let next = self.now.load(Relaxed) + 1;
        self.now.store(next, SeqCst);
        fence(SeqCst);
        let readers = self.seats.iter().map(|seat| seat.0.load(SeqCst)).filter(|epoch| *epoch != 0);
        readers.fold(next, u64::min)
    }
}

/// A running search.
pub(crate) struct Pin<'a>(&'a AtomicU64);

impl Drop for Pin<'_> {
    fn drop(&mut self) {
        self.0.store(0, Release);
    }
}

/// Numbers of one kind of page: handed out, taken back, and handed out again when no reader can see them.
#[derive(Default)]
pub(crate) struct Pool {
    next: u32,
    free: Vec<u32>,
    /// Taken out in this epoch, oldest first.
    limbo: VecDeque<(u64, u32)>,
}

impl Pool {
    /// Numbers from 1.
    pub(crate) fn new() -> Self {
        Self { next: 1, ..Self::default() }
    }

    /// A number, and whether it is handed out for the first time.
    pub(crate) fn take(&mut self) -> (u32, bool) {
        if let Some(number) = self.free.pop() {
            return (number, false);
        }
        self.next += 1;
        (self.next - 1, true)
    }

    /// Numbers that can still be handed out, of `limit`.
    pub(crate) fn left(&self, limit: usize) -> usize {
        limit.saturating_sub(self.next as usize) + self.free.len()
    }

    /// Takes a number back that was taken out of the trees in this epoch.
    pub(crate) fn give_back(&mut self, epoch: u64, number: u32) {
        self.limbo.push_back((epoch, number));
    }

    /// Frees what was taken out before `oldest`, see [`Epochs::turn`].
    pub(crate) fn collect(&mut self, oldest: u64) {
        while let Some(number) = self.leave_limbo(oldest) {
            self.free.push(number);
        }
    }

    /// A number that was taken out before `oldest`: nobody's, but not yet free.
    pub(crate) fn leave_limbo(&mut self, oldest: u64) -> Option<u32> {
        let (epoch, number) = *self.limbo.front()?;
        if epoch >= oldest {
            return None;
        }
        self.limbo.pop_front();
        Some(number)
    }

    /// Makes a number free.
    pub(crate) fn free(&mut self, number: u32) {
        self.free.push(number);
    }

    /// Memory of the lists.
    pub(crate) fn bytes(&self) -> usize {
        self.free.capacity() * size_of::<u32>() + self.limbo.capacity() * size_of::<(u64, u32)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_comes_back_when_its_readers_have_left() {
        let epochs = Epochs::new();
        let mut pool = Pool::new();
        assert_eq!(pool.take(), (1, true));
        let pin = epochs.pin().unwrap();
        pool.give_back(epochs.now(), 1);
        pool.collect(epochs.turn());
        assert_eq!(pool.take(), (2, true));
        let later = epochs.pin().unwrap();
        drop(pin);
        pool.collect(epochs.turn());
        assert_eq!(pool.take(), (1, false));
        drop(later);
    }

    #[test]
    fn seats_run_out_and_come_back() {
        let epochs = Epochs::new();
        let pins: Vec<_> = (0..READERS_MAX).map(|_| epochs.pin().unwrap()).collect();
        assert!(epochs.pin().is_none());
        drop(pins);
        assert!(epochs.pin().is_some());
    }
}
