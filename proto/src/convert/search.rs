//! Queries to the shards of an index server, and their results.

use std::sync::Arc;

use kerb_geometry::Circle;
use kerb_ports::{Cursor, DriverFilter, Neighbor, Search, ShardQuery, ShardResult};
use kerb_types::limits::{NEIGHBORS_MAX, PAGE_SIZE_MAX};
use kerb_types::{DriverProfile, FieldError, Timestamp, UpdateVersion};

use super::field::{
    at_most, capabilities, count, driver_id, each, invalid, motion, one_indexed_status, one_position,
    required, shard_numbers, shards, vehicle_class,
};
use super::polygon::{internal_polygon, internal_rings};
use crate::internal::v1;
use crate::internal::v1::search_shards_request::Search as WireSearch;

/// Maximum drivers in a result: one more than a page, which shows whether another page follows.
const RESULT_DRIVERS_MAX: u32 = PAGE_SIZE_MAX + 1;

impl From<&ShardQuery> for v1::SearchShardsRequest {
    fn from(query: &ShardQuery) -> Self {
        Self {
            shards: shard_numbers(&query.shards),
            extra_shards: shard_numbers(&query.extra_shards),
            search: Some(wire_search(&query.search)),
            statuses: u32::from(query.filter.statuses),
            vehicle_classes: query.filter.vehicle_classes,
            capabilities: u32::from(query.filter.capabilities.0),
            time_min_ms: query.filter.time_min_ms.as_millis(),
        }
    }
}

impl TryFrom<v1::SearchShardsRequest> for ShardQuery {
    type Error = FieldError;

    fn try_from(wire: v1::SearchShardsRequest) -> Result<Self, FieldError> {
        let statuses = u8::try_from(wire.statuses)
            .ok()
            .ok_or_else(|| invalid("statuses", format_args!("{:#x}", wire.statuses), "a mask of 8 bits"))?;
        Ok(Self {
            shards: shards("shards", &wire.shards)?,
            extra_shards: shards("extra_shards", &wire.extra_shards)?,
            search: match required("search", wire.search)? {
                WireSearch::Nearest(search) => nearest(&search).map_err(|error| error.within("nearest"))?,
                WireSearch::WithinRadius(search) => {
                    within_radius(search).map_err(|error| error.within("within_radius"))?
                }
                WireSearch::WithinPolygon(search) => {
                    within_polygon(search).map_err(|error| error.within("within_polygon"))?
                }
            },
            filter: DriverFilter {
                statuses,
                vehicle_classes: wire.vehicle_classes,
                capabilities: capabilities(wire.capabilities)?,
                time_min_ms: Timestamp::from_millis(wire.time_min_ms),
            },
        })
    }
}

fn wire_search(search: &Search) -> WireSearch {
    match search {
        Search::Nearest { circle, k } => {
            let (point, radius_m) = (circle.center().to_bits(), circle.radius_m());
            WireSearch::Nearest(v1::Nearest { point, radius_m, k: *k })
        }
        Search::WithinRadius { circle, limit, after } => WireSearch::WithinRadius(v1::WithinRadius {
            point: circle.center().to_bits(),
            radius_m: circle.radius_m(),
            limit: *limit,
            after: after.as_ref().map(Into::into),
        }),
        Search::WithinPolygon { polygon, limit, after } => {
            let (vertices, holes) = internal_rings(polygon);
            let (limit, after) = (*limit, after.as_ref().map(Into::into));
            WireSearch::WithinPolygon(v1::WithinPolygon { vertices, limit, after, holes })
        }
    }
}

fn nearest(wire: &v1::Nearest) -> Result<Search, FieldError> {
    Ok(Search::Nearest { circle: circle(wire.point, wire.radius_m)?, k: count("k", wire.k, NEIGHBORS_MAX)? })
}

