//! The roles that call each internal method.

use kerb_types::Role;

/// Callers of searches and lookups: a matcher searches with an aggregator of its own.
const SEARCHERS: &[Role] = &[Role::Aggregator, Role::Matcher];
const INGEST: &[Role] = &[Role::LocationIngest];
const MATCHER: &[Role] = &[Role::Matcher];

/// Returns the roles that may call the method with this path. A method that is missing here has no callers.
pub fn callers_of(path: &str) -> &'static [Role] {
    match path {
        "/kerb.internal.v1.IndexService/StreamPositions"
        | "/kerb.internal.v1.MatcherService/Act"
        | "/kerb.internal.v1.MatcherService/DriverConnected"
        | "/kerb.internal.v1.MatcherService/DriverDisconnected"
        | "/kerb.internal.v1.MatcherService/DriverUnavailable" => INGEST,
        "/kerb.internal.v1.IndexService/SearchShards"
        | "/kerb.internal.v1.IndexService/ShardStats"
        | "/kerb.internal.v1.IndexService/Resync"
        | "/kerb.internal.v1.IngestService/LookupDriver" => SEARCHERS,
        "/kerb.internal.v1.IngestService/NotifyDriver" | "/kerb.internal.v1.IngestService/LocateDrivers" => {
            MATCHER
        }
        _ => &[],
    }
}
