//! Bar charts, with one logarithmic scale per group.

use maud::html;

use super::px;

/// Widths of a plot, of its names and of its values, pixels.
const WIDTH: f64 = 900.0;
const NAMES: f64 = 330.0;
const VALUES: f64 = 110.0;
/// Height of a bar with its gap, pixels.
const ROW: f64 = 17.0;
/// Colors by the number of a bar in its group, distinguishable for most eyes (Okabe and Ito, 2008).
const COLORS: [&str; 5] = ["#0072b2", "#d55e00", "#e69f00", "#009e73", "#cc79a7"];

/// A group of bars that share a scale.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// The quantity of the bars, with the unit.
    pub title: String,
    /// Name and value of each bar; values above 0.
    pub bars: Vec<(String, f64)>,
}

/// Draws all groups, one below the other. The shortest bar of a group is a tenth of its longest's decades.
pub fn bars(title: &str, groups: &[Group]) -> String {
    let rows: usize = groups.iter().map(|group| group.bars.len() + 2).sum();
    let height = ROW * (rows + 3) as f64;
    let mut y = ROW * 1.5;
    let mut next = |rows: f64| {
        y += rows * ROW;
        y
    };
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(height) font-family="sans-serif" font-size="12" {
            rect width="100%" height="100%" fill="white" {}
            text x="10" y=(px(next(0.0))) font-weight="bold" font-size="14" { (title) }
            @for group in groups {
                @let scale = Scale::of(group);
                text x="10" y=(px(next(2.0))) font-weight="bold" { (group.title) }
                @for (i, (name, value)) in group.bars.iter().enumerate() {
                    @let y = next(1.0);
                    @let width = scale.width(*value);
                    @let color = COLORS[i % COLORS.len()];
                    text x="20" y=(px(y)) { (name) }
                    rect x=(NAMES) y=(px(y - ROW + 5.0)) width=(px(width)) height=(ROW - 4.0) fill=(color) {}
                    text x=(px(NAMES + width + 6.0)) y=(px(y)) { (short(*value)) }
                }
            }
        }
    };
    svg.into_string()
}

/// The scale of a group, from decades to pixels.
struct Scale {
    low: f64,
    decades: f64,
}

impl Scale {
    fn of(group: &Group) -> Self {
        let logs = || group.bars.iter().map(|(_, value)| value.max(f64::MIN_POSITIVE).log10());
        let (low, high) = (logs().fold(f64::INFINITY, f64::min), logs().fold(f64::NEG_INFINITY, f64::max));
        let decades = (high - low).max(1.0);
        Self { low: low - 0.1 * decades, decades: 1.1 * decades }
    }

    fn width(&self, value: f64) -> f64 {
        let share = (value.max(f64::MIN_POSITIVE).log10() - self.low) / self.decades;
        share.clamp(0.0, 1.0) * (WIDTH - NAMES - VALUES)
    }
}

/// Formats a value with three digits and a letter.
fn short(value: f64) -> String {
    let (value, letter) = match value {
        v if v >= 1e9 => (v / 1e9, "G"),
        v if v >= 1e6 => (v / 1e6, "M"),
        v if v >= 1e4 => (v / 1e3, "k"),
        v => (v, ""),
    };
    let decimals = if value >= 100.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.decimals$}{letter}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_long_as_their_logarithms_say() {
        let bar = |value: f64| (format!("{value} <&>"), value);
        let group = Group { title: "speed".to_owned(), bars: vec![bar(1.0), bar(10.0), bar(100.0)] };
        let scale = Scale::of(&group);
        let full = WIDTH - NAMES - VALUES;
        assert!((scale.width(100.0) - full).abs() < 1e-9);
        let steps = (scale.width(10.0) - scale.width(1.0), scale.width(100.0) - scale.width(10.0));
        assert!((steps.0 - steps.1).abs() < 1e-9 && scale.width(1.0) > 0.0);
        let svg = bars("all", &[group]);
        assert_eq!(svg.matches("<rect").count(), 4);
        assert!(svg.contains("100 &lt;&amp;&gt;"));
    }

    #[test]
    fn values_are_short() {
        let shorts = [0.123, 12.34, 9_999.0, 12_345.0, 2.5e6, 3e9].map(short);
        assert_eq!(shorts, ["0.12", "12.3", "9999", "12.3k", "2.50M", "3.00G"]);
    }
}
