//! Maps of requests and of unserved requests, in hexagons (H3, Uber 2018).

use std::collections::BTreeMap;

use h3o::{CellIndex, Resolution};
use kerb_geometry::LatLng;
use kerb_loadgen::plot::axes::round_step;
use kerb_loadgen::plot::px;
use maud::{Markup, html};

use crate::metrics::record::RequestOutcome;
use crate::report::text;
use crate::report::view::ReportView;

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 420.0;
const MARGIN: f64 = 12.0;
/// Height of the title, and of the scale bar, pixels.
const TOP: f64 = 44.0;
const BOTTOM: f64 = 40.0;
/// Maximum hexagons along the longer side of the extent.
const CELLS_ACROSS: f64 = 32.0;
/// Maximum maps of unserved requests. The page counts the others.
const MAPS_MAX: usize = 6;
/// Number of steps of the color scale.
const STEPS: u32 = 5;
/// Share of the pickups that may lie outside the map on each side. A few outliers would shrink everything else.
const OUTLIER_SHARE: f64 = 0.002;
const M_PER_DEG: f64 = 111_195.0;

type Counts = BTreeMap<CellIndex, u32>;

pub(super) fn section(view: &ReportView<'_>) -> Markup {
    let pickups: Vec<LatLng> = view.arms.iter().flat_map(|arm| arm.requests().map(|r| r.pickup)).collect();
    let Some(extent) = Extent::of(&pickups) else {
        return html! { p.note { "There are no requests, so there is no map." } };
    };
    let first = view.arms.first().map(|arm| counts(arm.requests().map(|r| r.pickup), extent.resolution));
    let unserved = |arm: &crate::report::view::ArmView<'_>| {
        let lost =
            arm.requests().filter(|r| !matches!(r.outcome, RequestOutcome::Served | RequestOutcome::Open));
        counts(lost.map(|request| request.pickup), extent.resolution)
    };
    let shown = &view.arms[..view.arms.len().min(MAPS_MAX)];
    let maps: Vec<(&str, Counts)> = shown.iter().map(|arm| (arm.label.as_str(), unserved(arm))).collect();
    let most = maps.iter().flat_map(|(_, counts)| counts.values()).copied().max().unwrap_or(0);
    html! {
        div.plots {
            @if let Some(counts) = &first {
                (map(&extent, &format!("Requested pickups ({})", shown[0].label), counts, counts.values().copied().max().unwrap_or(0)))
            }
            @for (label, counts) in &maps { (map(&extent, &format!("Unserved: {label}"), counts, most)) }
        }
        p.note {
            "Requests by the hexagon of the pickup (H3 resolution " (u8::from(extent.resolution)) ", about "
            (text::grouped(extent.resolution.area_km2(), 2)) " km² each), all seeds together; maps of unserved requests "
            "have one scale. Unserved are requests that ended without a ride. North is up."
            @let outliers = extent.outliers(&pickups);
            @if outliers > 0 { " " (text::count(outliers, "request lies", "requests lie")) " outside the maps, of all policies." }
            @if view.arms.len() > MAPS_MAX { " Maps of " (view.arms.len() - MAPS_MAX) " more are left out." }
        }
    }
}

fn counts(places: impl Iterator<Item = LatLng>, resolution: Resolution) -> Counts {
    let mut counts = Counts::new();
    for place in places {
        if let Ok(place) = h3o::LatLng::new(place.lat_deg(), place.lon_deg()) {
            *counts.entry(place.to_cell(resolution)).or_default() += 1;
        }
    }
    counts
}

fn map(extent: &Extent, title: &str, counts: &Counts, most: u32) -> Markup {
    let (bar_m, bar_px) = extent.scale_bar();
    let y = HEIGHT - 14.0;
    html! { figure {
        svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label=(title) {
            text.head x="4" y="16" { (title) }
            @for (cell, count) in counts {
                @if let Some(points) = extent.polygon(*cell) {
                    polygon class={ "cell q" (step(*count, most)) } points=(points) { title { (count) } }
                }
            }
            path.axis fill="none" d={ "M" (MARGIN) " " (y - 5.0) " v5 h" (px(bar_px)) " v-5" } {}
            text x=(px(MARGIN + bar_px + 6.0)) y=(y) { (distance(bar_m)) }
        }
        (legend(most))
    } }
}

fn legend(most: u32) -> Markup {
    html! { div.legend {
        @if most == 0 { "none" }
        @for step in 1..=STEPS {
            @let (low, high) = (highest(step - 1, most) + 1, highest(step, most));
            @if low <= high { span {
                svg viewBox="0 0 36 12" aria-hidden="true" { rect class={ "cell q" (step) } width="36" height="12" {} }
                @if low == high { (low) } @else { (low) " to " (high) }
            } }
        }
    } }
}

/// Returns the highest count of a step. Steps are even in the square root of the count, as few cells have high counts.
fn highest(step: u32, most: u32) -> u32 {
    (u64::from(most) * u64::from(step * step) / u64::from(STEPS * STEPS)) as u32
}

fn step(count: u32, most: u32) -> u32 {
    (1..=STEPS).find(|step| count <= highest(*step, most)).unwrap_or(STEPS)
}

fn distance(meters: f64) -> String {
    if meters < 1_000.0 { format!("{meters} m") } else { format!("{} km", meters / 1_000.0) }
}

/// The part of the world on the map, and its projection: meters east and north of a center, exact at its latitude.
struct Extent {
    center: LatLng,
    west_m: f64,
    north_m: f64,
    px_per_m: f64,
    resolution: Resolution,
}

