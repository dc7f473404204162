//! The keys of records; the crate's documentation describes them.

use kerb_trips::{MarketId, Version};

const END_OF_NAME: u8 = 0;

/// Returns the key of a record.
pub(super) fn record_key(market: &MarketId, version: Version) -> Vec<u8> {
    let mut key = Vec::with_capacity(market.as_str().len() + 1 + 8);
    key.extend(market.as_str().as_bytes());
    key.push(END_OF_NAME);
    key.extend(version.get().to_be_bytes());
    key
}

/// Returns the market and the version of a record's key; `None` for anything else.
pub(super) fn parse_record_key(key: &[u8]) -> Option<(MarketId, Version)> {
    let (name, version) = key.split_last_chunk()?;
    let (end, name) = name.split_last()?;
    (*end == END_OF_NAME).then_some(())?;
    Some((parse_market(name)?, Version::new(u64::from_be_bytes(*version))))
}

/// Returns the market with this name; `None` if a market cannot have it.
pub(super) fn parse_market(name: &[u8]) -> Option<MarketId> {
    MarketId::new(std::str::from_utf8(name).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_market_and_version_and_parse_back() {
        let market = |name| MarketId::new(name).unwrap();
        let mut records = vec![];
        for name in ["a", "a-", "a.b", "ab", "b"] {
            for version in [1, 2, 255, 256, u64::MAX].map(Version::new) {
                records.push((market(name), version));
            }
        }
        let keys: Vec<_> = records.iter().map(|(market, version)| record_key(market, *version)).collect();
        assert!(keys.is_sorted());
        let parsed: Vec<_> = keys.iter().map(|key| parse_record_key(key).unwrap()).collect();
        assert_eq!(parsed, records);
    }

    #[test]
    fn other_bytes_are_not_keys() {
        for key in [
            &b""[..],
            b"world",
            b"\0\0\0\0\0\0\0\0\x01",
            b"world-\0\0\0\0\0\0\0\x01",
            b"a b\0\0\0\0\0\0\0\0\x01",
        ] {
            assert_eq!(parse_record_key(key), None, "{key:?}");
        }
    }
}
