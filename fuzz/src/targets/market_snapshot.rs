//! The snapshot of a market. The records that follow it may stand behind it, in text.

use kerb_matcher::market::{Market, Reservations, Rules};
use kerb_trips::{MarketId, Record, Version};

/// Begins the records of an input.
const RECORDS: &[u8] = b"\n\0\n";
/// Records of one market from its first one on, a line each.
const LIFE: &str = include_str!("market_snapshot/records.jsonl");

fn world() -> MarketId {
    MarketId::new("world").expect("a legal name")
}

fn restore(bytes: &[u8]) -> Option<Market> {
    Market::restore(world(), Rules::default(), Reservations::new(), Version::new(1), bytes).ok()
}

/// Restores a market and replays the records on it, as far as they are legal.
pub fn target(data: &[u8]) -> bool {
    let (snapshot, records) = split(data);
    let Some(mut market) = restore(snapshot) else { return false };
    assert_survives(&market);
    let mut is_accepted = true;
    for line in records.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let Ok(record) = serde_json::from_slice::<Record>(line) else { return false };
        is_accepted &= market.replay(market.version() + 1, &record).is_ok();
        if !is_accepted {
            break;
        }
    }
    if is_accepted {
        let _conflicts = market.renew_reservations();
        assert_survives(&market);
    }
    is_accepted
}

fn split(data: &[u8]) -> (&[u8], &[u8]) {
    match data.windows(RECORDS.len()).rposition(|window| window == RECORDS) {
        Some(at) => (&data[..at], &data[at + RECORDS.len()..]),
        None => (data, &[]),
    }
}

/// What a market writes, it reads again as the same market.
fn assert_survives(market: &Market) {
    let bytes = market.snapshot();
    let again = restore(&bytes).expect("a snapshot that was written is read");
    assert_eq!(again.snapshot(), bytes);
}

/// Snapshots of a market after each of its records, with the next records behind them.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut market = Market::new(world(), Rules::default(), Reservations::new());
    let lines: Vec<&str> = LIFE.lines().collect();
    let mut seeds = vec![[&market.snapshot(), RECORDS, LIFE.as_bytes()].concat()];
    for (number, line) in lines.iter().enumerate() {
        let record: Record = serde_json::from_str(line).expect("a record");
        market.replay(market.version() + 1, &record).expect("a legal record");
        let next = lines.get(number + 1).copied().unwrap_or_default();
        seeds.push([&market.snapshot(), RECORDS, next.as_bytes()].concat());
    }
    seeds.push(market.snapshot());
    seeds
}
