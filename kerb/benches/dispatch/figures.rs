//! Many measurements as one line.

/// Prints the median of `values`, the upper one of the two in the middle, and the least and the greatest.
pub(crate) fn print(what: &str, unit: &str, values: &[f64], asked: &str) {
    let sorted = sorted(values);
    let (least, greatest) = (sorted[0], sorted[sorted.len() - 1]);
    let median = quantile(&sorted, 0.5);
    let (rounds, places) = (sorted.len(), usize::from(greatest < 1_000.0));
    println!(
        "{what}: {median:.places$} {unit} ({least:.places$} to {greatest:.places$}, {rounds} rounds){asked}"
    );
}

/// In order.
pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The value below which this part of them is.
pub(crate) fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = (sorted.len() as f64 * part) as usize;
    sorted[place.min(sorted.len() - 1)]
}

/// A time in milliseconds.
pub(crate) fn millis(time: std::time::Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
