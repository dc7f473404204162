//! The areas of the markets. A pickup belongs to the first market that contains it.

use kerb_geometry::{LatLng, Polygon};
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
    /// Corners of its area: latitude and longitude in degrees.
    pub polygon: Vec<[f64; 2]>,
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
    let mut vertices = Vec::with_capacity(area.polygon.len());
    for (i, [lat_deg, lon_deg]) in area.polygon.iter().enumerate() {
        let vertex = LatLng::new(*lat_deg, *lon_deg);
        vertices.push(vertex.map_err(|error| FieldError::new(format!("polygon[{i}]"), error.to_string()))?);
    }
    let polygon = Polygon::new(vertices).map_err(|error| FieldError::new("polygon", error.to_string()))?;
    Ok((id, polygon))
}
