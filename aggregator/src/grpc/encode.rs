//! Encodes responses straight into the bytes of `kerb.v1`. For each driver, a generated message has three strings and an
//! inner message, which cost several times as much to allocate as to write. The tests compare these bytes with prost's.

use h3o::Resolution;
use kerb_geometry::{LatLng, hav_to_m};
use kerb_ports::{Eta, Neighbor};
use kerb_proto::convert::{public_availability, public_position, public_status, public_travel_source};
use kerb_proto::v1;
use kerb_types::{Capabilities, Catalog, Motion, Timestamp, VehicleClass};
use prost::Message;
use prost::encoding::{WireType, bool, double, encode_key, encode_varint, message, uint32};

use crate::merge::Coverage;

/// Estimated bytes per driver, so that a response is allocated once.
const DRIVER_BYTES: usize = 112;

/// Fields of `FindNearbyResponse`.
mod response {
    pub(super) const DRIVERS: u32 = 1;
    pub(super) const COVERAGE: u32 = 2;
    pub(super) const NEXT_PAGE_TOKEN: u32 = 3;
    pub(super) const TRAVEL_SOURCE: u32 = 4;
    pub(super) const RANKING_INCOMPLETE: u32 = 5;
}

/// Fields of `NearbyDriver`.
mod driver {
    pub(super) const DRIVER_ID: u32 = 1;
    pub(super) const POSITION: u32 = 2;
    pub(super) const DISTANCE_M: u32 = 3;
    pub(super) const POSITION_AGE_MS: u32 = 4;
    pub(super) const STATUS: u32 = 5;
    pub(super) const VEHICLE_CLASS: u32 = 6;
    pub(super) const CAPABILITIES: u32 = 7;
    pub(super) const H3_CELL: u32 = 8;
    pub(super) const PICKUP_ETA_S: u32 = 9;
    pub(super) const TRAVEL_SOURCE: u32 = 10;
    pub(super) const AVAILABILITY: u32 = 11;
}

/// Field number of `answers` in `FindNearbyBatchResponse`.
const ANSWERS: u32 = 1;

/// The parts of a response that are equal for all drivers.
pub(super) struct Presenter<'a> {
    pub(super) catalog: &'a Catalog,
    pub(super) now: Timestamp,
    /// Resolution of the H3 cells; `None` for no cells.
    pub(super) h3: Option<Resolution>,
}

/// The travel times of a response.
#[derive(Clone, Copy, Default)]
pub(super) struct Travel<'a> {
    /// One per driver, or empty.
    pub(super) etas: &'a [Eta],
    pub(super) ranking_incomplete: bool,
}

/// Writes one response.
struct Writer<'a> {
    present: &'a Presenter<'a>,
    /// Scratch for one driver: its length must be written before its bytes.
    driver: Vec<u8>,
    /// Class and capabilities of the driver before. Most drivers repeat them, so their bytes are reused.
    kind: Option<(VehicleClass, Capabilities)>,
    kind_bytes: Vec<u8>,
    out: Vec<u8>,
}

/// Encodes a `FindNearbyResponse`.
pub(super) fn answer(
    present: &Presenter<'_>,
    neighbors: &[Neighbor],
    travel: Travel<'_>,
    coverage: &Coverage,
    next_page_token: &str,
) -> Vec<u8> {
    let out = Vec::with_capacity(DRIVER_BYTES * neighbors.len() + 64);
    let mut writer = Writer { present, driver: Vec::new(), kind: None, kind_bytes: Vec::new(), out };
    for (i, neighbor) in neighbors.iter().enumerate() {
        writer.neighbor(neighbor, travel.etas.get(i));
    }
    let coverage = v1::Coverage {
        shards_queried: coverage.searched,
        shards_answered: coverage.answered(),
        shards_missing: coverage.missing.iter().map(|shard| u32::from(shard.0)).collect(),
    };
    message::encode(response::COVERAGE, &coverage, &mut writer.out);
    text(response::NEXT_PAGE_TOKEN, next_page_token, &mut writer.out);
    if let Some(source) = common_source(travel.etas) {
        uint32::encode(response::TRAVEL_SOURCE, &(source as u32), &mut writer.out);
    }
    if travel.ranking_incomplete {
        bool::encode(response::RANKING_INCOMPLETE, &true, &mut writer.out);
    }
    writer.out
}

