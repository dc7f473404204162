//! Settings that had another name in release 0.1.0. An old name is rejected, and the error names the new one.

/// Old key, new key.
const RENAMED: [(&str, &str); 15] = [
    ("aggregator.gone_after_ms", "fleet.position_ttl_ms"),
    ("fleet.gone_after_ms", "fleet.position_ttl_ms"),
    ("index_server.gone_after_ms", "fleet.position_ttl_ms"),
    ("index_server.tick_ms", "index_server.maintenance_interval_ms"),
    ("location_ingest.desk_timeout_ms", "location_ingest.dispatch_timeout_ms"),
    ("location_ingest.gone_after_ms", "fleet.position_ttl_ms"),
    ("location_ingest.hello_timeout_ms", "location_ingest.register_timeout_ms"),
    ("matcher.follow_ms", "matcher.track_interval_ms"),
    ("matcher.grace_ms", "matcher.reconnect_grace_ms"),
    ("matcher.reoptimise_gain_s", "matcher.reoptimize_gain_s"),
    ("matcher.reoptimise_keep_s", "matcher.reoptimize_keep_s"),
    ("matcher.reoptimise_spare_s", "matcher.reoptimize_cooldown_s"),
    ("matcher.reoptimise_trip_max", "matcher.reoptimize_trip_max"),
    ("matcher.tell_timeout_ms", "matcher.notify_timeout_ms"),
    ("matcher.window_ms", "matcher.window_max_ms"),
];

/// Returns the present name of a key of release 0.1.0; `None` for a key that was not renamed.
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
