//! Summarizes many measurements in one line.

/// Prints the median, the least and the greatest of `values`. Of two values in the middle, the median is the upper one.
pub(crate) fn print(what: &str, unit: &str, values: &[f64], target: &str) {
    let sorted = sorted(values);
    let (least, greatest) = (sorted[0], sorted[sorted.len() - 1]);
    let median = quantile(&sorted, 0.5);
    let (rounds, decimals) = (sorted.len(), usize::from(greatest < 1_000.0));
    println!(
        "{what}: {median:.decimals$} {unit} ({least:.decimals$} to {greatest:.decimals$}, {rounds} rounds){target}"
    );
}

/// Returns the values in ascending order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// Returns the value below which this share of the sorted values is.
pub(crate) fn quantile(sorted: &[f64], share: f64) -> f64 {
    // The cast drops the fraction.
    let index = (sorted.len() as f64 * share) as usize;
    sorted[index.min(sorted.len() - 1)]
}

/// Converts a time to milliseconds.
pub(crate) fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