/// Encodes a `FindNearbyBatchResponse` of encoded responses.
pub(super) fn batch(answers: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(answers.iter().map(|answer| answer.len() + 8).sum());
    for answer in answers {
        bytes(ANSWERS, answer, &mut out);
    }
    out
}

impl Writer<'_> {
    fn neighbor(&mut self, neighbor: &Neighbor, eta: Option<&Eta>) {
        let Presenter { now, h3, .. } = *self.present;
        let out = &mut self.driver;
        out.clear();
        text(driver::DRIVER_ID, neighbor.profile.id.as_str(), out);
        let position =
            public_position(neighbor.position, neighbor.update_version, neighbor.motion, Motion::NOT_KNOWN);
        encode_key(driver::POSITION, WireType::LengthDelimited, out);
        encode_varint(position.encoded_len() as u64, out);
        position.encode_raw(out);
        // proto3 omits fields that are zero.
        let (distance_m, age_ms) = (hav_to_m(neighbor.hav), super::age_ms(now, neighbor.update_version.time));
        if distance_m != 0.0 {
            double::encode(driver::DISTANCE_M, &distance_m, out);
        }
        if age_ms != 0 {
            uint32::encode(driver::POSITION_AGE_MS, &age_ms, out);
        }
        uint32::encode(driver::STATUS, &(public_status(neighbor.status.reported()) as u32), out);
        self.kind(neighbor);
        self.driver.extend_from_slice(&self.kind_bytes);
        if let Some(resolution) = h3 {
            text(driver::H3_CELL, &h3_cell(neighbor.position, resolution), &mut self.driver);
        }
        if let Some(eta) = eta {
            uint32::encode(driver::PICKUP_ETA_S, &eta.time_s, &mut self.driver);
            let source = public_travel_source(eta.source) as u32;
            uint32::encode(driver::TRAVEL_SOURCE, &source, &mut self.driver);
        }
        let availability = public_availability(neighbor.status) as u32;
        if availability != 0 {
            uint32::encode(driver::AVAILABILITY, &availability, &mut self.driver);
        }
        bytes(response::DRIVERS, &self.driver, &mut self.out);
    }

    fn kind(&mut self, neighbor: &Neighbor) {
        let kind = (neighbor.profile.vehicle_class, neighbor.profile.capabilities);
        if self.kind.replace(kind) == Some(kind) {
            return;
        }
        let (catalog, out) = (self.present.catalog, &mut self.kind_bytes);
        out.clear();
        text(driver::VEHICLE_CLASS, catalog.vehicle_class_name(kind.0), out);
        // proto3 writes empty elements of a list, unlike empty fields. No capability name is empty, so `text` is right.
        catalog.capability_names(kind.1).for_each(|name| text(driver::CAPABILITIES, name, out));
    }
}

/// Returns the common source of all travel times; `Mixed` for several sources, `None` without travel times.
fn common_source(etas: &[Eta]) -> Option<v1::TravelSource> {
    let first = etas.first()?.source;
    let is_one = etas.iter().all(|eta| eta.source == first);
    Some(if is_one { public_travel_source(first) } else { v1::TravelSource::Mixed })
}

fn text(field: u32, text: &str, out: &mut Vec<u8>) {
    if !text.is_empty() {
        bytes(field, text.as_bytes(), out);
    }
}

