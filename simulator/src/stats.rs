//! Means with intervals, and paired differences between policies on the same seeds.
//!
//! Two runs of one seed have the same riders and drivers, so their difference has far less noise than the figures
//! themselves: common random numbers (Law, "Simulation Modeling and Analysis", chapters 10 and 11).

mod switchback;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};

pub use switchback::{BlockFigures, RunBlocks, Switchback};

/// Confidence level of intervals.
pub const LEVEL: f64 = 0.95;

/// A mean with its confidence interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Interval {
    /// Number of values.
    pub count: usize,
    /// Mean of the values.
    pub mean: f64,
    /// Lower end; `None` with fewer than two values.
    pub low: Option<f64>,
    /// Upper end; `None` with fewer than two values.
    pub high: Option<f64>,
}

/// The mean difference of pairs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// Interval of the differences: the second value of a pair minus the first.
    pub interval: Interval,
    /// Two-sided p-value of the hypothesis that the true mean is 0; `None` with fewer than two pairs.
    pub p_value: Option<f64>,
}

impl Interval {
    /// Returns true if the interval does not contain 0.
    pub fn excludes_zero(&self) -> bool {
        self.low.is_some_and(|low| low > 0.0) || self.high.is_some_and(|high| high < 0.0)
    }
}

/// Computes Student's interval: `mean ± t(1 - (1 - level) / 2, n - 1) s / √n`. `None` without values.
pub fn mean_interval(values: &[f64], level: f64) -> Option<Interval> {
    let count = values.len();
    let mean = mean(values)?;
    let half =
        standard_error(values, mean).map(|error| error * student(count - 1).inverse_cdf(0.5 + level / 2.0));
    Some(Interval { count, mean, low: half.map(|half| mean - half), high: half.map(|half| mean + half) })
}

/// Computes the paired difference `second - first` by Student's t.
pub fn paired(pairs: &[(f64, f64)], level: f64) -> Option<Difference> {
    let differences: Vec<f64> = pairs.iter().map(|(first, second)| second - first).collect();
    let interval = mean_interval(&differences, level)?;
    let error = standard_error(&differences, interval.mean);
    let p_value = error.map(|error| p_value(interval.mean, error, differences.len() - 1));
    Some(Difference { interval, p_value })
}

/// Computes the bootstrap interval of the mean by percentiles (Efron, "Bootstrap methods", 1979). Each resample draws as
/// many values with repetition. It serves few or skewed values, for which Student's interval is less exact.
pub fn bootstrap_interval(values: &[f64], level: f64, resamples: u32, seed: u64) -> Option<Interval> {
    let mean_of_all = mean(values)?;
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    let mut draw = || {
        let drawn = (0..values.len()).map(|_| values[random.random_range(0..values.len())]);
        drawn.sum::<f64>() / values.len() as f64
    };
    let mut means: Vec<f64> = (0..resamples.max(1)).map(|_| draw()).collect();
    means.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| means[((share * means.len() as f64) as usize).min(means.len() - 1)];
    let tail = (1.0 - level) / 2.0;
    Some(Interval { count: values.len(), mean: mean_of_all, low: Some(at(tail)), high: Some(at(1.0 - tail)) })
}

fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// Computes the standard error of the mean; `None` with fewer than two values.
fn standard_error(values: &[f64], mean: f64) -> Option<f64> {
    let n = values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (values.len() > 1).then(|| (squares / (n - 1.0) / n).sqrt())
}

fn p_value(mean: f64, error: f64, freedom: usize) -> f64 {
    if error > 0.0 {
        2.0 * student(freedom).cdf(-(mean / error).abs())
    } else if mean == 0.0 {
        1.0
    } else {
        0.0
    }
}

fn student(freedom: usize) -> StudentsT {
    StudentsT::new(0.0, 1.0, freedom as f64).expect("there are at least two values")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Student's own example: hours of sleep gained with two drugs by ten patients ("The probable error of a mean",
    /// Biometrika 6, 1908; the data set `sleep` of R, whose `t.test(paired = TRUE)` prints t = -4.0621, p = 0.002833,
    /// -2.4598858 to -0.7001142).
    const SLEEP: [(f64, f64); 10] = [
        (1.9, 0.7),
        (0.8, -1.6),
        (1.1, -0.2),
        (0.1, -1.2),
        (-0.1, -0.1),
        (4.4, 3.4),
        (5.5, 3.7),
        (1.6, 0.8),
        (4.6, 0.0),
        (3.4, 2.0),
    ];

    #[test]
    fn students_sleep_data_give_his_interval() {
        let found = paired(&SLEEP, 0.95).unwrap();
        assert!((found.interval.mean + 1.58).abs() < 1e-9);
        assert!((found.interval.low.unwrap() + 2.459_885_8).abs() < 1e-6);
        assert!((found.interval.high.unwrap() + 0.700_114_2).abs() < 1e-6);
        assert!((found.p_value.unwrap() - 0.002_833).abs() < 1e-6);
        assert!(found.interval.excludes_zero());
    }

    #[test]
    fn an_interval_by_hand() {
        // Mean 2, standard deviation 1, t(0.975, 2) = 4.302653.
        let found = mean_interval(&[1.0, 2.0, 3.0], 0.95).unwrap();
        let half = 4.302_653 / 3.0_f64.sqrt();
        assert!(
            (found.low.unwrap() - (2.0 - half)).abs() < 1e-5
                && (found.high.unwrap() - (2.0 + half)).abs() < 1e-5
        );
        assert!(!found.excludes_zero());
    }

    #[test]
    fn one_value_has_no_interval() {
        assert_eq!(
            mean_interval(&[7.0], LEVEL),
            Some(Interval { count: 1, mean: 7.0, low: None, high: None })
        );
        assert_eq!(mean_interval(&[], LEVEL), None);
        assert_eq!(paired(&[(1.0, 2.0)], LEVEL).unwrap().p_value, None);
        assert_eq!(paired(&[(1.0, 2.0), (3.0, 4.0)], LEVEL).unwrap().p_value, Some(0.0));
    }

    #[test]
    fn the_bootstrap_is_near_student_and_the_same_for_a_seed() {
        let values: Vec<f64> = (0..200).map(|i| f64::from(i * 7919 % 200)).collect();
        let (boot, student) =
            (bootstrap_interval(&values, 0.95, 4_000, 1).unwrap(), mean_interval(&values, 0.95).unwrap());
        assert!((boot.low.unwrap() - student.low.unwrap()).abs() < 1.0, "{boot:?} {student:?}");
        assert!((boot.high.unwrap() - student.high.unwrap()).abs() < 1.0, "{boot:?} {student:?}");
        assert_eq!(Some(boot), bootstrap_interval(&values, 0.95, 4_000, 1));
    }
}
