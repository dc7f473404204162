//! The shareability graph of a day: which trip can follow which, exactly, as bits.
//!
//! Vazifeh, Santi, Resta, Strogatz, Ratti, "Addressing the minimum fleet problem in on-demand urban mobility", Nature
//! 557 (2018): there is an edge from trip i to trip j if one vehicle can serve both in this order without a delay, and
//! the time from the drop-off of i to the pickup of j is at most δ.
//!
//! Trips are sorted by time of pickup, so the candidates of a trip are a range of numbers with a bit for each. Manhattan's 456,145 trips with δ of 15 minutes are 2.2 thousand million pairs, 275 MB.

use kerb_routing::engine::{Router, UNREACHABLE_MS};

use crate::fleet_size::day::Day;

/// Maximum words of 64 candidates: 1 GB.
const WORDS_MAX: usize = 1 << 27;
/// Trips of one travel-time table.
const TABLE_ROWS: usize = 256;
const BITS: usize = u64::BITS as usize;

/// A bipartite graph whose rows are ranges of bits.
#[derive(Debug)]
pub struct Graph {
    rows: Vec<BitRange>,
    words: Vec<u64>,
    columns: usize,
}

/// The range of a row's bits.
#[derive(Clone, Copy, Debug, Default)]
struct BitRange {
    /// Index of the first word in [`Graph::words`].
    begins: usize,
    /// Index of the first column, in words.
    first: u32,
    /// Number of words.
    len: u32,
}

/// The day has too many pairs of trips.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{found} pairs of trips within {delta_s} s of each other, at most {max} fit: a smaller --delta-min would do"
)]
pub struct TooManyPairs {
    found: usize,
    max: usize,
    delta_s: i64,
}

impl Graph {
    /// Creates a graph without edges. Row `i` can have the columns of `windows[i]`.
    fn new(windows: &[(usize, usize)], columns: usize) -> Self {
        let mut rows = Vec::with_capacity(windows.len());
        let mut begins = 0;
        for &(from, to) in windows {
            let (first, last) = (from / BITS, to.div_ceil(BITS));
            let len = if from < to { last - first } else { 0 };
            rows.push(BitRange { begins, first: first as u32, len: len as u32 });
            begins += len;
        }
        Self { rows, words: vec![0; begins], columns }
    }

    /// Creates a graph from the columns of each row.
    pub fn of_lists(rows: &[Vec<u32>], columns: usize) -> Self {
        let window = |row: &Vec<u32>| {
            let (from, to) = (row.iter().min(), row.iter().max());
            (from.map_or(0, |c| *c as usize), to.map_or(0, |c| *c as usize + 1))
        };
        let mut graph = Self::new(&rows.iter().map(window).collect::<Vec<_>>(), columns);
        for (row, columns) in rows.iter().enumerate() {
            for column in columns {
                graph.set(row, *column as usize);
            }
        }
        graph
    }

    /// Returns the number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Returns the number of columns.
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Returns the number of edges.
    pub fn edges(&self) -> u64 {
        self.words.iter().map(|word| u64::from(word.count_ones())).sum()
    }

    /// Returns the bits of a row, and the index of its first column, in words.
    pub fn row(&self, row: usize) -> (usize, &[u64]) {
        let range = self.rows[row];
        (range.first as usize, &self.words[range.begins..range.begins + range.len as usize])
    }

    /// Returns true if the graph has this edge.
    pub fn has(&self, row: usize, column: usize) -> bool {
        let (first, words) = self.row(row);
        let word = (column / BITS).checked_sub(first).and_then(|word| words.get(word));
        word.is_some_and(|word| word >> (column % BITS) & 1 == 1)
    }

    fn set(&mut self, row: usize, column: usize) {
        let range = self.rows[row];
        self.words[range.begins + column / BITS - range.first as usize] |= 1 << (column % BITS);
    }
}

/// Computes the shareability graph of a day: rows and columns are its trips.
pub fn shareability(day: &Day, router: &Router, delta_s: i64) -> Result<Graph, TooManyPairs> {
    let windows: Vec<_> = day.trips.iter().map(|trip| window(day, trip.dropoff_s, delta_s)).collect();
    let words: usize = windows.iter().map(|(from, to)| to.div_ceil(BITS) - from / BITS).sum();
    if words > WORDS_MAX {
        return Err(TooManyPairs { found: words * BITS, max: WORDS_MAX * BITS, delta_s });
    }
    let mut graph = Graph::new(&windows, day.trips.len());
    let mut by_dropoff: Vec<usize> = (0..day.trips.len()).collect();
    by_dropoff.sort_by_key(|trip| day.trips[*trip].dropoff_s);
    for rows in by_dropoff.chunks(TABLE_ROWS) {
        fill(&mut graph, day, router, &windows, rows);
    }
    Ok(graph)
}

/// Returns the range of trips that begin from this time on, at most δ later.
fn window(day: &Day, free_s: i64, delta_s: i64) -> (usize, usize) {
    let before = |limit_s: i64| day.trips.partition_point(|trip| trip.pickup_s < limit_s);
    (before(free_s), before(free_s + delta_s + 1))
}

/// Sets the edges of some trips that end at about the same time.
fn fill(graph: &mut Graph, day: &Day, router: &Router, windows: &[(usize, usize)], rows: &[usize]) {
    let from = rows.iter().map(|row| windows[*row].0).min().unwrap_or(0);
    let to = rows.iter().map(|row| windows[*row].1).max().unwrap_or(0);
    let sources = PlaceNumbers::of(rows.iter().map(|row| day.trips[*row].to));
    let targets = PlaceNumbers::of(day.trips[from..to.max(from)].iter().map(|trip| trip.from));
    let ends = |numbers: &PlaceNumbers| -> Vec<&[_]> {
        numbers.0.iter().map(|place| &day.places[*place as usize][..]).collect()
    };
    let table = router.matrix(&ends(&sources), &ends(&targets));
    let columns: Vec<usize> =
        day.trips[from..to.max(from)].iter().map(|trip| targets.at(trip.from)).collect();
    for &row in rows {
        let trip = day.trips[row];
        let slowness = day.slowness_at(trip.dropoff_s);
        let times_ms = table.row(sources.at(trip.to));
        for column in windows[row].0..windows[row].1 {
            let time_ms = times_ms[columns[column - from]];
            let left_ms = (day.trips[column].pickup_s - trip.dropoff_s) as f64 * 1_000.0;
            if time_ms < UNREACHABLE_MS && f64::from(time_ms) * slowness <= left_ms {
                graph.set(row, column);
            }
        }
    }
}

/// The distinct numbers of places, sorted.
struct PlaceNumbers(Vec<u32>);

impl PlaceNumbers {
    fn of(places: impl Iterator<Item = u32>) -> Self {
        let mut numbers: Vec<u32> = places.collect();
        numbers.sort_unstable();
        numbers.dedup();
        Self(numbers)
    }

    fn at(&self, place: u32) -> usize {
        self.0.binary_search(&place).expect("every place was inserted")
    }
}
