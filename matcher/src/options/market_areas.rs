//! The areas of the markets. A pickup belongs to the first market that contains it.

use kerb_geometry::{LatLng, Polygon, PolygonError, Vertex};
use kerb_trips::MarketId;
use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// Name of the market that covers the whole world, if the options name no market.
pub const WORLD: &str = "world";

/// A market in the settings file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketArea {
    /// Name of the market, with the characters of a node name. It is a part of its trips' ids.
    pub name: String,
    /// Corners of its area: latitude and longitude in degrees. An edge of exactly 180 degrees of longitude runs from the
    /// one number to the other, so it runs east from 0 to 180 and west from 0 to -180.
    pub polygon: Vec<[f64; 2]>,
    /// Rings within the polygon that are not a part of the market, each as its corners. Their boundary is a part of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holes: Vec<Vec<[f64; 2]>>,
}

/// The validated markets.
#[derive(Clone, Debug)]
pub struct MarketAreas {
    ids: Vec<MarketId>,
    /// The area of each market; empty if the only market covers the whole world.
    polygons: Vec<Polygon>,
}

impl MarketAreas {
    /// Validates the areas. An empty list stands for the one market [`WORLD`].
    pub fn new(areas: &[MarketArea]) -> Result<Self, FieldError> {
        if areas.is_empty() {
            let world = MarketId::new(WORLD).expect("the name is legal");
            return Ok(Self { ids: vec![world], polygons: Vec::new() });
        }
        let mut market_areas = Self { ids: Vec::new(), polygons: Vec::new() };
        for (i, area) in areas.iter().enumerate() {
            let (id, polygon) = validated(area).map_err(|error| error.within(format!("markets[{i}]")))?;
            if market_areas.ids.contains(&id) {
                return Err(FieldError::new(format!("markets[{i}].name"), format!("{id} stands twice")));
            }
            market_areas.ids.push(id);
            market_areas.polygons.push(polygon);
        }
        Ok(market_areas)
    }

    /// Returns the names of the markets, in the order of the settings.
    pub fn ids(&self) -> &[MarketId] {
        &self.ids
    }

    /// Returns the first market that contains the point.
    pub fn of(&self, pickup: LatLng) -> Result<&MarketId, FieldError> {
        if self.polygons.is_empty() {
            return Ok(&self.ids[0]);
        }
        let index = self.polygons.iter().position(|polygon| polygon.contains(pickup));
        index.map(|index| &self.ids[index]).ok_or_else(|| {
            let names: Vec<_> = self.ids.iter().map(MarketId::as_str).collect();
            let (lat, lon) = (pickup.lat_deg(), pickup.lon_deg());
            FieldError::new("pickup", format!("{lat}, {lon} is outside every market: {}", names.join(", ")))
        })
    }
}

fn validated(area: &MarketArea) -> Result<(MarketId, Polygon), FieldError> {
    let id = MarketId::new(&area.name).map_err(|error| FieldError::new("name", error.description))?;
    let outer = vertices("polygon", &area.polygon)?;
    let hole = |(i, hole): (usize, &Vec<[f64; 2]>)| vertices(&format!("holes[{i}]"), hole);
    let holes = area.holes.iter().enumerate().map(hole).collect::<Result<_, _>>()?;
    let field = |error: &PolygonError| match error.ring().hole() {
        Some(hole) => format!("holes[{hole}]"),
        None => "polygon".to_owned(),
    };
    let polygon = Polygon::with_holes(outer, holes)
        .map_err(|error| FieldError::new(field(&error), error.to_string()))?;
    Ok((id, polygon))
}

/// Validates the corners of a ring.
fn vertices(field: &str, corners: &[[f64; 2]]) -> Result<Vec<Vertex>, FieldError> {
    let vertex = |(i, [lat_deg, lon_deg]): (usize, &[f64; 2])| {
        let vertex = Vertex::new(*lat_deg, *lon_deg);
        vertex.map_err(|error| FieldError::new(format!("{field}[{i}]"), error.to_string()))
    };
    corners.iter().enumerate().map(vertex).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_has_holes_and_edges_of_half_a_turn() {
        let area = MarketArea {
            name: "east".to_owned(),
            polygon: vec![[0.0, 0.0], [0.0, 180.0], [10.0, 180.0], [10.0, 0.0]],
            holes: vec![vec![[2.0, 80.0], [2.0, 90.0], [4.0, 90.0], [4.0, 80.0]]],
        };
        let areas = MarketAreas::new(&[area]).unwrap();
        let is_in = |lat_deg, lon_deg| areas.of(LatLng::new(lat_deg, lon_deg).unwrap()).is_ok();
        assert!(is_in(1.0, 90.0) && !is_in(1.0, -90.0));
        assert!(!is_in(3.0, 85.0) && is_in(2.0, 85.0), "the boundary of a hole is a part of the market");
    }
}
