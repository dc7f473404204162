//! The conformance suite of [`TripJournal`].
//!
//! [`trip_journal_conformance!`](crate::trip_journal_conformance) declares one test per case. A case receives an
//! [`OpenJournal`], which opens the same journal at each call; the journal is empty at first. The case drops the journal
//! before it opens it again.

use std::sync::Arc;

use futures::future::{BoxFuture, join_all};
use kerb_types::Timestamp;

use crate::{ErrorCode, TripJournal, TripJournalError};
use kerb_trips::{Change, MarketId, Record, TripEvent, TripId, Version};

type Journal = Arc<dyn TripJournal>;

/// Opens the journal under test.
pub type OpenJournal = Box<dyn Fn() -> BoxFuture<'static, Journal> + Send + Sync>;

/// The number of writers that contend for one version.
const WRITERS: usize = 16;
/// The number of versions for which they contend.
const ROUNDS: u64 = 100;

/// Declares a `#[tokio::test]` for every case. `$open` is a function that returns `(OpenJournal, impl Sized)`; the second
/// value lives as long as the case.
#[macro_export]
macro_rules! trip_journal_conformance {
    ($open:path) => {
        $crate::trip_journal_conformance! { @cases $open;
            versions_count_from_one_without_gaps, an_append_after_a_wrong_version_changes_nothing,
            exactly_one_of_many_writers_wins, markets_are_independent, records_are_read_in_pages,
            a_newer_snapshot_replaces_an_older_one, a_snapshot_needs_its_records,
            a_record_that_is_not_serializable_is_not_written, acknowledged_records_survive_reopening,
        }
    };
    (@cases $open:path; $($case:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $case() {
                let (open, _keep) = $open();
                $crate::conformance::journal::$case(open).await;
            }
        )*
    };
}

/// Returns the id of a market.
pub fn market(name: &str) -> MarketId {
    MarketId::new(name).unwrap()
}

/// Returns a record that identifies its writer and its number.
pub fn record(matcher: &str, number: u64) -> Record {
    let trip = TripId { market: market("world"), number };
    Record {
        at_ms: Timestamp::from_millis(1_700_000_000_000 + number as i64),
        matcher: matcher.to_owned(),
        changes: vec![
            Change::Trip { trip, event: TripEvent::Expired },
            Change::MarketPaused { paused: number.is_multiple_of(2) },
        ],
    }
}

const fn v(number: u64) -> Version {
    Version::new(number)
}

/// Appends `count` records to an empty market, so that record `n` has version `n`.
async fn fill(journal: &Journal, market: &MarketId, count: u64) {
    for version in 1..=count {
        let appended = journal.append(market.clone(), v(version - 1), record(market.as_str(), version)).await;
        assert_eq!(appended, Ok(v(version)));
    }
}

/// Returns the records `first` to `last` of a market after [`fill`].
fn filled(market: &MarketId, first: u64, last: u64) -> Vec<(Version, Record)> {
    (first..=last).map(|version| (v(version), record(market.as_str(), version))).collect()
}

/// The first record has version 1 and each further one the next version. A record is readable once it is appended.
pub async fn versions_count_from_one_without_gaps(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    assert_eq!(journal.version(world.clone()).await, Ok(v(0)));
    assert_eq!(journal.read(world.clone(), v(0), 10).await, Ok(vec![]));
    assert_eq!(journal.markets().await, Ok(vec![]));
    for version in 1..=20 {
        let appended = journal.append(world.clone(), v(version - 1), record("world", version)).await;
        assert_eq!(appended, Ok(v(version)));
        assert_eq!(journal.version(world.clone()).await, Ok(v(version)));
        assert_eq!(
            journal.read(world.clone(), v(version - 1), 10).await,
            Ok(filled(&world, version, version))
        );
    }
    assert_eq!(journal.read(world.clone(), v(0), 100).await, Ok(filled(&world, 1, 20)));
}

