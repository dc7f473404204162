//! Failure detection with scripted probes and paused time.

use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use kerb_cluster::liveness::{FailureDetector, Probe};
use kerb_cluster::static_file::parse;
use kerb_cluster::{Liveness, LivenessOptions};
use kerb_ports::Membership;
use kerb_types::{MembershipView, NodeId, Sharding};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

fn node(id: &str) -> NodeId {
    NodeId::new(id).unwrap()
}

fn view(ids: &[&str]) -> MembershipView {
    let entry =
        |id: &&str| format!("[[nodes]]\nid = \"{id}\"\naddress = \"{id}:1\"\nroles = [\"index-server\"]\n");
    parse(Path::new("f"), &ids.iter().map(entry).collect::<String>(), Sharding::default()).unwrap()
}

struct TestMembership(watch::Sender<Arc<MembershipView>>);

impl Membership for TestMembership {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

/// A probe that fails for some nodes and never ends for others. It records the probed nodes.
#[derive(Default)]
struct ScriptedProbe {
    failing: Mutex<HashSet<NodeId>>,
    silent: Mutex<HashSet<NodeId>>,
    probed: Mutex<HashSet<NodeId>>,
}

impl Probe for ScriptedProbe {
    fn probe(&self, node: &NodeId) -> BoxFuture<'_, Result<(), String>> {
        self.probed.lock().unwrap().insert(node.clone());
        if self.silent.lock().unwrap().contains(node) {
            return pending().boxed();
        }
        let failing = self.failing.lock().unwrap().contains(node);
        async move { if failing { Err("scripted".to_owned()) } else { Ok(()) } }.boxed()
    }
}

#[test]
fn three_failures_in_a_row_make_a_node_not_live_and_one_success_makes_it_live() {
    let (mut detector, a) = (FailureDetector::default(), node("a"));
    assert!(detector.is_live(&a, 3), "an unknown node is live");
    for (healthy, live) in
        [(false, true), (false, true), (true, true), (false, true), (false, true), (false, false)]
    {
        detector.record(&a, healthy);
        assert_eq!(detector.is_live(&a, 3), live);
    }
    detector.record(&a, true);
    assert!(detector.is_live(&a, 3));
}

#[test]
fn failures_of_a_node_that_is_no_longer_listed_are_removed() {
    let mut detector = FailureDetector::default();
    (0..3).for_each(|_| detector.record(&node("left"), false));
    detector.retain_listed(&view(&["a"]));
    assert!(detector.is_live(&node("left"), 3));
}

#[test]
fn failures_of_a_node_at_its_previous_address_are_removed() {
    let mut detector = FailureDetector::default();
    let mut listed = view(&["a"]);
    detector.retain_listed(&listed);
    (0..3).for_each(|_| detector.record(&node("a"), false));
    detector.retain_listed(&listed);
    assert!(!detector.is_live(&node("a"), 3));
    listed.nodes[0].address = Some("127.0.0.1:2".to_owned());
    detector.retain_listed(&listed);
    assert!(detector.is_live(&node("a"), 3));
}

async fn until(views: &mut watch::Receiver<Arc<MembershipView>>, id: &str, live: bool) -> Duration {
    let started = Instant::now();
    let reached = views.wait_for(|view| view.node(&node(id)).is_some_and(|node| node.live == live));
    timeout(Duration::from_mins(1), reached).await.unwrap().unwrap();
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn failing_and_silent_nodes_are_marked_and_become_live_again() {
    let listed = TestMembership(watch::Sender::new(Arc::new(view(&["own", "fails", "silent", "well"]))));
    let probe = Arc::new(ScriptedProbe::default());
    probe.failing.lock().unwrap().insert(node("fails"));
    probe.silent.lock().unwrap().insert(node("silent"));
    let script = Arc::clone(&probe) as Arc<dyn Probe>;
    let liveness = Liveness::start(&listed, node("own"), script, LivenessOptions::default()).unwrap();
    let mut views = liveness.watch();

    let took = until(&mut views, "silent", false).await;
    assert!(took <= Duration::from_secs(3), "{took:?}");
    until(&mut views, "fails", false).await;
    let now = views.borrow().clone();
    assert!(now.node(&node("well")).unwrap().live && now.node(&node("own")).unwrap().live);
    assert!(!probe.probed.lock().unwrap().contains(&node("own")));
    assert_eq!(now.shard_map, listed.0.borrow().shard_map, "shards do not move");

    probe.silent.lock().unwrap().clear();
    until(&mut views, "silent", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_list_is_published_at_once_and_keeps_the_failures() {
    let listed = TestMembership(watch::Sender::new(Arc::new(view(&["own", "fails"]))));
    let probe = Arc::new(ScriptedProbe::default());
    probe.failing.lock().unwrap().insert(node("fails"));
    let script = Arc::clone(&probe) as Arc<dyn Probe>;
    let liveness = Liveness::start(&listed, node("own"), script, LivenessOptions::default()).unwrap();
    let mut views = liveness.watch();
    until(&mut views, "fails", false).await;

    listed.0.send_replace(Arc::new(view(&["own", "fails", "new"])));
    until(&mut views, "new", true).await;
    assert!(!views.borrow().node(&node("fails")).unwrap().live);
}
