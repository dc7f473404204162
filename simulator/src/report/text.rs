//! The format of figures: units, thousands, signs, intervals.

pub(super) use kerb_loadgen::plot::grouped;

use crate::metrics::Unit;
use crate::stats::Interval;

/// Formats a number of items, like `1 run` or `2 runs`.
pub(super) fn count(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", grouped(count as f64, 0), if count == 1 { one } else { many })
}

/// Formats a figure with its unit.
pub(super) fn figure(value: f64, unit: Unit) -> String {
    let name = match unit {
        Unit::Share => "\u{a0}%",
        Unit::Seconds => "\u{a0}s",
        Unit::Meters => "\u{a0}m",
        Unit::Plain | Unit::Count => "",
    };
    format!("{}{name}", bare(value, unit))
}

/// Formats a difference with sign and unit. A difference of shares is in percentage points.
pub(super) fn change(value: f64, unit: Unit) -> String {
    let written =
        if unit == Unit::Share { format!("{}\u{a0}points", bare(value, unit)) } else { figure(value, unit) };
    let is_zero = !written.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if value > 0.0 && !is_zero { format!("+{written}") } else { written }
}

/// Formats an interval without the unit; `None` if there is none.
pub(super) fn span(interval: &Interval, unit: Unit) -> Option<String> {
    Some(format!("{} to {}", bare(interval.low?, unit), bare(interval.high?, unit)))
}

fn bare(value: f64, unit: Unit) -> String {
    match unit {
        Unit::Share => grouped(value * 100.0, 1),
        Unit::Seconds | Unit::Count => grouped(value, 1),
        Unit::Meters => grouped(value, 0),
        Unit::Plain => grouped(value, 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_units_thousands_and_signs() {
        assert_eq!(figure(0.912_34, Unit::Share), "91.2\u{a0}%");
        assert_eq!(figure(1_234_567.4, Unit::Meters), "1,234,567\u{a0}m");
        assert_eq!(change(0.012, Unit::Share), "+1.2\u{a0}points");
        assert_eq!(change(-12.34, Unit::Seconds), "\u{2212}12.3\u{a0}s");
        assert_eq!(change(-0.001, Unit::Seconds), "0.0\u{a0}s");
        assert_eq!(change(0.001, Unit::Seconds), "0.0\u{a0}s");
        assert_eq!(count(1, "run", "runs"), "1 run");
        assert_eq!(count(1_000, "run", "runs"), "1,000 runs");
    }
}