impl Extent {
    /// Computes the extent of all places without outliers; `None` without places.
    fn of(places: &[LatLng]) -> Option<Self> {
        let mut extent = Self {
            center: *places.first()?,
            west_m: 0.0,
            north_m: 0.0,
            px_per_m: 1.0,
            resolution: Resolution::Zero,
        };
        let (mut east, mut north): (Vec<f64>, Vec<f64>) =
            places.iter().map(|place| extent.meters(place.lat_deg(), place.lon_deg())).unzip();
        let ((west_m, east_m), (south_m, north_m)) = (within(&mut east), within(&mut north));
        let longer_m = (east_m - west_m).max(north_m - south_m).max(200.0);
        // The width of a hexagon is √3 edges, and the outermost hexagons extend beyond the places.
        let fits =
            |resolution: &Resolution| longer_m <= CELLS_ACROSS * resolution.edge_length_m() * 3.0_f64.sqrt();
        extent.resolution =
            Resolution::range(Resolution::Zero, Resolution::Eleven).rfind(fits).unwrap_or(Resolution::Zero);
        let beyond_m = 2.0 * extent.resolution.edge_length_m();
        let (wide_m, high_m) = (east_m - west_m + 2.0 * beyond_m, north_m - south_m + 2.0 * beyond_m);
        let (wide_px, high_px) = (WIDTH - 2.0 * MARGIN, HEIGHT - TOP - BOTTOM);
        extent.px_per_m = (wide_px / wide_m).min(high_px / high_m);
        // The center of the places is the center of the picture.
        extent.west_m = f64::midpoint(west_m, east_m) - wide_px / extent.px_per_m / 2.0;
        extent.north_m = f64::midpoint(south_m, north_m) + high_px / extent.px_per_m / 2.0;
        Some(extent)
    }

    /// Converts degrees to meters east and north of the center.
    fn meters(&self, lat_deg: f64, lon_deg: f64) -> (f64, f64) {
        let east_deg = (lon_deg - self.center.lon_deg() + 540.0).rem_euclid(360.0) - 180.0;
        let shrink = self.center.lat_deg().to_radians().cos();
        (east_deg * M_PER_DEG * shrink, (lat_deg - self.center.lat_deg()) * M_PER_DEG)
    }

    fn pixel(&self, lat_deg: f64, lon_deg: f64) -> (f64, f64) {
        let (east_m, north_m) = self.meters(lat_deg, lon_deg);
        (MARGIN + (east_m - self.west_m) * self.px_per_m, TOP + (self.north_m - north_m) * self.px_per_m)
    }

    /// Returns the corners of a cell whose center is in the picture.
    fn polygon(&self, cell: CellIndex) -> Option<String> {
        let center = h3o::LatLng::from(cell);
        if !shows(self.pixel(center.lat(), center.lng())) {
            return None;
        }
        let corners = cell
            .boundary()
            .iter()
            .map(|corner| {
                let (x, y) = self.pixel(corner.lat(), corner.lng());
                format!("{x:.1},{y:.1}")
            })
            .collect::<Vec<_>>();
        Some(corners.join(" "))
    }

    /// Returns the number of places whose cell is not in the picture.
    fn outliers(&self, places: &[LatLng]) -> usize {
        let all = counts(places.iter().copied(), self.resolution);
        all.into_iter()
            .filter(|(cell, _)| self.polygon(*cell).is_none())
            .map(|(_, count)| count as usize)
            .sum()
    }

    /// Returns the meters and pixels of a scale bar with a round length, at most a quarter of the width.
    fn scale_bar(&self) -> (f64, f64) {
        let meters = round_step(WIDTH / self.px_per_m / 10.0);
        (meters, meters * self.px_per_m)
    }
}

/// Returns true if a cell with this center is on the map.
fn shows((x, y): (f64, f64)) -> bool {
    (MARGIN..=WIDTH - MARGIN).contains(&x) && (TOP..=HEIGHT - BOTTOM).contains(&y)
}

/// Returns the minimum and the maximum without outliers.
fn within(values: &mut [f64]) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let out = (values.len() as f64 * OUTLIER_SHARE) as usize;
    (values[out], values[values.len() - 1 - out])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_cover_all_counts_once() {
        for most in [1, 2, 4, 25, 1_000, u32::MAX] {
            assert_eq!((highest(0, most), highest(STEPS, most)), (0, most));
            assert_eq!(step(most, most), STEPS);
            assert!((1..=most.min(2_000)).all(|count| {
                let step = step(count, most);
                highest(step - 1, most) < count && count <= highest(step, most)
            }));
        }
    }

    #[test]
    fn places_stand_where_they_are() {
        let at = |lat, lon| LatLng::new(lat, lon).unwrap();
        // Fiji lies on both sides of the date line.
        for (south_west, north_east) in
            [(at(37.70, -122.50), at(37.81, -122.38)), (at(-18.2, 179.9), at(-17.9, -179.9))]
        {
            let extent = Extent::of(&[south_west, north_east]).unwrap();
            let pixel = |place: LatLng| extent.pixel(place.lat_deg(), place.lon_deg());
            let ((x, y), (x2, y2)) = (pixel(south_west), pixel(north_east));
            assert!(x < x2 && y > y2 && shows((x, y)) && shows((x2, y2)));
            let apart_m = kerb_geometry::distance_m(south_west, north_east);
            let drawn_m = (x2 - x).hypot(y2 - y) / extent.px_per_m;
            assert!((drawn_m / apart_m - 1.0).abs() < 0.01, "{drawn_m} {apart_m}");
            assert_eq!(extent.outliers(&[south_west, north_east, at(0.0, 0.0)]), 1);
        }
    }
}