fn bytes(field: u32, bytes: &[u8], out: &mut Vec<u8>) {
    encode_key(field, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

fn h3_cell(position: LatLng, resolution: Resolution) -> String {
    let point = h3o::LatLng::new(position.lat_deg(), position.lon_deg()).expect("a position is finite");
    point.to_cell(resolution).to_string()
}

#[cfg(test)]
mod tests {
    use kerb_types::{DriverId, DriverProfile, IndexedStatus, ShardId, TravelSource, UpdateVersion};
    use proptest::prelude::*;

    use kerb_types::Millis;

    use super::*;

    fn prosts(present: &Presenter<'_>, neighbor: &Neighbor, eta: Option<&Eta>) -> v1::NearbyDriver {
        let catalog = present.catalog;
        v1::NearbyDriver {
            driver_id: neighbor.profile.id.as_str().to_owned(),
            position: Some(public_position(
                neighbor.position,
                neighbor.update_version,
                neighbor.motion,
                Motion::NOT_KNOWN,
            )),
            distance_m: hav_to_m(neighbor.hav),
            position_age_ms: super::super::age_ms(present.now, neighbor.update_version.time),
            status: public_status(neighbor.status.reported()).into(),
            vehicle_class: catalog.vehicle_class_name(neighbor.profile.vehicle_class).to_owned(),
            capabilities: catalog
                .capability_names(neighbor.profile.capabilities)
                .map(str::to_owned)
                .collect(),
            h3_cell: present.h3.map_or_else(String::new, |resolution| h3_cell(neighbor.position, resolution)),
            pickup_eta_s: eta.map(|eta| eta.time_s),
            travel_source: eta.map_or(0, |eta| public_travel_source(eta.source).into()),
            availability: public_availability(neighbor.status).into(),
        }
    }

    prop_compose! {
        fn neighbors()(
            id in "[a-z]{1,64}",
            class in 0..3_u8,
            capabilities in 0..8_u16,
            lat in -900_000_000..=900_000_000_i32,
            lon in prop_oneof![Just(0), -1_800_000_000..=1_800_000_000_i32],
            hav in prop_oneof![Just(0.0), 0.0..1.0_f64],
            sequence in prop_oneof![Just(0), any::<u64>()],
            age_ms in -1_000..100_000_i64,
            heading_cdeg in prop_oneof![Just(0), Just(Motion::NOT_KNOWN), 0..36_000_u16],
            status in 0..5_usize,
        ) -> Neighbor {
            let (vehicle_class, capabilities) = (VehicleClass(class), Capabilities(capabilities));
            Neighbor {
                profile: DriverProfile { id: DriverId::new(&id).unwrap(), vehicle_class, capabilities },
                position: LatLng::from_e7(lat, lon).unwrap(),
                hav,
                update_version: UpdateVersion { sequence, time: NOW_MS - Millis::new(age_ms) },
                motion: Motion { heading_cdeg, speed_cmps: 700 },
                status: IndexedStatus::ALL[status],
            }
        }
    }

    fn etas() -> impl Strategy<Value = Eta> {
        let sources = prop_oneof![Just(TravelSource::Roads), Just(TravelSource::StraightLine)];
        (prop_oneof![Just(0), any::<u32>()], sources).prop_map(|(time_s, source)| Eta { time_s, source })
    }

    const NOW_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    proptest! {
        #[test]
        fn the_bytes_are_those_of_prost(
            neighbors in prop::collection::vec(neighbors(), 0..8),
            missing in prop::collection::vec(0..16_384_u16, 0..3),
            token in "[a-z]{0,9}",
            resolution in prop_oneof![Just(None), (0..16_u8).prop_map(Some)],
            etas in prop::option::of(prop::collection::vec(etas(), 8)),
            ranking_incomplete in any::<bool>(),
        ) {
            let etas = etas.map_or_else(Vec::new, |etas| etas[..neighbors.len()].to_vec());
            let streets = etas.iter().filter(|eta| eta.source == TravelSource::Roads).count();
            let travel_source = match streets {
                _ if etas.is_empty() => v1::TravelSource::Unspecified,
                0 => v1::TravelSource::StraightLine,
                all if all == etas.len() => v1::TravelSource::Roads,
                _ => v1::TravelSource::Mixed,
            };
            let catalog = Catalog::default();
            let h3 = resolution.map(|resolution| Resolution::try_from(resolution).unwrap());
            let present = Presenter { catalog: &catalog, now: NOW_MS, h3 };
            let coverage = Coverage { searched: 3, missing: missing.into_iter().map(ShardId).collect() };
            let expected = v1::FindNearbyResponse {
                drivers: neighbors.iter().enumerate().map(|(i, neighbor)| prosts(&present, neighbor, etas.get(i))).collect(),
                coverage: Some(v1::Coverage {
                    shards_queried: 3,
                    shards_answered: coverage.answered(),
                    shards_missing: coverage.missing.iter().map(|shard| u32::from(shard.0)).collect(),
                }),
                next_page_token: token.clone(),
                travel_source: travel_source.into(),
                ranking_incomplete,
            };
            let travel = Travel { etas: &etas, ranking_incomplete };
            let bytes = answer(&present, &neighbors, travel, &coverage, &token);
            prop_assert_eq!(&bytes, &expected.encode_to_vec());
            let twice = v1::FindNearbyBatchResponse { answers: vec![expected; 2] };
            prop_assert_eq!(batch(&[bytes.clone(), bytes]), twice.encode_to_vec());
        }
    }
}
