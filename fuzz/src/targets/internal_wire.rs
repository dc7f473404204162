//! The messages between the roles of one cluster, into typed values. The first byte chooses the message.

use std::fmt::Debug;

use kerb_geometry::LatLng;
use kerb_ports::{DriverLocation, DriverNotification, ShardQuery, ShardResult, ShardStat};
use kerb_proto::convert::{Act, SinkMessage, SourceMessage};
use kerb_proto::internal::v1;
use kerb_types::{DriverId, KnownDriver};
use prost::Message;

const MESSAGES: u8 = 8;

/// Decodes one message.
pub fn target(data: &[u8]) -> bool {
    let Some((kind, bytes)) = data.split_first() else { return false };
    match kind % MESSAGES {
        0 => frame(bytes),
        1 => survives(bytes, |control: &SinkMessage| v1::PositionControl::from(control)),
        2 => survives(bytes, |query: &ShardQuery| v1::SearchShardsRequest::from(query)),
        3 => survives(bytes, |result: &ShardResult| v1::SearchShardsResponse::from(result)),
        4 => survives(bytes, |driver: &KnownDriver| v1::KnownDriver::from(driver)),
        5 => survives(bytes, |notification: &DriverNotification| v1::DriverNotification::from(notification)),
        6 => survives(bytes, |location: &Option<DriverLocation>| v1::DriverLocation::from(location.as_ref())),
        _ => {
            survives(bytes, |(driver, act): &(DriverId, Act)| v1::ActRequest::from((driver, act)))
                || ShardStat::try_from(v1::ShardStat::decode(bytes).unwrap_or_default()).is_ok()
        }
    }
}

fn frame(bytes: &[u8]) -> bool {
    survives(bytes, |message: &SourceMessage| match message {
        SourceMessage::Register(registration) => v1::PositionFrame::from(registration),
        SourceMessage::Frame(frame) => v1::PositionFrame::from(frame),
    })
}

/// Returns whether the bytes are a valid message. Panics when its value is another one after it was sent again.
fn survives<M, T>(bytes: &[u8], to_wire: impl Fn(&T) -> M) -> bool
where
    M: Message + Default,
    T: TryFrom<M> + PartialEq + Debug,
    T::Error: Debug,
{
    let Ok(message) = M::decode(bytes) else { return false };
    let Ok(value) = T::try_from(message) else { return false };
    let again = M::decode(to_wire(&value).encode_to_vec().as_slice()).expect("what was encoded is decoded");
    let again = T::try_from(again).expect("what was valid is valid when it is sent again");
    assert_eq!(again, value);
    true
}

/// One of each message.
pub fn seeds() -> Vec<Vec<u8>> {
    let position = LatLng::new(52.52, 13.4).expect("a position").to_bits();
    let registration = v1::SourceRegistration { node_id: "ingest-1".into(), settings_fingerprint: 7 };
    let register = v1::PositionFrame { frame: Some(v1::position_frame::Frame::Register(registration)) };
    let binding = v1::SlotBinding { slot: 3, driver_id: "cab-7".into(), vehicle_class: 1, capabilities: 5 };
    let batch = v1::Batch {
        slot_bindings: vec![binding],
        slot: vec![3, 4],
        shard: vec![17, 900],
        position: vec![position; 2],
        base_time_ms: 1_700_000_000_000,
        time_offset_ms: vec![0, -250],
        sequence: vec![9, 1],
        heading_cdeg: vec![35_999, 0],
        speed_cmps: vec![1_300, 0],
        status: vec![1, 2],
        removed_slot: vec![8],
        evictions: vec![v1::Eviction { driver_id: "cab-9".into(), sequence: 2, time_ms: 5 }],
    };
    let batch = v1::PositionFrame { frame: Some(v1::position_frame::Frame::Batch(batch)) };
    let begin = v1::SnapshotBegin { round: 1, shards: vec![1, 2, 1_023] };
    let begin = v1::PositionFrame { frame: Some(v1::position_frame::Frame::SnapshotBegin(begin)) };
    let resync = v1::position_control::Control::Resync(v1::ShardList { shards: vec![1, 2] });
    let control = v1::PositionControl { control: Some(resync) };
    let cursor = v1::Cursor { hav: 1e-9, driver_id: "cab-7".into() };
    let radius = v1::WithinRadius { point: position, radius_m: 750.5, limit: 20, after: Some(cursor) };
    let query = |search| v1::SearchShardsRequest {
        shards: vec![1, 2],
        extra_shards: vec![3],
        search: Some(search),
        statuses: 1,
        vehicle_classes: 3,
        capabilities: 1,
        time_min_ms: 5,
    };
    let corner = |lat, lon| LatLng::new(lat, lon).expect("a position").to_bits();
    let vertices = vec![corner(52.0, 13.0), corner(52.0, 13.1), corner(52.1, 13.0)];
    let polygon = v1::WithinPolygon { vertices, limit: 5, after: None, holes: Vec::new() };
    let nearest = v1::Nearest { point: position, radius_m: 2_000.0, k: 10 };
    let neighbor = v1::Neighbor {
        driver_id: "cab-7".into(),
        position,
        hav: 1e-9,
        time_ms: 5,
        sequence: 6,
        heading_cdeg: 9_000,
        speed_cmps: 1_000,
        status: 1,
        vehicle_class: 1,
        capabilities: 1,
    };
    let known = v1::KnownPosition {
        position,
        time_ms: 5,
        sequence: 6,
        heading_cdeg: 9_000,
        speed_cmps: 1_000,
        accuracy_dm: 50,
        shard: 17,
    };
    let driver = v1::KnownDriver {
        driver_id: "cab-7".into(),
        vehicle_class: 1,
        capabilities: 1,
        status: 1,
        connected: true,
        searchable: true,
        position: Some(known),
        reserved: true,
    };
    let assignment = v1::TripAssignment {
        trip_id: "world-17".into(),
        state: 1,
        pickup: position,
        dropoff: position,
        pickup_eta_s: 90,
        expires_ms: 17_000,
        party_size: 2,
        travel_source: 1,
    };
    let assignment = v1::driver_notification::Notification::Assignment(assignment);
    let ended = v1::TripEnded { trip_id: "world-17".into(), state: 5, reason: "expired".into() };
    let ended = v1::driver_notification::Notification::Ended(ended);
    let notification = |content| v1::DriverNotification { notification: Some(content) };
    let location = v1::DriverLocation { known: true, connected: true, position: Some(position), time_ms: 5 };
    let (driver_id, trip_id) = ("cab-7".to_owned(), "world-17".to_owned());
    let act = v1::ActRequest { driver_id, trip_id, action: "decline".into(), reason: "a break".into() };
    vec![
        seed(0, &register),
        seed(0, &batch),
        seed(0, &begin),
        seed(1, &control),
        seed(2, &query(v1::search_shards_request::Search::Nearest(nearest))),
        seed(2, &query(v1::search_shards_request::Search::WithinRadius(radius))),
        seed(2, &query(v1::search_shards_request::Search::WithinPolygon(polygon))),
        seed(3, &v1::SearchShardsResponse { neighbors: vec![neighbor], uncovered: vec![4] }),
        seed(4, &driver),
        seed(5, &notification(assignment)),
        seed(5, &notification(ended)),
        seed(6, &location),
        seed(7, &act),
    ]
}

fn seed(kind: u8, message: &impl Message) -> Vec<u8> {
    [&[kind], &message.encode_to_vec()[..]].concat()
}