/// An append that expects a too old or too new version fails with the newest version, and writes nothing.
pub async fn an_append_after_a_wrong_version_changes_nothing(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    let conflict = |expected, current| {
        Err(TripJournalError::Conflict {
            market: market("world"),
            expected: v(expected),
            current: v(current),
        })
    };
    assert_eq!(journal.append(world.clone(), v(1), record("late", 1)).await, conflict(1, 0));
    assert_eq!(journal.markets().await, Ok(vec![]));
    fill(&journal, &world, 3).await;
    for expected in [0, 1, 2, 4, 5, u64::MAX] {
        assert_eq!(
            journal.append(world.clone(), v(expected), record("late", 1)).await,
            conflict(expected, 3)
        );
    }
    assert_eq!(journal.version(world.clone()).await, Ok(v(3)));
    assert_eq!(journal.read(world.clone(), v(0), 10).await, Ok(filled(&world, 1, 3)));
}

/// Of several writers that expect the same version exactly one succeeds, and the journal contains its record.
pub async fn exactly_one_of_many_writers_wins(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    for expected in 0..ROUNDS {
        let writers = (0..WRITERS).map(|number| {
            let (journal, world) = (Arc::clone(&journal), world.clone());
            let record = record(&format!("matcher-{number}"), expected + 1);
            tokio::spawn(async move { journal.append(world, v(expected), record).await })
        });
        let results: Vec<_> = join_all(writers).await.into_iter().map(Result::unwrap).collect();
        let winners: Vec<_> = (0..WRITERS).filter(|number| results[*number].is_ok()).collect();
        let [winner] = winners[..] else { panic!("version {expected}: {results:?}") };
        assert_eq!(results[winner], Ok(v(expected + 1)));
        for loser in results.iter().filter(|result| result.is_err()) {
            let (expected, current) = (v(expected), v(expected + 1));
            assert_eq!(*loser, Err(TripJournalError::Conflict { market: world.clone(), expected, current }));
        }
        let written = journal.read(world.clone(), v(expected), 10).await.unwrap();
        assert_eq!(written, [(v(expected + 1), record(&format!("matcher-{winner}"), expected + 1))]);
    }
}

/// Each market has its own versions, records and snapshot, also if one name is a prefix of another.
pub async fn markets_are_independent(open: OpenJournal) {
    let journal = open().await;
    let markets = ["a", "a-", "a.b", "b", "world"].map(market);
    let fills = markets.iter().zip(1..).map(|(market, count)| fill(&journal, market, count));
    join_all(fills).await;
    journal.save_snapshot(markets[1].clone(), v(1), b"of a-".to_vec()).await.unwrap();
    assert_eq!(journal.markets().await, Ok(markets.to_vec()));
    for (market, count) in markets.iter().zip(1..) {
        assert_eq!(journal.version(market.clone()).await, Ok(v(count)));
        assert_eq!(journal.read(market.clone(), v(0), 100).await, Ok(filled(market, 1, count)));
        let snapshot = (*market == markets[1]).then(|| (v(1), b"of a-".to_vec()));
        assert_eq!(journal.snapshot(market.clone()).await, Ok(snapshot));
    }
}

/// A page has `max` records or the remaining ones. A page after the end is empty.
pub async fn records_are_read_in_pages(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    fill(&journal, &world, 25).await;
    fill(&journal, &market("world2"), 5).await;
    let mut read = Vec::new();
    for length in [10, 10, 5, 0] {
        let page = journal.read(world.clone(), v(read.len() as u64), 10).await.unwrap();
        assert_eq!(page.len(), length);
        read.extend(page);
    }
    assert_eq!(read, filled(&world, 1, 25));
    let page = journal.read_page(world.clone(), v(7), 10, 1).await;
    assert_eq!(page, Ok(filled(&world, 8, 8)), "one record has more bytes than the page");
    let page = journal.read_page(world.clone(), v(7), 10, usize::MAX).await;
    assert_eq!(page, Ok(filled(&world, 8, 17)));
    assert_eq!(journal.read(world.clone(), v(7), 0).await, Ok(vec![]));
    assert_eq!(journal.read(world.clone(), v(24), usize::MAX).await, Ok(filled(&world, 25, 25)));
    assert_eq!(journal.read(world.clone(), v(25), usize::MAX).await, Ok(vec![]));
    assert_eq!(journal.read(world, Version::MAX, usize::MAX).await, Ok(vec![]));
}

