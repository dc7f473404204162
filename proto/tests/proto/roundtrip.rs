//! Every value survives the conversion to bytes and back.

use kerb_ports::{Control, ShardQuery, ShardResult, ShardStat};
use kerb_proto::convert::{Report, SinkMessage, SourceMessage};
use kerb_proto::{internal, v1};
use kerb_types::KnownDriver;
use proptest::prelude::*;
use prost::Message;

use crate::values;

fn through_bytes<M: Message + Default>(message: &M) -> M {
    M::decode(message.encode_to_vec().as_slice()).unwrap()
}

proptest! {
    #[test]
    fn frames(frame in values::frame()) {
        let wire = through_bytes(&internal::v1::PositionFrame::from(&frame));
        prop_assert_eq!(SourceMessage::try_from(wire), Ok(SourceMessage::Frame(frame)));
    }

    #[test]
    fn registers(register in values::register()) {
        let wire = through_bytes(&internal::v1::PositionFrame::from(&register));
        prop_assert_eq!(SourceMessage::try_from(wire), Ok(SourceMessage::Register(register)));
    }

    #[test]
    fn controls(applied in any::<u64>(), shards in proptest::collection::vec(values::shard(), 0..9)) {
        for message in [SinkMessage::Applied(applied), SinkMessage::Control(Control::Resync(shards))] {
            let wire = through_bytes(&internal::v1::PositionControl::from(&message));
            prop_assert_eq!(SinkMessage::try_from(wire), Ok(message));
        }
    }

    #[test]
    fn queries(query in values::query()) {
        let wire = through_bytes(&internal::v1::SearchShardsRequest::from(&query));
        prop_assert_eq!(ShardQuery::try_from(wire), Ok(query));
    }

    #[test]
    fn answers(answer in values::answer()) {
        let wire = through_bytes(&internal::v1::SearchShardsResponse::from(&answer));
        prop_assert_eq!(ShardResult::try_from(wire), Ok(answer));
    }

    #[test]
    fn stats(stat in values::stat()) {
        let wire = through_bytes(&internal::v1::ShardStat::from(&stat));
        prop_assert_eq!(ShardStat::try_from(wire), Ok(stat));
    }

    #[test]
    fn known_drivers(driver in values::known_driver()) {
        let wire = through_bytes(&internal::v1::KnownDriver::from(&driver));
        prop_assert_eq!(KnownDriver::try_from(wire), Ok(driver));
    }

    /// A public position that its reader reports again is the same position.
    #[test]
    fn public_positions(
        position in values::position(), update_version in values::update_version(), motion in values::motion(), accuracy_dm in any::<u16>(),
        status in values::status(),
    ) {
        let public = kerb_proto::convert::public_position(position, update_version, motion, accuracy_dm);
        let public = through_bytes(&public);
        let location = public.location.unwrap();
        let update = v1::PositionUpdate {
            sequence: public.sequence,
            time_ms: public.time_ms,
            latitude_deg: location.latitude_deg,
            longitude_deg: location.longitude_deg,
            heading_deg: public.heading_deg,
            speed_mps: public.speed_mps,
            accuracy_m: public.accuracy_m,
            status: kerb_proto::convert::public_status(status).into(),
        };
        let report = Report { position, update_version, motion, accuracy_dm, status: Some(status) };
        prop_assert_eq!(Report::try_from(&update), Ok(report));
    }
}
