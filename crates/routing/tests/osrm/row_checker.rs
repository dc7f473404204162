//! Compares the expected rows of a scenario with the routes of this router.

use std::collections::BTreeMap;
use std::io::Cursor;

use kerb_geometry::LatLng;
use kerb_routing::Roads;
use kerb_routing::import::{ImportOptions, import_pbf_with};
use kerb_routing::speeds::{SpeedLayers, UtcOffset};
use kerb_types::Timestamp;

use crate::feature::{FeatureStep, Scenario};
use crate::scenario::Map;
use crate::support::osm::Osm;
use crate::support::pbf;

/// A position is never off the map: the suite has no limit of this kind.
const SNAP_MAX_M: f64 = 50_000.0;

pub(crate) enum RowOutcome {
    Pass,
    /// What the router returned instead.
    Fail(String),
    /// The row expects something that this router has no notion of.
    NotApplicable,
}

pub(crate) struct CheckedRow {
    pub(crate) text: String,
    pub(crate) outcome: RowOutcome,
}

/// Checks all expected rows.
pub(crate) fn check_rows(scenario: &Scenario) -> Vec<CheckedRow> {
    let mut map = Map::new();
    let mut rows = Vec::new();
    for step in &scenario.steps {
        match step.text.as_str() {
            "routability should be" => rows.extend(step.rows().map(|row| routability(&map, &row))),
            "I route I should get" => rows.extend(routes(&map, step)),
            text if text.starts_with("I match") || text.starts_with("I request") => {
                rows.extend(
                    step.rows()
                        .map(|row| CheckedRow { text: text_of(&row), outcome: RowOutcome::NotApplicable }),
                );
            }
            _ => map.apply(step),
        }
    }
    rows
}

fn text_of(row: &[(&str, &str)]) -> String {
    let cells = row.iter().filter(|(_, cell)| !cell.is_empty());
    cells.map(|(column, cell)| format!("{column}={cell}")).collect::<Vec<_>>().join(" ")
}

fn roads(osm: &Osm, now: Option<(i64, i64)>) -> Option<Roads> {
    let file = pbf::write(&osm.objects, pbf::BlockCompression::None);
    let options = ImportOptions { ferries: true, ..ImportOptions::default() };
    let imported = import_pbf_with(Cursor::new(file), &options, &mut |_| {}).ok()?;
    let roads = Roads::new(imported.network, SNAP_MAX_M).unwrap();
    if let Some((seconds, offset_h)) = now {
        let offset = UtcOffset::new(offset_h as i16 * 60).unwrap();
        let layers = SpeedLayers::new(roads.network(), offset);
        let (times_ms, _) = layers.times_ms(roads.network(), Timestamp::from_millis(seconds * 1_000));
        roads.engine().replace(&times_ms).unwrap();
    }
    Some(roads)
}

/// The names of the ways of a route, without repetitions; `None` when there is no route.
fn names(roads: &Roads, from: LatLng, to: LatLng) -> Option<Vec<String>> {
    let route = roads.route(from, to).ok()?;
    let mut names: Vec<String> = route.steps.into_iter().map(|step| step.name).collect();
    names.retain(|name| !name.is_empty());
    names.dedup();
    Some(names)
}

fn routability(map: &Map, row: &[(&str, &str)]) -> CheckedRow {
    let text = text_of(row);
    if map.is_foreign {
        return CheckedRow { text, outcome: RowOutcome::NotApplicable };
    }
    let (osm, from, to) = map.row_map(row);
    let roads = roads(&osm, map.now);
    let is_open = |from, to| roads.as_ref().is_some_and(|roads| roads.route(from, to).is_ok());
    let (forward, backward) = (is_open(from, to), is_open(to, from));
    let both = match (forward, backward) {
        (true, true) => "x",
        (false, false) => "",
        _ => "diff",
    };
    let mark = |is_open: bool| if is_open { "x" } else { "" };
    let found = BTreeMap::from([("forw", mark(forward)), ("backw", mark(backward)), ("bothw", both)]);
    let cells = row.iter().filter(|(column, _)| found.contains_key(column));
    let wrong = cells.filter(|(column, cell)| {
        let expected = if cell.is_empty() || *cell == "diff" { cell } else { "x" };
        found[column] != expected
    });
    let wrong: Vec<String> = wrong.map(|(column, _)| format!("{column}={}", found[column])).collect();
    let outcome = if wrong.is_empty() { RowOutcome::Pass } else { RowOutcome::Fail(wrong.join(" ")) };
    CheckedRow { text, outcome }
}

fn routes(map: &Map, step: &FeatureStep) -> Vec<CheckedRow> {
    let roads = roads(&map.osm, map.now);
    step.rows()
        .map(|row| {
            let outcome =
                if map.is_foreign { RowOutcome::NotApplicable } else { route(map, roads.as_ref(), &row) };
            CheckedRow { text: text_of(&row), outcome }
        })
        .collect()
}

fn route(map: &Map, roads: Option<&Roads>, row: &[(&str, &str)]) -> RowOutcome {
    let cell = |name: &str| row.iter().find(|(column, _)| *column == name).map(|(_, cell)| *cell);
    let ends: Vec<char> = match (cell("from"), cell("to"), cell("waypoints")) {
        (Some(from), Some(to), _) => from.chars().chain(to.chars()).collect(),
        (.., Some(waypoints)) => waypoints.chars().filter(char::is_ascii_alphanumeric).collect(),
        _ => Vec::new(),
    };
    let ([from, to], Some(expected), None) = (&ends[..], cell("route"), cell("bearings")) else {
        return RowOutcome::NotApplicable;
    };
    let (from, to) = (map.places[from].1, map.places[to].1);
    let found = roads.and_then(|roads| names(roads, from, to)).unwrap_or_default();
    let mut expected: Vec<&str> = expected.split(',').filter(|name| !name.is_empty()).collect();
    expected.dedup();
    if found == expected { RowOutcome::Pass } else { RowOutcome::Fail(found.join(",")) }
}
