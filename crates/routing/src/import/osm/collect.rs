//! Reads a PBF file in two passes: first ways and relations, then the nodes of the ways. So the objects may be in any
//! order, and only the nodes of streets are kept in memory.
//!
//! A file may contain several versions of an object; the newest one counts, whatever their order is.

use std::collections::BTreeSet;
use std::io::{Read, Seek};

use kerb_geometry::LatLng;

use super::barriers;
use super::pbf::{Element, Pbf, Position, Tags, Version};
use super::restrictions;
use super::speed;
use super::ways::{self, ExclusionReason};
use crate::import::error::ImportError;
use crate::import::options::ImportOptions;
use crate::import::progress::{ImportStage, Progress};
use crate::import::report::Report;
use crate::import::streets::{COUNT_MAX, Map, Passage, Restriction, Street, StreetNode, Streets};
use crate::network::line;

/// The range of plausible speeds of ferries in km/h; the duration may include the wait.
const FERRY_KMH_MIN: f64 = 1.0;
const FERRY_KMH_MAX: f64 = 100.0;

/// A way whose nodes still have OpenStreetMap ids.
struct UnnumberedWay {
    street: Street,
    version: i32,
    node_ids: Vec<i64>,
}

/// The results of the first pass.
#[derive(Default)]
struct FirstPass {
    options: ImportOptions,
    ways: Vec<UnnumberedWay>,
    restrictions: Vec<(Restriction, i32)>,
    names: Vec<String>,
    name_numbers: Map<String, u32>,
}

/// The second pass: fills in the nodes, and finds versions of objects that are newer than those of the first pass but
/// are no streets or restrictions.
struct SecondPass {
    options: ImportOptions,
    streets: Streets,
    node_numbers: Map<i64, u32>,
    node_versions: Vec<i32>,
    way_versions: Map<i64, i32>,
    relation_versions: Map<i64, i32>,
    outdated_ways: BTreeSet<i64>,
    outdated_relations: BTreeSet<i64>,
}

/// Collects the streets of a file.
pub(in crate::import) fn collect(
    pbf: &mut Pbf<impl Read + Seek>,
    options: &ImportOptions,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<Streets, ImportError> {
    let total = pbf.bytes();
    let mut report_progress = |stage, at: Position| progress(Progress { stage, done: at.bytes, total });

    let mut first = FirstPass::new(*options);
    let end = pbf.pass(|element| first.add(&element, report), |at| report_progress(ImportStage::Ways, at))?;
    report.blocks = end.blocks;
    let mut second = first.number_nodes(report)?;
    pbf.pass(|element| second.add(&element, report), |at| report_progress(ImportStage::Nodes, at))?;
    Ok(second.finish(report))
}

impl FirstPass {
    fn new(options: ImportOptions) -> FirstPass {
        let mut first = FirstPass { options, ..FirstPass::default() };
        // Name 0 stands for no name.
        first.name_number("");
        first
    }

    fn add(&mut self, element: &Element<'_>, report: &mut Report) {
        match element {
            Element::Node { .. } => {}
            Element::BrokenTexts(count) => report.broken_texts += count,
            Element::Way { id, version, nodes, tags } => {
                report.ways_read += 1;
                report.deleted += u64::from(version.is_deleted);
                if !version.is_deleted {
                    self.add_way(*id, version.number, nodes, tags, report);
                }
            }
            Element::Relation { id, version, members, tags } => {
                report.relations_read += 1;
                report.deleted += u64::from(version.is_deleted);
                match restrictions::read(*id, members, tags).filter(|_| !version.is_deleted) {
                    Some(Ok(restriction)) => self.restrictions.push((restriction, version.number)),
                    Some(Err(ignored)) => {
                        report.count_restriction(ignored.value, |counts| ignored.count(counts));
                    }
                    None => {}
                }
            }
        }
    }

    fn add_way(&mut self, way_id: i64, version: i32, nodes: &[i64], tags: &Tags<'_>, report: &mut Report) {
        let excluded = &mut report.excluded;
        let rules = match ways::classify(tags, &self.options) {
            Ok(rules) => rules,
            Err(ExclusionReason::NotARoad) => return,
            Err(ExclusionReason::Ferry) => return excluded.ferries += 1,
            Err(ExclusionReason::Area) => return excluded.areas += 1,
            Err(ExclusionReason::NoAccess) => return excluded.no_access += 1,
            Err(ExclusionReason::Reversible) => return excluded.reversible += 1,
            Err(ExclusionReason::Impassable) => return report.impassable += 1,
            Err(ExclusionReason::TooSmall) => return report.too_small += 1,
        };
        report.ignored_conditions += rules.ignored_conditions;
        report.refused_speeds += u64::from(tags.get("maxspeed").is_some_and(speed::is_implausible));
        let name = self.name_number(tags.get("name").or_else(|| tags.get("ref")).unwrap_or_default());
        let length_m = tags.get("length_m").and_then(|text| text.parse().ok());
        let street = Street {
            way_id,
            class: rules.class,
            name,
            lanes: rules.lanes,
            is_ferry: rules.is_ferry,
            duration_s: rules.duration_s,
            nodes: Vec::new(),
            length_m,
        };
        self.ways.push(UnnumberedWay { street, version, node_ids: nodes.to_vec() });
    }

    fn name_number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.name_numbers.get(name) {
            return *number;
        }
        // A file of 2^32 names would not fit the format's memory limits.
        let number = self.names.len() as u32;
        self.names.push(name.to_owned());
        self.name_numbers.insert(name.to_owned(), number);
        number
    }

    /// Sorts the ways and numbers their nodes, so that the result does not depend on the order of the file. Of several
    /// versions the newest one stays.
    fn number_nodes(mut self, report: &mut Report) -> Result<SecondPass, ImportError> {
        let read = self.restrictions.len() + self.ways.len();
        self.restrictions.sort_by_key(|(restriction, version)| (restriction.relation_id, -version));
        self.restrictions.dedup_by_key(|(restriction, _)| restriction.relation_id);
        self.ways.sort_by_key(|way| (way.street.way_id, -way.version));
        self.ways.dedup_by_key(|way| way.street.way_id);
        report.replaced += (read - self.restrictions.len() - self.ways.len()) as u64;

        let of_restriction =
            |(restriction, version): &(Restriction, i32)| (restriction.relation_id, *version);
        let mut second = SecondPass {
            options: self.options,
            relation_versions: self.restrictions.iter().map(of_restriction).collect(),
            way_versions: self.ways.iter().map(|way| (way.street.way_id, way.version)).collect(),
            streets: Streets { names: self.names, ..Streets::default() },
            node_numbers: Map::default(),
            node_versions: Vec::new(),
            outdated_ways: BTreeSet::new(),
            outdated_relations: BTreeSet::new(),
        };
        second.streets.restrictions =
            self.restrictions.into_iter().map(|(restriction, _)| restriction).collect();
        for way in self.ways {
            second.add_street(way)?;
        }
        second.node_versions = vec![i32::MIN; second.streets.nodes.len()];
        Ok(second)
    }
}

