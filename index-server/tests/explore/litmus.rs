//! Tests the memory model by small standard programs: it finds every outcome that C11 allows, and none that it forbids.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::Ordering::{self, Acquire, Relaxed, Release, SeqCst};

use kerb_index_server::explore::{AtomicU32, Plan, Random, Task, fence, run};

/// Two variables and the results of two threads.
#[derive(Default)]
struct Program {
    x: AtomicU32,
    y: AtomicU32,
    results: [Mutex<u32>; 2],
}

impl Program {
    fn result(&self, thread: usize, value: u32) {
        *self.results[thread].lock().unwrap() = value;
    }
}

/// The pairs of results that executions of two threads end with.
fn outcomes(threads: [fn(&Program); 2]) -> BTreeSet<(u32, u32)> {
    let mut all = BTreeSet::new();
    for seed in 0..2_000 {
        let program = Program::default();
        let tasks = threads.map(|thread| -> Task<'_> {
            let program = &program;
            Box::new(move || thread(program))
        });
        let plan = Plan { switch_one_in: 2, stale_one_in: 2, stall_after: None, undone: None };
        run(plan, Random::new(seed), tasks.into()).unwrap();
        let [a, b] = program.results.each_ref().map(|result| *result.lock().unwrap());
        all.insert((a, b));
    }
    all
}

/// Passes a message: y announces that x is written. The result is the value that was read from y, then from x.
fn message(store: Ordering, load: Ordering, fences: bool) -> BTreeSet<(u32, u32)> {
    let write: fn(&Program) = match (store, fences) {
        (_, true) => |p| {
            p.x.store(1, Relaxed);
            fence(Release);
            p.y.store(1, Relaxed);
        },
        (Release, _) => |p| {
            p.x.store(1, Relaxed);
            p.y.store(1, Release);
        },
        _ => |p| {
            p.x.store(1, Relaxed);
            p.y.store(1, Relaxed);
        },
    };
    let read: fn(&Program) = match (load, fences) {
        (_, true) => |p| {
            p.result(0, p.y.load(Relaxed));
            fence(Acquire);
            p.result(1, p.x.load(Relaxed));
        },
        (Acquire, _) => |p| {
            p.result(0, p.y.load(Acquire));
            p.result(1, p.x.load(Relaxed));
        },
        _ => |p| {
            p.result(0, p.y.load(Relaxed));
            p.result(1, p.x.load(Relaxed));
        },
    };
    outcomes([write, read])
}

#[test]
fn a_message_is_passed_by_release_and_acquire_and_by_fences_alone() {
    let right = BTreeSet::from([(0, 0), (0, 1), (1, 1)]);
    assert_eq!(message(Release, Acquire, false), right);
    assert_eq!(message(Relaxed, Relaxed, true), right);
    let wrong = BTreeSet::from([(0, 0), (0, 1), (1, 0), (1, 1)]);
    assert_eq!(message(Relaxed, Acquire, false), wrong);
    assert_eq!(message(Release, Relaxed, false), wrong);
    assert_eq!(message(Relaxed, Relaxed, false), wrong);
}

#[test]
fn stores_are_buffered_unless_a_sequentially_consistent_fence_follows() {
    let relaxed: [fn(&Program); 2] = [
        |p| {
            p.x.store(1, Release);
            p.result(0, p.y.load(Acquire));
        },
        |p| {
            p.y.store(1, Release);
            p.result(1, p.x.load(Acquire));
        },
    ];
    assert!(outcomes(relaxed).contains(&(0, 0)));
    let fenced: [fn(&Program); 2] = [
        |p| {
            p.x.store(1, Relaxed);
            fence(SeqCst);
            p.result(0, p.y.load(Relaxed));
        },
        |p| {
            p.y.store(1, Relaxed);
            fence(SeqCst);
            p.result(1, p.x.load(Relaxed));
        },
    ];
    assert_eq!(outcomes(fenced), BTreeSet::from([(0, 1), (1, 0), (1, 1)]));
    let accesses: [fn(&Program); 2] = [
        |p| {
            p.x.store(1, SeqCst);
            p.result(0, p.y.load(SeqCst));
        },
        |p| {
            p.y.store(1, SeqCst);
            p.result(1, p.x.load(SeqCst));
        },
    ];
    assert_eq!(outcomes(accesses), BTreeSet::from([(0, 1), (1, 0), (1, 1)]));
}

#[test]
fn a_location_never_goes_back() {
    let threads: [fn(&Program); 2] = [
        |p| {
            p.x.store(1, Relaxed);
            p.x.store(2, Relaxed);
        },
        |p| {
            p.result(0, p.x.load(Relaxed));
            p.result(1, p.x.load(Relaxed));
        },
    ];
    let right = BTreeSet::from([(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]);
    assert_eq!(outcomes(threads), right);
}

#[test]
fn an_exchange_reads_the_newest_store_and_continues_its_release_sequence() {
    let threads: [fn(&Program); 2] = [
        |p| {
            p.x.store(1, Relaxed);
            p.y.store(1, Release);
            let _first = p.y.compare_exchange(1, 2, Relaxed, Relaxed);
        },
        |p| {
            if p.y.load(Acquire) == 2 {
                p.result(0, 2);
                p.result(1, p.x.load(Relaxed));
            }
        },
    ];
    assert_eq!(outcomes(threads), BTreeSet::from([(0, 0), (2, 1)]));
}

#[test]
fn a_seed_names_one_execution() {
    let trace = |seed| {
        let program = Program::default();
        let tasks: Vec<Task<'_>> = vec![
            Box::new(|| (1..50).for_each(|i| program.x.store(i, Relaxed))),
            Box::new(|| {
                for _ in 0..50 {
                    let trace = 31 * *program.results[1].lock().unwrap() % 65_537;
                    program.result(1, trace + program.x.load(Relaxed));
                }
            }),
        ];
        let plan = Plan { switch_one_in: 3, stale_one_in: 3, stall_after: None, undone: None };
        run(plan, Random::new(seed), tasks).unwrap();
        *program.results[1].lock().unwrap()
    };
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}
