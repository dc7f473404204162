//! Reads a PBF file in two passes: first ways and relations, then the nodes of the ways. So the objects may be in any
//! order, and only the nodes of streets are kept in memory.

use std::io::{Read, Seek};

use super::access;
use super::pbf::{Element, Pbf, Position, Tags};
use super::restrictions;
use super::ways::{self, ExclusionReason};
use crate::import::error::ImportError;
use crate::import::progress::{ImportStage, Progress};
use crate::import::report::Report;
use crate::import::streets::{COUNT_MAX, Map, Street, StreetNode, Streets};

/// A way whose nodes still have OpenStreetMap ids.
struct UnnumberedWay {
    street: Street,
    node_ids: Vec<i64>,
}

/// The results of the first pass.
#[derive(Default)]
struct FirstPass {
    ways: Vec<UnnumberedWay>,
    streets: Streets,
    name_numbers: Map<String, u32>,
}

/// Collects the streets of a file.
pub(in crate::import) fn collect(
    pbf: &mut Pbf<impl Read + Seek>,
    report: &mut Report,
    progress: &mut dyn FnMut(Progress),
) -> Result<Streets, ImportError> {
    let total = pbf.bytes();
    let mut report_progress = |stage, at: Position| progress(Progress { stage, done: at.bytes, total });

    let mut first = FirstPass::new();
    let end = pbf.pass(|element| first.add(&element, report), |at| report_progress(ImportStage::Ways, at))?;
    report.blocks = end.blocks;
    let (mut streets, numbers) = first.number_nodes()?;

    pbf.pass(
        |element| {
            if let Element::Node { id, position, tags } = element {
                report.nodes_read += 1;
                if let Some(number) = numbers.get(&id) {
                    let node = &mut streets.nodes[*number as usize];
                    node.position = Some(position);
                    node.is_closed = access::blocks(&tags);
                }
            }
        },
        |at| report_progress(ImportStage::Nodes, at),
    )?;
    Ok(streets)
}

impl FirstPass {
    fn new() -> FirstPass {
        let mut first = FirstPass::default();
        // Name 0 stands for no name.
        first.name_number("");
        first
    }

    fn add(&mut self, element: &Element<'_>, report: &mut Report) {
        match element {
            Element::Node { .. } => {}
            Element::Way { id, nodes, tags } => {
                report.ways_read += 1;
                self.add_way(*id, nodes, tags, report);
            }
            Element::Relation { id, members, tags } => {
                report.relations_read += 1;
                match restrictions::read(*id, members, tags) {
                    Some(Ok(restriction)) => self.streets.restrictions.push(restriction),
                    Some(Err(ignored)) => {
                        report.count_restriction(ignored.value, |counts| ignored.count(counts));
                    }
                    None => {}
                }
            }
        }
    }

    fn add_way(&mut self, way_id: i64, nodes: &[i64], tags: &Tags<'_>, report: &mut Report) {
        let excluded = &mut report.excluded;
        let rules = match ways::classify(tags) {
            Ok(rules) => rules,
            Err(ExclusionReason::NotARoad) => return,
            Err(ExclusionReason::Ferry) => return excluded.ferries += 1,
            Err(ExclusionReason::Area) => return excluded.areas += 1,
            Err(ExclusionReason::NoAccess) => return excluded.no_access += 1,
            Err(ExclusionReason::Reversible) => return excluded.reversible += 1,
        };
        let name = self.name_number(tags.get("name").or_else(|| tags.get("ref")).unwrap_or_default());
        let length_m = tags.get("length_m").and_then(|text| text.parse().ok());
        let street = Street {
            way_id,
            class: rules.class,
            name,
            speed_kmh: rules.speed_kmh,
            nodes: Vec::new(),
            length_m,
        };
        self.ways.push(UnnumberedWay { street, node_ids: nodes.to_vec() });
        report.streets += 1;
    }

    fn name_number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.name_numbers.get(name) {
            return *number;
        }
        // A file of 2^32 names would not fit the format's memory limits.
        let number = self.streets.names.len() as u32;
        self.streets.names.push(name.to_owned());
        self.name_numbers.insert(name.to_owned(), number);
        number
    }

    /// Sorts the ways and numbers their nodes, so that the result does not depend on the order of the file. An object
    /// that the file contains twice counts once.
    fn number_nodes(mut self) -> Result<(Streets, Map<i64, u32>), ImportError> {
        let mut streets = self.streets;
        streets.restrictions.sort_by_key(|restriction| restriction.relation_id);
        streets.restrictions.dedup_by_key(|restriction| restriction.relation_id);
        self.ways.sort_by_key(|ways| ways.street.way_id);
        self.ways.dedup_by_key(|ways| ways.street.way_id);
        let mut numbers = Map::default();
        for UnnumberedWay { mut street, node_ids } in self.ways {
            for id in node_ids {
                let number = *numbers.entry(id).or_insert_with(|| {
                    streets.nodes.push(StreetNode { id, position: None, is_closed: false });
                    streets.nodes.len() as u32 - 1
                });
                // A node that is repeated at once would otherwise look like a junction that the way passes twice.
                if street.nodes.last() != Some(&number) {
                    street.nodes.push(number);
                }
            }
            if streets.nodes.len() > COUNT_MAX {
                return Err(ImportError::TooLarge { what: "the number of street nodes" });
            }
            streets.ways.push(street);
        }
        Ok((streets, numbers))
    }
}
