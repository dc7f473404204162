//! Atomics whose accesses the explorer controls, with those functions of the standard library's atomics that the store
//! uses. Outside of an exploration they are sequentially consistent.

use std::sync::atomic;
use std::sync::atomic::Ordering;
use std::sync::atomic::Ordering::SeqCst;

use super::scheduler::{Execution, access};

/// A memory location: its newest value, and its number in an execution.
#[derive(Debug, Default)]
struct Location {
    value: atomic::AtomicU64,
    /// The execution's number in the upper half, the location's number in the lower. The latter is only valid in this
    /// execution.
    known: atomic::AtomicU64,
}

impl Location {
    fn new(value: u64) -> Self {
        Self { value: atomic::AtomicU64::new(value), known: atomic::AtomicU64::new(0) }
    }

    fn number(&self, execution: &mut Execution) -> usize {
        let known = self.known.load(SeqCst);
        if known >> 32 == execution.number {
            // The lower half is a location's number.
            return (known & 0xffff_ffff) as usize;
        }
        let number = execution.memory.add_location(self.value.load(SeqCst));
        self.known.store(execution.number << 32 | number as u64, SeqCst);
        number
    }

    fn load(&self, order: Ordering) -> u64 {
        let explored = access(|execution, thread| {
            let number = self.number(execution);
            let Execution { memory, random, plan, .. } = execution;
            memory.load(thread, number, order, random, plan.stale_one_in)
        });
        explored.unwrap_or_else(|| self.value.load(SeqCst))
    }

    fn store(&self, value: u64, order: Ordering) {
        // The location has the newest value too, for reads outside of the execution.
        let explored = access(|execution, thread| {
            let number = self.number(execution);
            execution.memory.store(thread, number, value, order);
            self.value.store(value, SeqCst);
        });
        if explored.is_none() {
            self.value.store(value, SeqCst);
        }
    }

    fn update(
        &self,
        order: Ordering,
        failure: Ordering,
        change: impl Fn(u64) -> Option<u64>,
    ) -> Result<u64, u64> {
        let explored = access(|execution, thread| {
            let number = self.number(execution);
            let result = execution.memory.update(thread, number, order, failure, &change);
            if let Some(value) = result.ok().and_then(&change) {
                self.value.store(value, SeqCst);
            }
            result
        });
        explored.unwrap_or_else(|| self.value.fetch_update(SeqCst, SeqCst, change))
    }
}

/// As [`atomic::fence`].
pub fn fence(order: Ordering) {
    if access(|execution, thread| execution.memory.fence(thread, order)).is_none() {
        atomic::fence(order);
    }
}

macro_rules! explored {
    ($name:ident, $value:ty) => {
        /// Replaces the standard library's type of this name.
        #[derive(Debug, Default)]
        pub struct $name(Location);

        // A location holds 64 bits. The casts lose nothing, because a location only holds values of this type.
        impl $name {
            #[expect(missing_docs, reason = "as in the standard library")]
            pub fn new(value: $value) -> Self {
                Self(Location::new(value as u64))
            }

            #[expect(missing_docs, reason = "as in the standard library")]
            pub fn load(&self, order: Ordering) -> $value {
                self.0.load(order) as $value
            }

            #[expect(missing_docs, reason = "as in the standard library")]
            pub fn store(&self, value: $value, order: Ordering) {
                self.0.store(value as u64, order);
            }

            #[expect(missing_docs, reason = "as in the standard library")]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let exchange = |found| (found == current as u64).then_some(new as u64);
                let result = self.0.update(success, failure, exchange);
                result.map(|found| found as $value).map_err(|found| found as $value)
            }
        }
    };
}

explored!(AtomicU32, u32);
explored!(AtomicU64, u64);
explored!(AtomicUsize, usize);
