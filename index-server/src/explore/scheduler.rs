//! Chooses the thread that runs: one at a time, and possibly another one before each access to an atomic.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Condvar, Mutex};

use super::memory::Memory;
use super::random::Random;
use crate::sync::rule::Rule;

/// A thread that spins this often in a row, while no other thread can run, waits for the stopped thread.
const SPINS_MAX: usize = 1_000;
/// Maximum number of accesses of an execution. More of them are an endless loop.
const ACCESSES_MAX: usize = 300_000;

/// Number of executions so far. A location's number is only valid in one execution.
static EXECUTIONS: AtomicU64 = AtomicU64::new(0);

thread_local! {
    static CURRENT: RefCell<Option<(Arc<Scheduler>, usize)>> = const { RefCell::new(None) };
}

/// The parameters of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Once in so many accesses, another thread runs on.
    pub switch_one_in: usize,
    /// Once in so many loads, a load may return an older store. 0 makes memory sequentially consistent.
    pub stale_one_in: usize,
    /// The first thread stops after so many of its accesses, until all others have finished. `None` means that it does
    /// not stop.
    pub stall_after: Option<usize>,
    /// The rule that is undone on purpose.
    pub undone: Option<Rule>,
}

impl Plan {
    /// Chooses a plan: few thread switches or many, with and without weak memory, sometimes with a first thread that
    /// stops.
    pub fn random(random: &mut Random, undone: Option<Rule>) -> Self {
        let switch_one_in = [2, 8, 32, 128, 512][random.below(5)];
        let stale_one_in = [0, 2, 8][random.below(3)];
        let stall_after = random.one_in(4).then(|| random.below(600));
        Self { switch_one_in, stale_one_in, stall_after, undone }
    }
}

/// The work of one thread of an execution.
pub type Task<'a> = Box<dyn FnOnce() + Send + 'a>;

/// The state of an execution.
#[derive(Debug)]
pub(super) struct Execution {
    pub(super) number: u64,
    pub(super) memory: Memory,
    pub(super) random: Random,
    pub(super) plan: Plan,
    running: usize,
    /// Whether each thread is still running.
    alive: Vec<bool>,
    /// Whether the first thread is stopped.
    stalled: bool,
    first_accesses: usize,
    accesses: usize,
    spins: usize,
}

#[derive(Debug)]
struct Scheduler {
    execution: Mutex<Execution>,
    changed: Condvar,
}

impl Execution {
    /// Chooses the thread that runs on: this one, unless it is time for another.
    fn choose(&mut self, thread: usize) {
        self.accesses += 1;
        assert!(std::thread::panicking() || self.accesses < ACCESSES_MAX, "an execution does not end");
        if thread == 0 {
            self.first_accesses += 1;
            if self.plan.stall_after == Some(self.first_accesses) {
                self.stalled = true;
            }
        }
        let stopped = thread == 0 && self.stalled;
        if stopped || self.random.one_in(self.plan.switch_one_in) {
            self.switch_from(thread);
        }
    }

    /// Lets another thread run on. Returns whether there is one.
    fn switch_from(&mut self, thread: usize) -> bool {
        let runs = |other: usize| other != thread && self.alive[other] && !(other == 0 && self.stalled);
        let others: Vec<usize> = (0..self.alive.len()).filter(|other| runs(*other)).collect();
        if others.is_empty() {
            return false;
        }
        self.running = others[self.random.below(others.len())];
        self.spins = 0;
        true
    }

    fn finish(&mut self, thread: usize) {
        self.alive[thread] = false;
        if !self.switch_from(thread) {
            // At most the stopped thread is left.
            self.stalled = false;
            self.switch_from(thread);
        }
    }
}

impl Scheduler {
    /// Calls `choose`, waits until it is the thread's turn, and calls `f`.
    fn turn_of<R>(
        &self,
        thread: usize,
        choose: impl FnOnce(&mut Execution),
        f: impl FnOnce(&mut Execution) -> R,
    ) -> R {
        let mut execution = self.execution.lock();
        choose(&mut execution);
        if execution.running != thread {
            self.changed.notify_all();
            while execution.running != thread {
                self.changed.wait(&mut execution);
            }
        }
        f(&mut execution)
    }
}

/// Makes an access of the current thread when it is the thread's turn. Returns `None` outside of an execution.
pub(super) fn access<R>(f: impl FnOnce(&mut Execution, usize) -> R) -> Option<R> {
    CURRENT.with_borrow(|current| {
        let (shared, thread) = current.as_ref()?;
        Some(shared.turn_of(
            *thread,
            |execution| execution.choose(*thread),
            |execution| f(execution, *thread),
        ))
    })
}

/// As [`std::hint::spin_loop`]: another thread runs on. It panics when no other thread can run, because the thread then
/// waits for the stopped writer, and no search may do that.
pub(crate) fn spin_loop() {
    CURRENT.with_borrow(|current| {
        let Some((shared, thread)) = current else { return };
        let choose = |execution: &mut Execution| {
            if !execution.switch_from(*thread) {
                execution.spins += 1;
                assert!(execution.spins < SPINS_MAX, "a thread waits for one that is stopped");
            }
        };
        shared.turn_of(*thread, choose, |_| ());
    });
}

/// Whether the current execution undoes this rule.
pub(crate) fn undone(rule: Rule) -> bool {
    CURRENT.with_borrow(|current| {
        current.as_ref().is_some_and(|(shared, _)| shared.execution.lock().plan.undone == Some(rule))
    })
}

/// Runs each task on a thread of its own, scheduled by the plan and the random numbers. Returns the message of the first
/// task that panicked.
pub fn run(plan: Plan, mut random: Random, tasks: Vec<Task<'_>>) -> Result<(), String> {
    let first = random.below(tasks.len());
    let shared = Arc::new(Scheduler {
        execution: Mutex::new(Execution {
            number: EXECUTIONS.fetch_add(1, Ordering::Relaxed) + 1,
            memory: Memory::new(tasks.len()),
            random,
            plan,
            running: first,
            alive: vec![true; tasks.len()],
            stalled: false,
            first_accesses: 0,
            accesses: 0,
            spins: 0,
        }),
        changed: Condvar::new(),
    });
    let messages = std::thread::scope(|scope| {
        let threads = (0..).zip(tasks).map(|(thread, task)| {
            let shared = Arc::clone(&shared);
            scope.spawn(move || run_task(&shared, thread, task))
        });
        let threads: Vec<_> = threads.collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(None)).collect::<Vec<_>>()
    });
    messages.into_iter().flatten().next().map_or(Ok(()), Err)
}

fn run_task(shared: &Arc<Scheduler>, thread: usize, task: Task<'_>) -> Option<String> {
    shared.turn_of(thread, |_| (), |_| ());
    CURRENT.set(Some((Arc::clone(shared), thread)));
    // The caller only reads what the task borrowed if the task has not panicked.
    let result = catch_unwind(AssertUnwindSafe(task));
    CURRENT.set(None);
    let mut execution = shared.execution.lock();
    execution.finish(thread);
    shared.changed.notify_all();
    result.err().map(|panic| match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => {
            panic.downcast::<&str>().map_or_else(|_| "a panic".to_owned(), |text| (*text).to_owned())
        }
    })
}
