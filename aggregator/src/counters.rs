//! Counts of what the aggregator did, for metrics and tests.

use std::sync::atomic::{AtomicU64, Ordering};

/// Makes the atomic counters and a plain copy of them from one list.
macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// Running counts. Each by itself is exact; together they are no snapshot.
        #[derive(Debug, Default)]
        pub struct Counters {
            $(pub(crate) $name: Counter,)+
        }

        /// The counts at one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
        pub struct CountersSnapshot {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl Counters {
            /// Reads all of them.
            pub fn snapshot(&self) -> CountersSnapshot {
                CountersSnapshot { $($name: self.$name.0.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

counters! {
    /// Searches answered, whole or in part, joined ones counted.
    searches,
    /// Of these, the ones that joined another's flight.
    joined,
    /// Searches of which some shard did not answer.
    partial,
    /// Searches refused because too many were running.
    overloaded,
    /// Questions sent to index servers: first ones, replacements, hedges and for more.
    asks,
    /// Of these, to a replica because another server was slow.
    hedges,
    /// Hedges that answered first.
    hedges_won,
    /// Hedges not sent because the extra load was at its limit.
    hedges_refused,
    /// Of the questions, to a replica because another server failed or did not cover a shard.
    failovers,
    /// Of the questions, for more because copies of one driver had filled a list.
    more,
    /// Questions that came back as an error.
    errors,
    /// Questions given up: no answer by the deadline, or a replica was first.
    lost,
}

/// One count.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add(&self, n: usize) {
        self.0.fetch_add(n as u64, Ordering::Relaxed);
    }

    pub(crate) fn one(&self) {
        self.add(1);
    }
}
