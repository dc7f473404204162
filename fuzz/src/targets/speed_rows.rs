//! The rows of `SetSpeeds` calls, into streamed speeds of a network.

use kerb_proto::v1::street_speed::Direction;
use kerb_proto::v1::{LatLng, SegmentEnds, SegmentNumber, SetSpeedsRequest, StreetSpeed};
use kerb_traffic::speed_rows::{RowRules, resolve};
use prost::Message;

use crate::streets::STREETS;

/// Resolves the rows of one message.
pub fn target(data: &[u8]) -> bool {
    let Ok(request) = SetSpeedsRequest::decode(data) else { return false };
    let streets = &*STREETS;
    let rules = RowRules {
        directions: &streets.directions,
        has_own_numbers: true,
        lifetime_ms: 60_000,
        lifetime_max_ms: 3_600_000,
    };
    let resolved = resolve(&request.speeds, &rules, kerb_types::Timestamp::MAX);
    assert_eq!((resolved.accepted + resolved.rejected) as usize, request.speeds.len());
    for speed in &resolved.streamed {
        assert!(
            !streets.network.arcs_of(speed.arc).is_empty(),
            "only directions that are driven have speeds"
        );
    }
    resolved.accepted > 0
}

/// A row by ends and a row by number, and each alone.
pub fn seeds() -> Vec<Vec<u8>> {
    let at = |latitude_deg, longitude_deg| Some(LatLng { latitude_deg, longitude_deg });
    let ends = Direction::Ends(SegmentEnds { from: at(52.52, 13.4), to: at(52.52, 13.41), way: Some(0) });
    let number = Direction::Number(SegmentNumber { segment: 0, reverse: true });
    let row =
        |direction, lifetime_ms| StreetSpeed { direction: Some(direction), speed_kmh: 30.5, lifetime_ms };
    let rows = [row(ends, None), row(number, Some(5_000))];
    let message = |speeds: &[StreetSpeed]| {
        SetSpeedsRequest { speeds: speeds.to_vec(), ..Default::default() }.encode_to_vec()
    };
    vec![message(&rows), message(&rows[..1]), message(&rows[1..])]
}
