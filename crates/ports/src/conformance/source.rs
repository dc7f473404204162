//! What a suite plays against an index server: made-up drivers and an ingest node that sends them.

use std::sync::Arc;

use kerb_geometry::LatLng;

use crate::{Batch, Frame, IndexServer, ReplicationStream, Slot, SlotBinding, SourceRegistration, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, DriverStatus, Motion, NodeId, ShardId, Sharding, UpdateVersion,
    VehicleClass,
};

/// The ingest nodes that the server under test must be told are live.
pub const SOURCES: [&str; 2] = ["ingest-a", "ingest-b"];
/// The server's clock stands at this time.
pub const NOW_MS: i64 = 1_700_000_000_000;
/// The server under test holds every shard of this many.
pub const SHARDS: u16 = 64;

/// The sharding of the server under test.
pub fn sharding() -> Sharding {
    Sharding::new(SHARDS, kerb_types::Partitioning::Tile).unwrap()
}

/// A driver's profile: class and capabilities follow from the number.
pub fn profile(number: u32) -> Arc<DriverProfile> {
    Arc::new(DriverProfile {
        id: DriverId::new(&format!("driver-{number:04}")).unwrap(),
        vehicle_class: VehicleClass((number % 3) as u8),
        capabilities: Capabilities((number % 4) as u16),
    })
}

/// Places on a line through San Francisco, 110 m apart going north; each further number is farther from 0.
pub fn place(number: u32) -> LatLng {
    LatLng::new(37.70 + f64::from(number) * 0.001, -122.42).unwrap()
}

/// An ingest node's open session. Slots are the numbers of the drivers.
pub struct Source {
    /// The session.
    pub session: Box<dyn ReplicationStream>,
    round: u64,
}

impl Source {
    /// Opens a session as `SOURCES[which]`.
    pub async fn open(server: &Arc<dyn IndexServer>, which: usize) -> Self {
        let register = SourceRegistration {
            node: NodeId::new(SOURCES[which]).unwrap(),
            settings_fingerprint: sharding().fingerprint(&kerb_types::Catalog::default()),
        };
        Self { session: server.open(register).await.unwrap(), round: 0 }
    }

    /// Opens a session and finishes its full part, with these drivers in it.
    pub async fn open_with(server: &Arc<dyn IndexServer>, which: usize, updates: &[Update]) -> Self {
        let mut source = Self::open(server, which).await;
        source.full_part(sharding().all().collect(), updates).await;
        source
    }

    /// Sends the full part of these shards.
    pub async fn full_part(&mut self, shards: Vec<ShardId>, updates: &[Update]) {
        self.round += 1;
        let round = self.round;
        self.session.send(Frame::SnapshotBegin { round, shards }).await.unwrap();
        self.send(updates).await;
        self.session.send(Frame::SnapshotEnd { round }).await.unwrap();
        self.session.flush().await.unwrap();
    }

    /// Introduces the drivers of these updates and sends the updates; visible when it resolves.
    pub async fn send(&mut self, updates: &[Update]) {
        let slot_bindings =
            updates.iter().map(|u| SlotBinding { slot: u.slot, profile: profile(u.slot) }).collect();
        self.batch(Batch { slot_bindings, updates: updates.to_vec(), ..Batch::default() }).await;
    }

    /// Removes drivers; done when it resolves.
    pub async fn remove(&mut self, removals: &[Slot]) {
        self.batch(Batch { removals: removals.to_vec(), ..Batch::default() }).await;
    }

    /// Sends a batch; visible when it resolves.
    pub async fn batch(&mut self, batch: Batch) {
        self.session.send(Frame::Batch(batch)).await.unwrap();
        self.session.flush().await.unwrap();
    }
}

/// Driver `number` at `position`, measured now, as update `sequence`.
pub fn update(number: u32, position: LatLng, sequence: u64) -> Update {
    Update {
        slot: number,
        shard: sharding().shard_of(&profile(number).id, position),
        position,
        update_version: UpdateVersion { sequence, time_ms: NOW_MS },
        motion: Motion::NONE,
        status: DriverStatus::Available,
    }
}

/// Drivers 0 to `count` - 1, each at its [`place`].
pub fn line_of(count: u32) -> Vec<Update> {
    (0..count).map(|number| update(number, place(number), 1)).collect()
}