impl SecondPass {
    fn add_street(&mut self, way: UnnumberedWay) -> Result<(), ImportError> {
        let UnnumberedWay { mut street, node_ids, .. } = way;
        let nodes = &mut self.streets.nodes;
        for id in node_ids {
            let number = *self.node_numbers.entry(id).or_insert_with(|| {
                let (passage, is_turning_place) = (Passage::Open, false);
                nodes.push(StreetNode { id, position: None, passage, is_turning_place });
                nodes.len() as u32 - 1
            });
            // A node that is repeated at once would otherwise look like a junction that the way passes twice.
            if street.nodes.last() != Some(&number) {
                street.nodes.push(number);
            }
        }
        if nodes.len() > COUNT_MAX {
            return Err(ImportError::TooLarge { what: "the number of street nodes" });
        }
        self.streets.ways.push(street);
        Ok(())
    }

    fn add(&mut self, element: &Element<'_>, report: &mut Report) {
        let is_newer = |versions: &Map<i64, i32>, id: &i64, version: &Version| {
            versions.get(id).is_some_and(|known| version.number > *known)
        };
        match element {
            Element::Node { id, version, position, tags } => {
                report.nodes_read += 1;
                report.nodes_off_globe += u64::from(position.is_none());
                report.deleted += u64::from(version.is_deleted);
                let Some(number) = self.node_numbers.get(id).map(|number| *number as usize) else { return };
                if self.node_versions[number] > version.number {
                    return;
                }
                self.node_versions[number] = version.number;
                let node = &mut self.streets.nodes[number];
                node.position = position.filter(|_| !version.is_deleted);
                node.passage = barriers::passage(tags, &self.options.vehicle);
                node.is_turning_place = barriers::is_turning_place(tags);
            }
            Element::Way { id, version, .. } if is_newer(&self.way_versions, id, version) => {
                self.outdated_ways.insert(*id);
            }
            Element::Relation { id, version, .. } if is_newer(&self.relation_versions, id, version) => {
                self.outdated_relations.insert(*id);
            }
            _ => {}
        }
    }

    fn finish(mut self, report: &mut Report) -> Streets {
        report.replaced += (self.outdated_ways.len() + self.outdated_relations.len()) as u64;
        self.streets.ways.retain(|street| !self.outdated_ways.contains(&street.way_id));
        let is_current =
            |restriction: &Restriction| !self.outdated_relations.contains(&restriction.relation_id);
        self.streets.restrictions.retain(is_current);
        report.streets = self.streets.ways.len() as u64;
        self.time_ferries();
        self.streets
    }

    /// Sets the speeds of ferries that state their duration.
    fn time_ferries(&mut self) {
        let nodes = &self.streets.nodes;
        for ferry in &mut self.streets.ways {
            let Some(duration_s) = ferry.duration_s else { continue };
            let points: Vec<LatLng> =
                ferry.nodes.iter().filter_map(|node| nodes[*node as usize].position).collect();
            let speed_kmh = line::length_m(&points) / duration_s * 3.6;
            for lane in ferry.lanes.iter_mut().flatten() {
                lane.speed_kmh = speed_kmh.clamp(FERRY_KMH_MIN, FERRY_KMH_MAX);
            }
        }
    }
}