fn within_radius(wire: v1::WithinRadius) -> Result<Search, FieldError> {
    Ok(Search::WithinRadius {
        circle: circle(wire.point, wire.radius_m)?,
        limit: count("limit", wire.limit, RESULT_DRIVERS_MAX)?,
        after: cursor(wire.after)?,
    })
}

fn within_polygon(wire: v1::WithinPolygon) -> Result<Search, FieldError> {
    Ok(Search::WithinPolygon {
        polygon: Arc::new(internal_polygon(wire.vertices, wire.holes)?),
        limit: count("limit", wire.limit, RESULT_DRIVERS_MAX)?,
        after: cursor(wire.after)?,
    })
}

fn circle(point: u64, radius_m: f64) -> Result<Circle, FieldError> {
    let center = one_position("point", point)?;
    super::public::circle(center, radius_m)
}

/// Validates a haversine, which is between 0 and 1.
fn hav(value: f64) -> Result<f64, FieldError> {
    if (0.0..=1.0).contains(&value) { Ok(value) } else { Err(invalid("hav", value, "0 to 1")) }
}

fn cursor(wire: Option<v1::Cursor>) -> Result<Option<Cursor>, FieldError> {
    wire.map(Cursor::try_from).transpose().map_err(|error| error.within("after"))
}

impl From<&Cursor> for v1::Cursor {
    fn from(cursor: &Cursor) -> Self {
        Self { hav: cursor.hav, driver_id: cursor.id.as_str().to_owned() }
    }
}

impl TryFrom<v1::Cursor> for Cursor {
    type Error = FieldError;

    fn try_from(wire: v1::Cursor) -> Result<Self, FieldError> {
        Ok(Self { hav: hav(wire.hav)?, id: driver_id("driver_id", &wire.driver_id)? })
    }
}

impl From<&ShardResult> for v1::SearchShardsResponse {
    fn from(answer: &ShardResult) -> Self {
        Self {
            neighbors: answer.neighbors.iter().map(Into::into).collect(),
            uncovered: shard_numbers(&answer.uncovered),
        }
    }
}

impl TryFrom<v1::SearchShardsResponse> for ShardResult {
    type Error = FieldError;

    fn try_from(wire: v1::SearchShardsResponse) -> Result<Self, FieldError> {
        at_most("neighbors", wire.neighbors.len(), RESULT_DRIVERS_MAX as usize)?;
        Ok(Self {
            neighbors: each("neighbors", wire.neighbors)?,
            uncovered: shards("uncovered", &wire.uncovered)?,
        })
    }
}

impl From<&Neighbor> for v1::Neighbor {
    fn from(neighbor: &Neighbor) -> Self {
        Self {
            driver_id: neighbor.profile.id.as_str().to_owned(),
            position: neighbor.position.to_bits(),
            hav: neighbor.hav,
            time_ms: neighbor.update_version.time.as_millis(),
            sequence: neighbor.update_version.sequence,
            heading_cdeg: u32::from(neighbor.motion.heading_cdeg),
            speed_cmps: u32::from(neighbor.motion.speed_cmps),
            status: u32::from(neighbor.status as u8),
            vehicle_class: u32::from(neighbor.profile.vehicle_class.0),
            capabilities: u32::from(neighbor.profile.capabilities.0),
        }
    }
}

impl TryFrom<v1::Neighbor> for Neighbor {
    type Error = FieldError;

    fn try_from(wire: v1::Neighbor) -> Result<Self, FieldError> {
        let profile = DriverProfile {
            id: driver_id("driver_id", &wire.driver_id)?,
            vehicle_class: vehicle_class(wire.vehicle_class)?,
            capabilities: capabilities(wire.capabilities)?,
        };
        Ok(Self {
            profile,
            position: one_position("position", wire.position)?,
            hav: hav(wire.hav)?,
            update_version: UpdateVersion {
                sequence: wire.sequence,
                time: Timestamp::from_millis(wire.time_ms),
            },
            motion: motion(wire.heading_cdeg, wire.speed_cmps)?,
            status: one_indexed_status(wire.status)?,
        })
    }
}
