//! The ingest nodes as one: a call goes to every live node at once, because any of them may hold a driver's stream.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use kerb_ports::{DriverChannelError, DriverLocation, DriverNotification, IngestNode, Peers};
use kerb_types::{DriverId, MembershipView, NodeId, Role, Timestamp};
use tokio::sync::watch;
use tokio::time::timeout;

/// Maximum number of drivers in one call.
const LOCATIONS_CHUNK: usize = 1_000;

/// The ingest nodes of the membership view. Cheap to clone.
#[derive(Clone)]
pub(crate) struct IngestNodes {
    view: watch::Receiver<Arc<MembershipView>>,
    peers: Arc<dyn Peers>,
    timeout: Duration,
}

/// The locations of drivers.
pub(crate) struct LocationReport {
    /// The location of each driver of the query, in its order; `None` if no node that answered has the driver.
    pub(crate) locations: Vec<Option<DriverLocation>>,
    /// Whether every live node answered. If so, a driver who is not connected here is connected nowhere.
    pub(crate) complete: bool,
}

impl IngestNodes {
    /// The ingest nodes of `view`. A node that does not answer within `timeout` is skipped.
    pub(crate) fn new(
        view: watch::Receiver<Arc<MembershipView>>,
        peers: Arc<dyn Peers>,
        timeout: Duration,
    ) -> Self {
        Self { view, peers, timeout }
    }

    /// Sends a notification to the driver. Returns whether a node that answered has a stream of the driver.
    pub(crate) async fn notify(&self, driver: &DriverId, notification: &DriverNotification) -> bool {
        let notify = |node: NodeId, port: Arc<dyn IngestNode>| async move {
            match timeout(self.timeout, port.notify(driver.clone(), notification.clone())).await {
                Ok(Ok(delivered)) => delivered,
                Ok(Err(error)) => {
                    tracing::debug!(%node, %driver, %error, "a notification failed");
                    false
                }
                Err(_) => {
                    tracing::debug!(%node, %driver, "a notification timed out");
                    false
                }
            }
        };
        let mut calls: FuturesUnordered<_> =
            self.nodes().into_iter().filter_map(|(node, port)| Some(notify(node, port?))).collect();
        while let Some(delivered) = calls.next().await {
            if delivered {
                return true;
            }
        }
        false
    }

    /// Locates the drivers.
    pub(crate) async fn locate(&self, drivers: &[DriverId]) -> LocationReport {
        let mut report = LocationReport { locations: Vec::with_capacity(drivers.len()), complete: true };
        for chunk in drivers.chunks(LOCATIONS_CHUNK) {
            let calls = self.nodes().into_iter().map(|(node, port)| self.locate_at(node, port, chunk));
            let mut merged = vec![None; chunk.len()];
            for answer in join_all(calls).await {
                match answer {
                    Some(locations) => merge(&mut merged, locations),
                    None => report.complete = false,
                }
            }
            report.locations.extend(merged);
        }
        report
    }

    /// Locates the drivers at one node. `None` if the node does not answer.
    async fn locate_at(
        &self,
        node: NodeId,
        port: Option<Arc<dyn IngestNode>>,
        drivers: &[DriverId],
    ) -> Option<Vec<Option<DriverLocation>>> {
        let answer = timeout(self.timeout, port?.locations(drivers.to_vec())).await;
        let answer = answer
            .unwrap_or_else(|_| Err(DriverChannelError::DeadlineExceeded("no answer in time".to_owned())));
        match answer {
            Ok(locations) if locations.len() == drivers.len() => Some(locations),
            Ok(locations) => {
                let (queried, answered) = (drivers.len(), locations.len());
                tracing::warn!(%node, queried, answered, "an answer has another number of drivers");
                None
            }
            Err(error) => {
                tracing::debug!(%node, %error, "drivers were not located");
                None
            }
        }
    }

    /// Returns the live ingest nodes; `None` for a node whose address is not known yet.
    fn nodes(&self) -> Vec<(NodeId, Option<Arc<dyn IngestNode>>)> {
        let view = Arc::clone(&self.view.borrow());
        let live = view.with_role(Role::LocationIngest).filter(|node| node.live);
        live.map(|node| (node.id.clone(), self.peers.ingest_node(&node.id))).collect()
    }
}

/// Merges the locations of another node: the newest position, and connected if any node has a stream.
fn merge(merged: &mut [Option<DriverLocation>], locations: Vec<Option<DriverLocation>>) {
    for (known, location) in merged.iter_mut().zip(locations) {
        let Some(location) = location else { continue };
        let known = known.get_or_insert(DriverLocation { connected: false, position: None });
        known.connected |= location.connected;
        let measured_ms = |position: Option<(_, Timestamp)>| position.map(|(_, measured_ms)| measured_ms);
        if measured_ms(location.position) > measured_ms(known.position) {
            known.position = location.position;
        }
    }
}

#[cfg(test)]
mod tests {
    use kerb_geometry::LatLng;

    use super::*;

    #[test]
    fn the_newest_position_counts_and_connected_anywhere_is_connected() {
        let at = |lat| LatLng::new(lat, 13.4).unwrap();
        let location = |connected, position| Some(DriverLocation { connected, position });
        let mut merged = vec![None, None, None];
        merge(
            &mut merged,
            vec![location(true, Some((at(1.0), Timestamp::from_millis(5)))), None, location(false, None)],
        );
        merge(
            &mut merged,
            vec![
                location(false, Some((at(2.0), Timestamp::from_millis(7)))),
                None,
                location(false, Some((at(3.0), Timestamp::from_millis(1)))),
            ],
        );
        merge(&mut merged, vec![location(false, Some((at(4.0), Timestamp::from_millis(6)))), None, None]);
        assert_eq!(
            merged,
            [
                location(true, Some((at(2.0), Timestamp::from_millis(7)))),
                None,
                location(false, Some((at(3.0), Timestamp::from_millis(1))))
            ]
        );
    }
}
