//! Counters and gauges of a service, and the [`metrics!`](crate::metrics!) macro that declares a set of them.
//!
//! Every metric is one relaxed atomic: exact by itself, but a snapshot of several may mix two moments. Nothing here
//! knows an exposition format; an exporter reads a set through its `visit` method.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, for example the searches that were answered.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Counts one more event.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Counts `n` more events.
    #[inline]
    pub fn add(&self, n: u64) {
        // Relaxed: the count orders no other memory, and no reader compares two metrics for equality.
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Returns the count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls, for example the streams that are open.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    /// Raises the value by `n`.
    #[inline]
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Lowers the value by `n`. The caller added at least as much before: below zero the value wraps.
    #[inline]
    pub fn sub(&self, n: u64) {
        self.0.fetch_sub(n, Ordering::Relaxed);
    }

    /// Replaces the value.
    pub fn set(&self, n: u64) {
        self.0.store(n, Ordering::Relaxed);
    }

    /// Returns the value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Whether a metric only grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// A [`Counter`]: it only grows, so an exporter may derive rates from it.
    Counter,
    /// A [`Gauge`]: it rises and falls.
    Gauge,
}

/// One metric as an exporter or a log line reads it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Metric {
    /// The field's name.
    pub name: &'static str,
    /// The field's doc text, in one line.
    pub help: &'static str,
    /// Whether the metric only grows.
    pub kind: MetricKind,
    /// The value at the time of the visit.
    pub value: u64,
}

/// Declares a set of [`Counter`]s and [`Gauge`]s, and a plain copy of their values.
///
/// The set gets two methods: `snapshot` returns the copy, and `visit` hands each [`Metric`] to a closure, in the order
/// of declaration. The using crate depends on `serde`, because snapshots are part of reports.
///
/// ```
/// kerb_types::metrics! {
///     /// Metrics of an elevator.
///     pub struct Metrics -> MetricsSnapshot {
///         /// Trips since the start.
///         trips: Counter,
///         /// Passengers inside.
///         passengers: Gauge,
///     }
/// }
///
/// let metrics = Metrics::default();
/// metrics.trips.increment();
/// metrics.passengers.set(2);
/// assert_eq!(metrics.snapshot(), MetricsSnapshot { trips: 1, passengers: 2 });
///
/// let mut line = String::new();
/// metrics.visit(|metric| line += &format!("{}={} ", metric.name, metric.value));
/// assert_eq!(line, "trips=1 passengers=2 ");
/// ```
#[macro_export]
macro_rules! metrics {
    (
        $(#[$set_meta:meta])*
        $vis:vis struct $set:ident -> $snapshot:ident {
            $($(#[doc = $doc:literal])+ $name:ident: $kind:ident,)+
        }
    ) => {
        $(#[$set_meta])*
        #[derive(Debug, Default)]
        $vis struct $set {
            $($(#[doc = $doc])+ pub $name: $crate::metrics::$kind,)+
        }

        #[doc = concat!("The values of [`", stringify!($set), "`] at about one moment.")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
        $vis struct $snapshot {
            $($(#[doc = $doc])+ pub $name: u64,)+
        }

        impl $set {
            /// Returns the values of all metrics.
            $vis fn snapshot(&self) -> $snapshot {
                $snapshot { $($name: self.$name.get(),)+ }
            }

            /// Hands every metric to `visitor`, in the order of declaration.
            $vis fn visit(&self, mut visitor: impl FnMut($crate::metrics::Metric)) {
                $(visitor($crate::metrics::Metric {
                    name: stringify!($name),
                    help: concat!($($doc),+).trim_ascii(),
                    kind: $crate::metrics::MetricKind::$kind,
                    value: self.$name.get(),
                });)+
            }
        }
    };
}
