//! Arbitrary bytes and numbers lead to a valid value or an error, never to a panic.

use kerb_geometry::LatLng;
use kerb_ports::{Batch, DriverLocation, DriverNotification, ShardQuery, ShardResult, TripAssignment};
use kerb_proto::convert::{Act, Columns, Report, SinkMessage, SourceMessage};
use kerb_proto::{internal, v1};
use kerb_types::{DriverId, KnownDriver};
use proptest::collection::vec;
use proptest::prelude::*;
use prost::Message;

/// Returns numbers of which half are near a limit.
fn number() -> impl Strategy<Value = u32> {
    prop_oneof![0..5u32, 35_990..36_010u32, 19_990..20_010u32, 65_530..65_540u32, any::<u32>()]
}

prop_compose! {
    fn wire_batch()(rows in 0..5usize)(
        slot_bindings in vec((number(), "\\PC{0,70}", number(), number()), 0..3),
        slot in vec(number(), rows), shard in vec(number(), rows), position in vec(any::<u64>(), rows),
        base_time_ms in any::<i64>(), time_offset_ms in vec(any::<i64>(), rows), sequence in vec(any::<u64>(), rows),
        heading_cdeg in vec(number(), rows), speed_cmps in vec(number(), rows), status in vec(0..6u32, 0..5),
    ) -> internal::v1::Batch {
        let binding = |(slot, driver_id, vehicle_class, capabilities)| internal::v1::SlotBinding {
            slot, driver_id, vehicle_class, capabilities,
        };
        internal::v1::Batch {
            slot_bindings: slot_bindings.into_iter().map(binding).collect(),
            slot, shard, position, base_time_ms, time_offset_ms, sequence, heading_cdeg, speed_cmps, status,
            ..Default::default()
        }
    }
}

fn is_valid(position: LatLng) -> bool {
    LatLng::from_e7(position.lat_e7(), position.lon_e7()) == Ok(position)
}

proptest! {
    #[test]
    fn bytes(bytes in vec(any::<u8>(), 0..200)) {
        fn read<M: Message + Default, T: TryFrom<M>>(bytes: &[u8]) {
            if let Ok(message) = M::decode(bytes) {
                drop(T::try_from(message));
            }
        }
        read::<internal::v1::PositionFrame, SourceMessage>(&bytes);
        read::<internal::v1::PositionControl, SinkMessage>(&bytes);
        read::<internal::v1::SearchShardsRequest, ShardQuery>(&bytes);
        read::<internal::v1::SearchShardsResponse, ShardResult>(&bytes);
        read::<internal::v1::KnownDriver, KnownDriver>(&bytes);
        read::<internal::v1::DriverNotification, DriverNotification>(&bytes);
        read::<internal::v1::DriverLocation, Option<DriverLocation>>(&bytes);
        read::<internal::v1::ActRequest, (DriverId, Act)>(&bytes);
        read::<v1::TripAction, Act>(&bytes);
        read::<v1::TripAssignment, TripAssignment>(&bytes);
        read::<v1::TripEnded, DriverNotification>(&bytes);
        read::<v1::PositionColumns, Columns>(&bytes);
    }

    #[test]
    fn batches(wire in wire_batch()) {
        if let Ok(batch) = Batch::try_from(wire) {
            prop_assert!(batch.updates.iter().all(|update| is_valid(update.position)));
        }
    }

    #[test]
    fn updates(lat: f64, lon: f64, heading: Option<f32>, speed: Option<f32>, accuracy: Option<f32>, status in -1..6) {
        let update = v1::PositionUpdate {
            latitude_deg: lat,
            longitude_deg: lon,
            heading_deg: heading,
            speed_mps: speed,
            accuracy_m: accuracy,
            status,
            ..Default::default()
        };
        match Report::try_from(&update) {
            Ok(report) => prop_assert!(is_valid(report.position)),
            Err(errors) => prop_assert!(!errors.is_empty()),
        }
    }

    #[test]
    fn columns(
        handle in vec(any::<u32>(), 3), latitude_e7 in vec(any::<i32>(), 3), longitude_e7 in vec(any::<i32>(), 3),
        base_time_ms in any::<i64>(), time_offset_ms in vec(any::<u32>(), 0..5), heading_cdeg in vec(number(), 0..5),
        status in vec(-1..6, 0..5),
    ) {
        let lengths = [time_offset_ms.len(), heading_cdeg.len(), status.len()];
        let wire = v1::PositionColumns {
            handle, latitude_e7, longitude_e7, base_time_ms, time_offset_ms, heading_cdeg, status,
            ..Default::default()
        };
        let columns = Columns::try_from(wire);
        prop_assert_eq!(columns.is_ok(), lengths.iter().all(|length| matches!(length, 0 | 3)));
        for (_, row) in columns.iter().flat_map(Columns::rows) {
            prop_assert!(row.is_err() || is_valid(row.unwrap().position));
        }
    }
}
