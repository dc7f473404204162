//! A declared set of metrics can be counted, copied and visited.

use kerb_types::metrics::{Metric, MetricKind};

kerb_types::metrics! {
    /// A set for this test.
    pub struct Metrics -> MetricsSnapshot {
        /// Requests answered,
        /// of all kinds.
        answered: Counter,
        /// Requests under way.
        in_flight: Gauge,
    }
}

#[test]
fn values_are_counted_copied_and_visited_in_order() {
    let metrics = Metrics::default();
    metrics.answered.increment();
    metrics.answered.add(2);
    metrics.in_flight.set(5);
    metrics.in_flight.add(2);
    metrics.in_flight.sub(3);
    assert_eq!(metrics.snapshot(), MetricsSnapshot { answered: 3, in_flight: 4 });
    let mut seen = Vec::new();
    metrics.visit(|metric| seen.push(metric));
    let answered = "Requests answered, of all kinds.";
    assert_eq!(
        seen,
        [
            Metric { name: "answered", help: answered, kind: MetricKind::Counter, value: 3 },
            Metric { name: "in_flight", help: "Requests under way.", kind: MetricKind::Gauge, value: 4 },
        ]
    );
}