/// The journal keeps one snapshot, the one of the newest version, with any bytes.
pub async fn a_newer_snapshot_replaces_an_older_one(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    fill(&journal, &world, 3).await;
    assert_eq!(journal.snapshot(world.clone()).await, Ok(None));
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| n as u8).collect();
    // Version, bytes, and whether the journal keeps the snapshot.
    let saves = [(1, vec![], true), (3, bytes, true), (2, vec![7], false), (3, vec![8, 0], true)];
    let mut expected = None;
    for (version, bytes, is_kept) in saves {
        journal.save_snapshot(world.clone(), v(version), bytes.clone()).await.unwrap();
        if is_kept {
            expected = Some((v(version), bytes));
        }
        assert_eq!(journal.snapshot(world.clone()).await, Ok(expected.clone()));
    }
    assert_eq!(journal.read(world.clone(), v(0), 10).await, Ok(filled(&world, 1, 3)));
}

/// A snapshot of a version that does not exist yet is invalid, because it would hide later records.
pub async fn a_snapshot_needs_its_records(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    let saved = journal.save_snapshot(world.clone(), v(1), vec![1]).await;
    assert_eq!(saved.map_err(|error| error.code()), Err(ErrorCode::Invalid));
    fill(&journal, &world, 2).await;
    let saved = journal.save_snapshot(world.clone(), v(3), vec![1]).await;
    assert_eq!(saved.map_err(|error| error.code()), Err(ErrorCode::Invalid));
    assert_eq!(journal.snapshot(world).await, Ok(None));
}

/// A record with a number that JSON cannot represent is invalid, because nobody could read it back.
pub async fn a_record_that_is_not_serializable_is_not_written(open: OpenJournal) {
    let (journal, world) = (open().await, market("world"));
    let event =
        TripEvent::Metered { distance_m: f64::NAN, at: kerb_geometry::LatLng::new(52.5, 13.4).unwrap() };
    let mut invalid = record("world", 1);
    invalid.changes.push(Change::Trip { trip: TripId { market: world.clone(), number: 1 }, event });
    let appended = journal.append(world.clone(), v(0), invalid).await;
    assert_eq!(appended.map_err(|error| error.code()), Err(ErrorCode::Invalid));
    assert_eq!(journal.version(world.clone()).await, Ok(v(0)));
    fill(&journal, &world, 1).await;
}

/// A journal that is opened again contains all acknowledged records and snapshots, and accepts further ones.
pub async fn acknowledged_records_survive_reopening(open: OpenJournal) {
    let markets = ["east", "world"].map(market);
    let journal = open().await;
    for market in &markets {
        fill(&journal, market, 10).await;
    }
    journal.save_snapshot(markets[0].clone(), v(7), b"seven".to_vec()).await.unwrap();
    drop(journal);
    let journal = open().await;
    assert_eq!(journal.markets().await, Ok(markets.to_vec()));
    assert_eq!(journal.snapshot(markets[0].clone()).await, Ok(Some((v(7), b"seven".to_vec()))));
    for market in &markets {
        assert_eq!(journal.read(market.clone(), v(0), 100).await, Ok(filled(market, 1, 10)));
        let late = journal.append(market.clone(), v(9), record("late", 1)).await;
        assert_eq!(
            late,
            Err(TripJournalError::Conflict { market: market.clone(), expected: v(9), current: v(10) })
        );
        assert_eq!(journal.append(market.clone(), v(10), record(market.as_str(), 11)).await, Ok(v(11)));
    }
    drop(journal);
    let journal = open().await;
    assert_eq!(journal.read(markets[1].clone(), v(0), 100).await, Ok(filled(&markets[1], 1, 11)));
}
