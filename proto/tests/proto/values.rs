//! Strategies that generate the fleet's values.

use std::sync::Arc;

use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::{
    Batch, Cursor, DriverFilter, Eviction, Frame, Neighbor, Search, ShardQuery, ShardResult, ShardStat, Slot,
    SlotBinding, SourceRegistration, Update,
};
use kerb_types::limits::{PAGE_SIZE_MAX, RADIUS_MAX_M, SHARDS_MAX};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, DriverStatus, IndexedStatus, KnownDriver, KnownPosition, Motion,
    NodeId, ShardId, Timestamp, UpdateVersion, VehicleClass,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

pub(crate) fn position() -> impl Strategy<Value = LatLng> {
    let edge =
        prop_oneof![Just((-900_000_000, -1_800_000_000)), Just((900_000_000, 1_800_000_000)), Just((0, 0))];
    prop_oneof![9 => (-900_000_000..=900_000_000, -1_800_000_000..=1_800_000_000), 1 => edge]
        .prop_map(|(lat, lon)| LatLng::from_e7(lat, lon).unwrap())
}

pub(crate) fn update_version() -> impl Strategy<Value = UpdateVersion> {
    (any::<u64>(), any::<i64>())
        .prop_map(|(sequence, time_ms)| UpdateVersion { sequence, time: Timestamp::from_millis(time_ms) })
}

pub(crate) fn motion() -> impl Strategy<Value = Motion> {
    let known = |max: u16| prop_oneof![0..=max, Just(Motion::NOT_KNOWN)];
    (known(35_999), known(20_000)).prop_map(|(heading_cdeg, speed_cmps)| Motion { heading_cdeg, speed_cmps })
}

pub(crate) fn shard() -> impl Strategy<Value = ShardId> {
    (0..SHARDS_MAX).prop_map(ShardId)
}

pub(crate) fn driver_id() -> impl Strategy<Value = DriverId> {
    prop_oneof!["[a-z0-9-]{1,64}", "\\PC{1,16}"].prop_map(|id| DriverId::new(&id).unwrap())
}

pub(crate) fn node_id() -> impl Strategy<Value = NodeId> {
    "[a-zA-Z0-9._-]{1,32}".prop_map(|id| NodeId::new(&id).unwrap())
}

pub(crate) fn profile() -> impl Strategy<Value = Arc<DriverProfile>> {
    (driver_id(), 0..64u8, any::<u16>()).prop_map(|(id, class, capabilities)| {
        Arc::new(DriverProfile {
            id,
            vehicle_class: VehicleClass(class),
            capabilities: Capabilities(capabilities),
        })
    })
}

pub(crate) fn status() -> impl Strategy<Value = DriverStatus> {
    proptest::sample::select(DriverStatus::ALL.to_vec())
}

fn indexed_status() -> impl Strategy<Value = IndexedStatus> {
    proptest::sample::select(IndexedStatus::ALL.to_vec())
}

fn update() -> impl Strategy<Value = Update> {
    (any::<u32>(), shard(), position(), update_version(), motion(), indexed_status()).prop_map(
        |(slot, shard, position, update_version, motion, status)| Update {
            slot: Slot::new(slot),
            shard,
            position,
            update_version,
            motion,
            status,
        },
    )
}

pub(crate) fn batch() -> impl Strategy<Value = Batch> {
    let binding =
        (any::<u32>(), profile()).prop_map(|(slot, profile)| SlotBinding { slot: Slot::new(slot), profile });
    let eviction =
        (driver_id(), update_version()).prop_map(|(id, update_version)| Eviction { id, update_version });
    (
        vec(binding, 0..4),
        vec(update(), 0..40),
        vec(any::<u32>().prop_map(Slot::new), 0..8),
        vec(eviction, 0..3),
    )
        .prop_map(|(slot_bindings, updates, removals, evictions)| Batch {
            slot_bindings,
            updates,
            removals,
            evictions,
        })
}

