//! A simulated ingest node and its drivers, for the conformance suite of index servers.

use std::sync::Arc;

use kerb_geometry::LatLng;

use crate::{Batch, Frame, IndexServer, ReplicationStream, Slot, SlotBinding, SourceRegistration, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, IndexedStatus, Motion, NodeId, ShardId, Sharding, Timestamp,
    UpdateVersion, VehicleClass,
};

/// The live ingest nodes in the membership of the server under test.
pub const SOURCES: [&str; 2] = ["ingest-a", "ingest-b"];
/// The time of the server's clock, in milliseconds since the Unix epoch.
pub const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);
/// The number of shards, all held by the server under test.
pub const SHARDS: u16 = 64;

/// Returns the sharding of the server under test.
pub fn sharding() -> Sharding {
    Sharding::new(SHARDS, kerb_types::Partitioning::Tile).unwrap()
}

/// Returns the profile of driver `number`, which also decides class and capabilities.
pub fn profile(number: u32) -> Arc<DriverProfile> {
    Arc::new(DriverProfile {
        id: DriverId::new(&format!("driver-{number:04}")).unwrap(),
        // Both casts are lossless: the values are below 4.
        vehicle_class: VehicleClass((number % 3) as u8),
        capabilities: Capabilities((number % 4) as u16),
    })
}

/// Returns the position of driver `number` on a line through San Francisco that goes north in steps of 110 m.
pub fn position(number: u32) -> LatLng {
    LatLng::new(37.70 + f64::from(number) * 0.001, -122.42).unwrap()
}

/// An ingest node with an open replication stream. The slot of a driver is its number.
pub struct Source {
    /// The stream to the server under test.
    pub stream: Box<dyn ReplicationStream>,
    round: u64,
}

impl Source {
    /// Opens a stream as ingest node `SOURCES[which]`.
    pub async fn open(server: &Arc<dyn IndexServer>, which: usize) -> Self {
        let register = SourceRegistration {
            node: NodeId::new(SOURCES[which]).unwrap(),
            settings_fingerprint: sharding().fingerprint(&kerb_types::Catalog::default()),
        };
        Self { stream: server.open(register).await.unwrap(), round: 0 }
    }

    /// Opens a stream and sends a snapshot of all shards with these drivers.
    pub async fn open_with(server: &Arc<dyn IndexServer>, which: usize, updates: &[Update]) -> Self {
        let mut source = Self::open(server, which).await;
        source.send_snapshot(sharding().all().collect(), updates).await;
        source
    }

    /// Sends a snapshot of these shards with these drivers.
    pub async fn send_snapshot(&mut self, shards: Vec<ShardId>, updates: &[Update]) {
        self.round += 1;
        let round = self.round;
        self.stream.send(Frame::SnapshotBegin { round, shards }).await.unwrap();
        self.send(updates).await;
        self.stream.send(Frame::SnapshotEnd { round }).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// Binds the slots of these updates and sends the updates. Searches see them when it resolves.
    pub async fn send(&mut self, updates: &[Update]) {
        let slot_bindings =
            updates.iter().map(|u| SlotBinding { slot: u.slot, profile: profile(u.slot.get()) }).collect();
        self.batch(Batch { slot_bindings, updates: updates.to_vec(), ..Batch::default() }).await;
    }

    /// Removes drivers. Searches no longer see them when it resolves.
    pub async fn remove(&mut self, removals: &[Slot]) {
        self.batch(Batch { removals: removals.to_vec(), ..Batch::default() }).await;
    }

    /// Sends a batch. Searches see it when it resolves.
    pub async fn batch(&mut self, batch: Batch) {
        self.stream.send(Frame::Batch(batch)).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}

/// Returns update `sequence` of driver `number` at `position`, measured now.
pub fn update(number: u32, position: LatLng, sequence: u64) -> Update {
    Update {
        slot: Slot::new(number),
        shard: sharding().shard_of(&profile(number).id, position),
        position,
        update_version: UpdateVersion { sequence, time: NOW_MS },
        motion: Motion::NONE,
        status: IndexedStatus::Available,
    }
}

/// Returns the first update of drivers 0 to `count - 1`, each at its [`position`].
pub fn line_of(count: u32) -> Vec<Update> {
    (0..count).map(|number| update(number, position(number), 1)).collect()
}
