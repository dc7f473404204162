use std::collections::HashSet;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, pending};
use kerb_cluster::liveness::{Probe, Tracker};
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

struct Listed(watch::Sender<Arc<MembershipView>>);

impl Membership for Listed {
    fn watch(&self) -> watch::Receiver<Arc<MembershipView>> {
        self.0.subscribe()
    }
}

/// Nodes that fail, nodes that never answer, and who was asked.
#[derive(Default)]
struct Scripted {
    failing: Mutex<HashSet<NodeId>>,
    silent: Mutex<HashSet<NodeId>>,
    asked: Mutex<HashSet<NodeId>>,
}

impl Probe for Scripted {
    fn probe(&self, node: &NodeId) -> BoxFuture<'_, Result<(), String>> {
        self.asked.lock().unwrap().insert(node.clone());
        if self.silent.lock().unwrap().contains(node) {
            return pending().boxed();
        }
        let failing = self.failing.lock().unwrap().contains(node);
        async move { if failing { Err("scripted".to_owned()) } else { Ok(()) } }.boxed()
    }
}

#[test]
fn three_failures_in_a_row_and_one_success() {
    let (mut tracker, a) = (Tracker::default(), node("a"));
    assert!(tracker.is_live(&a, 3), "unknown counts as live");
    for (well, live) in
        [(false, true), (false, true), (true, true), (false, true), (false, true), (false, false)]
    {
        tracker.record(&a, well);
        assert_eq!(tracker.is_live(&a, 3), live);
    }
    tracker.record(&a, true);
    assert!(tracker.is_live(&a, 3));
}

#[test]
fn a_node_that_is_no_longer_listed_is_forgotten() {
    let mut tracker = Tracker::default();
    (0..3).for_each(|_| tracker.record(&node("gone"), false));
    tracker.keep_only(&view(&["a"]));
    assert!(tracker.is_live(&node("gone"), 3));
}

#[test]
fn a_node_at_another_address_has_not_been_found_not_to_answer() {
    let mut tracker = Tracker::default();
    let mut listed = view(&["a"]);
    tracker.keep_only(&listed);
    (0..3).for_each(|_| tracker.record(&node("a"), false));
    tracker.keep_only(&listed);
    assert!(!tracker.is_live(&node("a"), 3));
    listed.nodes[0].address = Some("127.0.0.1:2".to_owned());
    tracker.keep_only(&listed);
    assert!(tracker.is_live(&node("a"), 3));
}

async fn until(views: &mut watch::Receiver<Arc<MembershipView>>, id: &str, live: bool) -> Duration {
    let started = Instant::now();
    let reached = views.wait_for(|view| view.node(&node(id)).is_some_and(|node| node.live == live));
    timeout(Duration::from_mins(1), reached).await.unwrap().unwrap();
    started.elapsed()
}

#[tokio::test(start_paused = true)]
async fn failing_and_silent_nodes_are_marked_and_come_back() {
    let listed = Listed(watch::Sender::new(Arc::new(view(&["own", "fails", "silent", "well"]))));
    let probe = Arc::new(Scripted::default());
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
    assert!(!probe.asked.lock().unwrap().contains(&node("own")));
    assert_eq!(now.shard_map, listed.0.borrow().shard_map, "a shard does not move for it");

    probe.silent.lock().unwrap().clear();
    until(&mut views, "silent", true).await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_list_counts_at_once_and_keeps_what_is_known() {
    let listed = Listed(watch::Sender::new(Arc::new(view(&["own", "fails"]))));
    let probe = Arc::new(Scripted::default());
    probe.failing.lock().unwrap().insert(node("fails"));
    let script = Arc::clone(&probe) as Arc<dyn Probe>;
    let liveness = Liveness::start(&listed, node("own"), script, LivenessOptions::default()).unwrap();
    let mut views = liveness.watch();
    until(&mut views, "fails", false).await;

    listed.0.send_replace(Arc::new(view(&["own", "fails", "new"])));
    until(&mut views, "new", true).await;
    assert!(!views.borrow().node(&node("fails")).unwrap().live);
}
