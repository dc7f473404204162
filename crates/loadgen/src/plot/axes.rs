//! A plot's frame: scales, ticks and grid, in which others draw.

use maud::{Markup, html};

use super::{grouped, px};

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 300.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 44.0;

/// Ticks of an axis at most.
const TICKS_MAX: f64 = 7.0;
/// Steps of ticks of times, minutes.
const STEPS_MIN: [i64; 11] = [1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1_440];

/// A scale with its ticks.
#[derive(Clone, Debug)]
pub struct Axis {
    /// The quantity, with the unit.
    pub label: String,
    low: f64,
    high: f64,
    ticks: Vec<(f64, String)>,
}

impl Axis {
    /// From 0 to a round number that is at least `high`.
    pub fn from_zero(label: &str, high: f64) -> Self {
        let step = round_step(high.max(1e-9) / (TICKS_MAX - 1.0));
        let count = (high / step).ceil().max(1.0) as i32;
        let decimals = if step < 1.0 { 2 } else { 0 };
        let ticks = (0..=count).map(|i| {
            let value = f64::from(i) * step;
            (value, grouped(value, decimals))
        });
        Self { label: label.to_owned(), low: 0.0, high: f64::from(count) * step, ticks: ticks.collect() }
    }

    /// From 0 to 100 %; values are shares.
    pub fn share(label: &str) -> Self {
        let ticks = (0..=5).map(|i| (f64::from(i) / 5.0, format!("{} %", i * 20)));
        Self { label: label.to_owned(), low: 0.0, high: 1.0, ticks: ticks.collect() }
    }

    /// Of times in milliseconds, with ticks on the clock that is `offset_ms` ahead of UTC.
    pub fn clock(label: &str, (from_ms, to_ms): (i64, i64), offset_ms: i64) -> Self {
        let minutes = ((to_ms - from_ms) / 60_000).max(1);
        let step_min =
            STEPS_MIN.into_iter().find(|step| minutes / step <= TICKS_MAX as i64).unwrap_or_else(|| {
                let days = minutes / 1_440;
                1_440 * (days / TICKS_MAX as i64 + 1)
            });
        let step_ms = step_min * 60_000;
        let first = (from_ms + offset_ms).div_euclid(step_ms);
        let last = (to_ms + offset_ms).div_euclid(step_ms);
        let at = (first..=last).map(|i| i * step_ms).filter(|ms| *ms >= from_ms + offset_ms);
        let ticks = at.map(|local_ms| ((local_ms - offset_ms) as f64, time_of_day(local_ms)));
        Self { label: label.to_owned(), low: from_ms as f64, high: to_ms as f64, ticks: ticks.collect() }
    }

    /// Returns the largest value.
    pub fn high(&self) -> f64 {
        self.high
    }

    fn share_of(&self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }
}

/// `HH:MM` of milliseconds on a local clock.
pub fn time_of_day(local_ms: i64) -> String {
    let minute = local_ms.div_euclid(60_000).rem_euclid(1_440);
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

/// 1, 2 or 5 times a power of ten, at least `least`.
pub fn round_step(least: f64) -> f64 {
    let power = 10.0_f64.powf(least.log10().floor());
    [1.0, 2.0, 5.0].map(|digit| digit * power).into_iter().find(|step| *step >= least).unwrap_or(10.0 * power)
}

/// The horizontal and the vertical axis of a plot.
#[derive(Clone, Debug)]
pub struct Frame {
    /// The title, which also describes the picture to a screen reader.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
}

impl Frame {
    /// Pixels of a point.
    pub fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        (
            LEFT + self.x.share_of(x) * (WIDTH - LEFT - RIGHT),
            HEIGHT - BOTTOM - self.y.share_of(y) * (HEIGHT - TOP - BOTTOM),
        )
    }

    /// Points for a `polyline` or `polygon`.
    pub fn points(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let written = points.into_iter().map(|point| {
            let (x, y) = self.at(point);
            format!("{x:.1},{y:.1}")
        });
        written.collect::<Vec<_>>().join(" ")
    }

    /// The frame with what stands in it.
    pub fn draw(&self, inside: &Markup) -> Markup {
        let (right, bottom) = (WIDTH - RIGHT, HEIGHT - BOTTOM);
        let view_box = format!("0 0 {WIDTH} {HEIGHT}");
        html! {
            svg viewBox=(view_box) role="img" aria-label=(self.title) {
                text.head x="4" y="16" { (self.title) }
                @for (value, label) in &self.y.ticks {
                    @let (_, y) = self.at((self.x.low, *value));
                    line.grid x1=(LEFT) x2=(right) y1=(px(y)) y2=(px(y)) {}
                    text x=(LEFT - 6.0) y=(px(y + 4.0)) text-anchor="end" { (label) }
                }
                @for (value, label) in &self.x.ticks {
                    @let (x, _) = self.at((*value, self.y.low));
                    line.axis x1=(px(x)) x2=(px(x)) y1=(bottom) y2=(bottom + 4.0) {}
                    text x=(px(x)) y=(bottom + 17.0) text-anchor="middle" { (label) }
                }
                (inside)
                line.axis x1=(LEFT) x2=(right) y1=(bottom) y2=(bottom) {}
                text x=(px(LEFT.midpoint(right))) y=(HEIGHT - 8.0) text-anchor="middle" { (self.x.label) }
                @if !self.y.label.is_empty() {
                    text x=(right) y="16" text-anchor="end" { (self.y.label) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_on_round_numbers_and_hold_all_values() {
        for high in [0.0, 0.3, 1.0, 7.0, 99.0, 100.0, 101.0, 12_345.0] {
            let axis = Axis::from_zero("", high);
            assert!(axis.high >= high && (2..=8).contains(&axis.ticks.len()), "{high}: {:?}", axis.ticks);
        }
        assert_eq!((round_step(0.3), round_step(2.0), round_step(51.0)), (0.5, 2.0, 100.0));
    }

    #[test]
    fn times_are_on_the_citys_clock() {
        // 2008-05-22 17:00 in San Francisco, seven hours behind.
        let (from_ms, offset_ms) = (1_211_500_800_000, -7 * 3_600_000);
        let axis = Axis::clock("", (from_ms, from_ms + 2 * 3_600_000), offset_ms);
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, ["17:00", "17:30", "18:00", "18:30", "19:00"]);
    }
}
