//! Settings that had another name in release 0.1.0. An old name is refused, and the error says the new one.

/// Old key, new key.
const RENAMED: [(&str, &str); 4] = [
    ("aggregator.gone_after_ms", "fleet.position_ttl_ms"),
    ("fleet.gone_after_ms", "fleet.position_ttl_ms"),
    ("index_server.gone_after_ms", "fleet.position_ttl_ms"),
    ("location_ingest.gone_after_ms", "fleet.position_ttl_ms"),
];

/// The name that a key of release 0.1.0 has today; `None` for a key that was not renamed.
pub(super) fn new_name(key: &str) -> Option<&'static str> {
    RENAMED.iter().find(|(old, _)| *old == key).map(|(_, new)| *new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_new_name_is_an_old_one() {
        for (old, new) in RENAMED {
            assert_eq!(new_name(new), None, "{old}");
        }
    }
}
