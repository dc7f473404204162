//! Drivers wherever their streams are: every live ingest node is asked at once.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use kerb_ports::{DriverLocation, DriverNotification, Error, IngestNode, Peers};
use kerb_types::{DriverId, MembershipView, NodeId, Role};
use tokio::sync::watch;
use tokio::time::timeout;

/// Drivers that are looked for with one call.
const LOCATIONS_CHUNK: usize = 1_000;

/// The ingest nodes of the view. Cheap to clone.
#[derive(Clone)]
pub(crate) struct IngestNodes {
    view: watch::Receiver<Arc<MembershipView>>,
    peers: Arc<dyn Peers>,
    timeout: Duration,
}

/// Where drivers are.
pub(crate) struct LocatedDrivers {
    /// In the order of the query; `None`: no node that answered knows the driver.
    pub(crate) drivers: Vec<Option<DriverLocation>>,
    /// Every live node answered: who is not connected here is connected nowhere.
    pub(crate) complete: bool,
}

impl IngestNodes {
    /// A node that does not answer within `timeout` is left out.
    pub(crate) fn new(
        view: watch::Receiver<Arc<MembershipView>>,
        peers: Arc<dyn Peers>,
        timeout: Duration,
    ) -> Self {
        Self { view, peers, timeout }
    }

    /// Puts news before the driver. False: no node that answered has a stream of the driver.
    pub(crate) async fn tell(&self, driver: &DriverId, news: &DriverNotification) -> bool {
        let tell = |node: NodeId, port: Arc<dyn IngestNode>| async move {
            let told = timeout(self.timeout, port.notify(driver.clone(), news.clone())).await;
            match told {
                Ok(Ok(told)) => told,
                Ok(Err(error)) => {
                    tracing::debug!(%node, %driver, %error, "news were not taken");
                    false
                }
                Err(_) => {
                    tracing::debug!(%node, %driver, "news were not taken in time");
                    false
                }
            }
        };
        let mut told: FuturesUnordered<_> =
            self.nodes().into_iter().filter_map(|(node, port)| Some(tell(node, port?))).collect();
        while let Some(told) = told.next().await {
            if told {
                return true;
            }
        }
        false
    }

    /// Looks for all of them.
    pub(crate) async fn locations(&self, drivers: &[DriverId]) -> LocatedDrivers {
        let mut located = LocatedDrivers { drivers: Vec::with_capacity(drivers.len()), complete: true };
        for chunk in drivers.chunks(LOCATIONS_CHUNK) {
            let answers = self.nodes().into_iter().map(|(node, port)| self.ask(node, port, chunk));
            let mut merged = vec![None; chunk.len()];
            for answer in join_all(answers).await {
                match answer {
                    Some(found) => merge(&mut merged, found),
                    None => located.complete = false,
                }
            }
            located.drivers.extend(merged);
        }
        located
    }

    async fn ask(
        &self,
        node: NodeId,
        port: Option<Arc<dyn IngestNode>>,
        drivers: &[DriverId],
    ) -> Option<Vec<Option<DriverLocation>>> {
        let answer = timeout(self.timeout, port?.locations(drivers.to_vec())).await;
        let answer = answer.unwrap_or_else(|_| Err(Error::DeadlineExceeded("no answer in time".to_owned())));
        match answer {
            Ok(found) if found.len() == drivers.len() => Some(found),
            Ok(found) => {
                tracing::warn!(%node, asked = drivers.len(), answered = found.len(), "not an answer a driver");
                None
            }
            Err(error) => {
                tracing::debug!(%node, %error, "does not say where drivers are");
                None
            }
        }
    }

    /// The live ingest nodes; `None` for one whose address is not known yet.
    fn nodes(&self) -> Vec<(NodeId, Option<Arc<dyn IngestNode>>)> {
        let view = Arc::clone(&self.view.borrow());
        let live = view.with_role(Role::LocationIngest).filter(|node| node.live);
        live.map(|node| (node.id.clone(), self.peers.ingest_node(&node.id))).collect()
    }
}

/// The newest position counts; connected is who is connected anywhere.
fn merge(merged: &mut [Option<DriverLocation>], found: Vec<Option<DriverLocation>>) {
    for (known, found) in merged.iter_mut().zip(found) {
        let Some(found) = found else { continue };
        let known = known.get_or_insert(DriverLocation { connected: false, position: None });
        known.connected |= found.connected;
        let measured_ms = |position: Option<(_, i64)>| position.map(|(_, measured_ms)| measured_ms);
        if measured_ms(found.position) > measured_ms(known.position) {
            known.position = found.position;
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
        let here = |connected, position| Some(DriverLocation { connected, position });
        let mut merged = vec![None, None, None];
        merge(&mut merged, vec![here(true, Some((at(1.0), 5))), None, here(false, None)]);
        merge(&mut merged, vec![here(false, Some((at(2.0), 7))), None, here(false, Some((at(3.0), 1)))]);
        merge(&mut merged, vec![here(false, Some((at(4.0), 6))), None, None]);
        assert_eq!(merged, [here(true, Some((at(2.0), 7))), None, here(false, Some((at(3.0), 1)))]);
    }
}
