//! Verifies the caller of an internal call.

use std::sync::Arc;

use http::{HeaderMap, HeaderName};
use kerb_types::{Clock, MembershipView, NodeId, Role};
use tokio::sync::watch;
use tonic::Status;

use super::callers::callers_of;
use super::secret::ClusterSecret;
use super::signature::{NODE_HEADER, SIGNATURE_HEADER, SignedCall, TIME_HEADER};

/// Maximum difference between the clocks of two nodes, in seconds. A recorded signature can be used again for this long.
const SKEW_MAX_S: u64 = 300;

/// Verifies the callers of internal calls to a node.
pub struct Verifier {
    node: NodeId,
    /// Without a secret, a caller only gives its name.
    secret: Option<ClusterSecret>,
    view: watch::Receiver<Arc<MembershipView>>,
    clock: Arc<dyn Clock>,
}

impl Verifier {
    /// Verifies calls to `node` by the nodes of `view`.
    pub fn new(
        node: NodeId,
        secret: Option<ClusterSecret>,
        view: watch::Receiver<Arc<MembershipView>>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self { node, secret, view, clock }
    }

    /// Returns the caller's name.
    ///
    /// `UNAUTHENTICATED`: the headers are missing or wrong. `PERMISSION_DENIED`: the membership does not list the caller, or
    /// gives it no role that calls this method.
    pub fn verify(&self, path: &str, headers: &HeaderMap) -> Result<NodeId, Status> {
        let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
        let caller = text(NODE_HEADER).ok_or_else(|| {
            Status::unauthenticated(format!("{path} is for nodes of the cluster, and the call names none"))
        })?;
        let caller = NodeId::new(caller)
            .map_err(|error| Status::unauthenticated(format!("{NODE_HEADER}: {}", error.description)))?;
        if let Some(secret) = &self.secret {
            let (time_s, signature) = text(TIME_HEADER).zip(text(SIGNATURE_HEADER)).ok_or_else(|| {
                self.unauthenticated(
                    &caller,
                    "its call is not signed: give it the cluster's secret (cluster.secret_file)",
                )
            })?;
            let call = SignedCall { caller: caller.as_str(), callee: &self.node, path, time_s };
            if !call.is_signed(secret, signature) {
                return Err(self.unauthenticated(
                    &caller,
                    "its secret is another one (cluster.secret_file), or it calls this node by another name",
                ));
            }
            self.check_time(&caller, time_s)?;
        }
        self.check_role(&caller, path)?;
        Ok(caller)
    }

    fn check_time(&self, caller: &NodeId, time_s: &str) -> Result<(), Status> {
        let now_s = self.clock.now().as_millis() / 1_000;
        let skew_s = time_s.parse::<i64>().map_or(u64::MAX, |time_s| time_s.abs_diff(now_s));
        if skew_s <= SKEW_MAX_S {
            return Ok(());
        }
        let reason = format!("the clocks differ by {skew_s} s, must be at most {SKEW_MAX_S} s");
        Err(self.unauthenticated(caller, &reason))
    }

    fn check_role(&self, caller: &NodeId, path: &str) -> Result<(), Status> {
        let view = self.view.borrow();
        let Some(listed) = view.node(caller) else {
            let node = &self.node;
            let text = format!("node {caller} is not in the membership of node {node} (cluster.file)");
            return Err(Status::permission_denied(text));
        };
        let allowed = callers_of(path);
        if listed.roles.iter().any(|role| allowed.contains(role)) {
            return Ok(());
        }
        let names = |roles: &[Role]| {
            let names: Vec<_> = roles.iter().map(|role| role.name()).collect();
            if names.is_empty() { "no role".to_owned() } else { names.join(", ") }
        };
        let (has, allowed) = (names(&listed.roles), names(allowed));
        let text = format!("node {caller} has the roles {has} in the membership; {path} is for {allowed}");
        Err(Status::permission_denied(text))
    }

    fn unauthenticated(&self, caller: &NodeId, reason: &str) -> Status {
        Status::unauthenticated(format!("node {} does not believe node {caller}: {reason}", self.node))
    }
}

#[cfg(test)]
mod tests {
    use kerb_types::{ManualClock, Millis, Node, ShardMap, Timestamp};
    use tonic::Code;