pub(crate) fn frame() -> impl Strategy<Value = Frame> {
    let begin =
        (any::<u64>(), vec(shard(), 0..9)).prop_map(|(round, shards)| Frame::SnapshotBegin { round, shards });
    let end = any::<u64>().prop_map(|round| Frame::SnapshotEnd { round });
    prop_oneof![begin, batch().prop_map(Frame::Batch), end]
}

pub(crate) fn register() -> impl Strategy<Value = SourceRegistration> {
    (node_id(), any::<u64>())
        .prop_map(|(node, settings_fingerprint)| SourceRegistration { node, settings_fingerprint })
}

fn cursor() -> impl Strategy<Value = Option<Cursor>> {
    option::of((0.0..=1.0, driver_id()).prop_map(|(hav, id)| Cursor { hav, id }))
}

fn search() -> impl Strategy<Value = Search> {
    let circle = || (position(), 0.001..=RADIUS_MAX_M).prop_map(|(point, m)| Circle::new(point, m).unwrap());
    let limit = || 1..=PAGE_SIZE_MAX;
    let polygon = (0..500_000_000, 0..1_000_000_000, 1..1_000_000).prop_map(|(lat, lon, side)| {
        let corner = |(dlat, dlon)| LatLng::from_e7(lat + dlat, lon + dlon).unwrap();
        Arc::new(Polygon::new([(0, 0), (0, side), (side, 0)].map(corner).to_vec()).unwrap())
    });
    prop_oneof![
        (circle(), 1..=1_000u32).prop_map(|(circle, k)| Search::Nearest { circle, k }),
        (circle(), limit(), cursor()).prop_map(|(circle, limit, after)| Search::WithinRadius {
            circle,
            limit,
            after
        }),
        (polygon, limit(), cursor()).prop_map(|(polygon, limit, after)| Search::WithinPolygon {
            polygon,
            limit,
            after
        }),
    ]
}

pub(crate) fn query() -> impl Strategy<Value = ShardQuery> {
    let filter = (any::<u8>(), any::<u64>(), any::<u16>(), any::<i64>()).prop_map(
        |(statuses, vehicle_classes, capabilities, time_min_ms)| DriverFilter {
            statuses,
            vehicle_classes,
            capabilities: Capabilities(capabilities),
            time_min_ms: Timestamp::from_millis(time_min_ms),
        },
    );
    let shards = || vec(shard(), 0..9);
    (shards(), shards(), search(), filter).prop_map(|(shards, extra_shards, search, filter)| ShardQuery {
        extra_shards,
        shards,
        search,
        filter,
    })
}

pub(crate) fn answer() -> impl Strategy<Value = ShardResult> {
    let neighbor = (profile(), position(), 0.0..=1.0, update_version(), motion(), indexed_status()).prop_map(
        |(profile, position, hav, update_version, motion, status)| {
            let profile = DriverProfile::clone(&profile);
            Neighbor { profile, position, hav, update_version, motion, status }
        },
    );
    (vec(neighbor, 0..20), vec(shard(), 0..5))
        .prop_map(|(neighbors, uncovered)| ShardResult { neighbors, uncovered })
}

pub(crate) fn stat() -> impl Strategy<Value = ShardStat> {
    (shard(), any::<u64>(), any::<u64>(), any::<bool>(), vec(node_id(), 0..4)).prop_map(
        |(shard, drivers, bytes, covered, sources)| ShardStat { shard, drivers, bytes, covered, sources },
    )
}

pub(crate) fn known_driver() -> impl Strategy<Value = KnownDriver> {
    let known = (position(), update_version(), motion(), any::<u16>(), shard()).prop_map(
        |(position, update_version, motion, accuracy_dm, shard)| KnownPosition {
            position,
            update_version,
            motion,
            accuracy_dm,
            shard,
        },
    );
    (profile(), status(), any::<[bool; 3]>(), option::of(known)).prop_map(
        |(profile, status, [connected, reserved, searchable], position)| KnownDriver {
            profile: Arc::unwrap_or_clone(profile),
            status,
            connected,
            reserved,
            searchable,
            position,
        },
    )
}
