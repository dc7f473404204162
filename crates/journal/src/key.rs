//! Under which key a record stands: the market's name, a zero byte, which no name has, and the version in big endian. So
//! the records of a market stand together, in order.

use kerb_trips::{MarketId, Version};

const END_OF_NAME: u8 = 0;

/// The key of a record.
pub(super) fn record_key(market: &MarketId, version: Version) -> Vec<u8> {
    let mut key = Vec::with_capacity(market.as_str().len() + 1 + 8);
    key.extend(market.as_str().as_bytes());
    key.push(END_OF_NAME);
    key.extend(version.to_be_bytes());
    key
}

/// Whose record, and which one; `None` for another key.
pub(super) fn parse_record_key(key: &[u8]) -> Option<(MarketId, Version)> {
    let (name, version) = key.split_last_chunk()?;
    let (end, name) = name.split_last()?;
    (*end == END_OF_NAME).then_some(())?;
    Some((parse_market(name)?, Version::from_be_bytes(*version)))
}

/// The market of this name; `None` for what is no name.
pub(super) fn parse_market(name: &[u8]) -> Option<MarketId> {
    MarketId::new(std::str::from_utf8(name).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_sort_by_market_and_version_and_come_back() {
        let market = |name| MarketId::new(name).unwrap();
        let mut records = vec![];
        for name in ["a", "a-", "a.b", "ab", "b"] {
            for version in [1, 2, 255, 256, Version::MAX] {
                records.push((market(name), version));
            }
        }
        let keys: Vec<_> = records.iter().map(|(market, version)| record_key(market, *version)).collect();
        assert!(keys.is_sorted());
        let parsed: Vec<_> = keys.iter().map(|key| parse_record_key(key).unwrap()).collect();
        assert_eq!(parsed, records);
    }

    #[test]
    fn what_is_no_key_is_refused() {
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