    use super::*;
    use crate::internal_calls::Signer;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);
    const STREAM: &str = "/kerb.internal.v1.IndexService/StreamPositions";

    fn id(name: &str) -> NodeId {
        NodeId::new(name).unwrap()
    }

    fn secret(text: &str) -> ClusterSecret {
        ClusterSecret::new(text.as_bytes().to_vec()).unwrap()
    }

    fn verifier(secret: Option<ClusterSecret>) -> Verifier {
        let node = |name: &str, role| Node { id: id(name), roles: vec![role], address: None, live: true };
        let nodes = vec![node("ingest-1", Role::LocationIngest), node("matcher-1", Role::Matcher)];
        let view = MembershipView { nodes, shard_map: Arc::new(ShardMap::place(4, 1, &[])) };
        let (_, view) = watch::channel(Arc::new(view));
        Verifier::new(id("index-1"), secret, view, Arc::new(ManualClock::new(NOW)))
    }

    /// The headers of a call of `caller` to `callee`, signed at this time.
    fn signed(
        caller: &str,
        secret: Option<ClusterSecret>,
        callee: &str,
        path: &str,
        at: Timestamp,
    ) -> HeaderMap {
        let mut headers = HeaderMap::new();
        Signer::new(id(caller), secret, Arc::new(ManualClock::new(at))).sign(&id(callee), path, &mut headers);
        headers
    }

    #[test]
    fn only_a_signature_of_this_call_counts() {
        const SECRET: &str = "0123456789abcdef";
        let verifier = verifier(Some(secret(SECRET)));
        let sign = |caller, callee, path, at| signed(caller, Some(secret(SECRET)), callee, path, at);
        let right = sign("ingest-1", "index-1", STREAM, NOW);
        assert_eq!(verifier.verify(STREAM, &right).unwrap(), id("ingest-1"));

        let mut renamed = sign("ghost", "index-1", STREAM, NOW);
        renamed.insert(NODE_HEADER, "ingest-1".parse().unwrap());
        let mut cut = right.clone();
        cut.insert(SIGNATURE_HEADER, "00".parse().unwrap());
        let wrong = [
            (HeaderMap::new(), "names none"),
            (signed("ingest-1", None, "index-1", STREAM, NOW), "not signed"),
            (
                signed("ingest-1", Some(secret("another secret!!")), "index-1", STREAM, NOW),
                "secret is another one",
            ),
            (renamed, "secret is another one"),
            (cut, "secret is another one"),
            (sign("ingest-1", "index-2", STREAM, NOW), "secret is another one"),
            (
                sign("ingest-1", "index-1", "/kerb.internal.v1.IndexService/Resync", NOW),
                "secret is another one",
            ),
            (sign("ingest-1", "index-1", STREAM, NOW - Millis::new(301_000)), "the clocks differ by 301 s"),
            (sign("ingest-1", "index-1", STREAM, NOW + Millis::new(301_000)), "the clocks differ by 301 s"),
        ];
        for (headers, expected) in wrong {
            let status = verifier.verify(STREAM, &headers).unwrap_err();
            assert_eq!(status.code(), Code::Unauthenticated, "{status:?}");
            assert!(status.message().contains(expected), "{status:?}, not {expected}");
        }
    }

    #[test]
    fn the_membership_decides_who_may_call_what() {
        for secret in [None, Some(secret("0123456789abcdef"))] {
            let verifier = verifier(secret.clone());
            let denied = |caller, path| {
                let headers = signed(caller, secret.clone(), "index-1", path, NOW);
                let status = verifier.verify(path, &headers).unwrap_err();
                assert_eq!(status.code(), Code::PermissionDenied, "{status:?}");
                status.message().to_owned()
            };
            let ghost = denied("ghost", STREAM);
            assert_eq!(ghost, "node ghost is not in the membership of node index-1 (cluster.file)");
            let matcher = denied("matcher-1", STREAM);
            assert!(matcher.ends_with("/StreamPositions is for location-ingest"), "{matcher}");
            denied("ingest-1", "/kerb.internal.v1.IndexService/SearchShards");
            let unknown = denied("ingest-1", "/kerb.internal.v1.NewService/Call");
            assert!(unknown.ends_with("is for no role"), "{unknown}");
        }
    }
}
