//! Which market a pickup belongs to. Pure.

use kerb_geometry::{LatLng, Polygon};
use kerb_trips::MarketId;
use kerb_types::FieldError;
use serde::{Deserialize, Serialize};

/// The market of a matcher that is told of none.
pub const WORLD: &str = "world";

/// A market of the settings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MarketArea {
    /// As a node's name; it stands in the ids of its trips.
    pub name: String,
    /// Its corners, latitude and longitude in degrees.
    pub polygon: Vec<[f64; 2]>,
}

/// The checked markets.
#[derive(Clone, Debug)]
pub struct Markets {
    ids: Vec<MarketId>,
    /// One a market; none at all: everywhere is the first.
    polygons: Vec<Polygon>,
}

impl Markets {
    /// Of the settings; an empty list is the one market [`WORLD`].
    pub fn new(areas: &[MarketArea]) -> Result<Self, FieldError> {
        if areas.is_empty() {
            let world = MarketId::new(WORLD).expect("the name is legal");
            return Ok(Self { ids: vec![world], polygons: Vec::new() });
        }
        let mut markets = Self { ids: Vec::new(), polygons: Vec::new() };
        for (i, area) in areas.iter().enumerate() {
            let (id, polygon) = checked(area).map_err(|error| error.within(format!("markets[{i}]")))?;
            if markets.ids.contains(&id) {
                return Err(FieldError::new(format!("markets[{i}].name"), format!("{id} stands twice")));
            }
            markets.ids.push(id);
            markets.polygons.push(polygon);
        }
        Ok(markets)
    }

    /// All of them, in the settings' order.
    pub fn ids(&self) -> &[MarketId] {
        &self.ids
    }

    /// The first market that holds the point.
    pub fn of(&self, pickup: LatLng) -> Result<&MarketId, FieldError> {
        if self.polygons.is_empty() {
            return Ok(&self.ids[0]);
        }
        let found = self.polygons.iter().position(|polygon| polygon.contains(pickup));
        found.map(|market| &self.ids[market]).ok_or_else(|| {
            let names: Vec<_> = self.ids.iter().map(MarketId::as_str).collect();
            let (lat, lon) = (pickup.lat_deg(), pickup.lon_deg());
            FieldError::new("pickup", format!("{lat}, {lon} is outside every market: {}", names.join(", ")))
        })
    }
}

fn checked(area: &MarketArea) -> Result<(MarketId, Polygon), FieldError> {
    let id = MarketId::new(&area.name).map_err(|error| FieldError::new("name", error.description))?;
    let mut vertices = Vec::with_capacity(area.polygon.len());
    for (i, [lat_deg, lon_deg]) in area.polygon.iter().enumerate() {
        let vertex = LatLng::new(*lat_deg, *lon_deg);
        vertices.push(vertex.map_err(|error| FieldError::new(format!("polygon[{i}]"), error.to_string()))?);
    }
    let polygon = Polygon::new(vertices).map_err(|error| FieldError::new("polygon", error.to_string()))?;
    Ok((id, polygon))
}
