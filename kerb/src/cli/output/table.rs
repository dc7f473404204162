//! Columns of text for a terminal.

use std::fmt::Write;

use kerb::terminal::escape;
use kerb_proto::v1::TravelSource;

/// Lays out rows below their headers. A column is right-aligned where its header starts with a space. Cells may hold
/// callers' strings: they are escaped.
pub(crate) fn render(heads: &[&str], rows: &[Vec<String>]) -> String {
    let escaped = |row: &Vec<String>| row.iter().map(|cell| escape(cell).into_owned()).collect();
    let rows: Vec<Vec<String>> = rows.iter().map(escaped).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.chain([heads[column].trim().len()]).max().unwrap_or(0)
    };
    let widths: Vec<_> = (0..heads.len()).map(width).collect();
    let mut text = String::new();
    let names: Vec<_> = heads.iter().map(|head| head.trim().to_owned()).collect();
    for row in std::iter::once(&names).chain(&rows) {
        let mut line = String::new();
        for ((cell, width), head) in row.iter().zip(&widths).zip(heads) {
            // Writing to a string cannot fail.
            let _ = if head.starts_with(' ') {
                write!(line, "{cell:>width$}  ")
            } else {
                write!(line, "{cell:width$}  ")
            };
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Formats a distance in meters, and from 10 km on in kilometers.
pub(crate) fn distance(m: f64) -> String {
    if m < 10_000.0 { format!("{m:.1} m") } else { format!("{:.1} km", m / 1_000.0) }
}

/// Formats a duration in seconds with one decimal.
pub(crate) fn age(ms: u32) -> String {
    format!("{:.1} s", f64::from(ms) / 1_000.0)
}

/// Formats a duration in seconds, and from one minute on in minutes and seconds.
pub(crate) fn duration(s: u32) -> String {
    if s < 60 { format!("{s} s") } else { format!("{} min {:02} s", s / 60, s % 60) }
}

/// Returns the name of a travel time's source.
pub(crate) fn source(source: TravelSource) -> &'static str {
    match source {
        TravelSource::Unspecified => "-",
        TravelSource::Roads => "roads",
        TravelSource::StraightLine => "straight_line",
        TravelSource::Mixed => "mixed",
    }
}

/// Formats a size in the largest unit that leaves a number of at least 1.
pub(crate) fn bytes(count: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    match units.into_iter().find(|(unit, _)| count >= *unit) {
        // Above 2^53 a double rounds, which the one decimal does not show.
        Some((unit, name)) => format!("{:.1} {name}", count as f64 / unit as f64),
        None => format!("{count} B"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [vec!["cab-1".to_owned(), "7".to_owned()], vec!["x".to_owned(), "1200".to_owned()]];
        assert_eq!(render(&["ID", " N"], &rows), "ID        N\ncab-1     7\nx      1200\n");
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let rows = [vec!["a\u{1b}[2J\nb".to_owned()]];
        assert_eq!(render(&["ID"], &rows), "ID\na\\u{1b}[2J\\nb\n");
    }

    #[test]
    fn quantities_have_units() {
        assert_eq!(distance(812.34), "812.3 m");
        assert_eq!(distance(12_345.0), "12.3 km");
        assert_eq!(age(2_340), "2.3 s");
        assert_eq!((duration(59), duration(125)), ("59 s".into(), "2 min 05 s".into()));
        assert_eq!(
            (bytes(12), bytes(2_048), bytes(3 << 30)),
            ("12 B".into(), "2.0 KiB".into(), "3.0 GiB".into())
        );
    }
}
