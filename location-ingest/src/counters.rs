//! What the node counts: plain numbers that the binary's logs and the tests read.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// Numbers since the start, and a few gauges.
        #[derive(Debug, Default)]
        pub struct Counters { $($(#[$doc])* pub $name: Counter,)* }

        /// All of [`Counters`] at about one moment.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        pub struct CountersSnapshot { $($(#[$doc])* pub $name: u64,)* }

        impl Counters {
            /// Reads all.
            pub fn snapshot(&self) -> CountersSnapshot {
                CountersSnapshot { $($name: self.$name.get(),)* }
            }
        }
    };
}

counters! {
    /// Updates that came.
    received,
    /// Updates that became the newest of their driver.
    applied,
    /// Updates dropped: the same or a newer one was there.
    dropped_late,
    /// Updates dropped: faster than the limit.
    dropped_rate,
    /// Updates refused: an invalid value.
    refused,
    /// Streams that a newer stream of the same driver took over.
    superseded,
    /// Streams ended because their client did not read.
    stalled,
    /// Driver streams open now.
    streams_open,
    /// Drivers that left the index in silence.
    gone,
    /// Drivers forgotten after the retention.
    retired,
    /// Rows sent to index servers.
    rows_sent,
    /// Frames sent to index servers.
    frames_sent,
    /// Sessions opened with index servers.
    links_opened,
    /// Sessions open now.
    links_up,
    /// Index servers that are to have a session now.
    links_wanted,
    /// Changes of all links that wait to be sent, now.
    links_pending,
    /// Resume tokens' removals that did not fit a link's queue.
    forgets_dropped,
    /// Drivers written to the store.
    stored,
    /// Drivers whose newest state is not in the store, at its last turn.
    store_lag,
    /// Turns of the store that failed.
    store_failures,
    /// Records that could not be read at the start.
    store_corrupt,
}

/// One number.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts `n` more.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Counts one less; for gauges.
    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// Sets a gauge.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// The number.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
