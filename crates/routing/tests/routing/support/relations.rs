//! Reads the nodes, ways and turn restrictions of an extract, independently of the tested reader.

use std::collections::{BTreeSet, HashMap};

use kerb_routing::LatticePoint;
use osmpbf::{Element, ElementReader, RelMemberType};

/// The objects of an extract.
#[derive(Default)]
pub(crate) struct Extract {
    /// The position of each node, and whether it stops cars.
    pub(crate) nodes: HashMap<i64, (LatticePoint, bool)>,
    pub(crate) ways: HashMap<i64, Vec<i64>>,
    /// The relations that restrict cars at all hours.
    pub(crate) relations: Vec<Relation>,
}

#[derive(Default)]
pub(crate) struct Relation {
    pub(crate) value: String,
    pub(crate) from: Vec<i64>,
    pub(crate) via_nodes: Vec<i64>,
    pub(crate) via_ways: Vec<i64>,
    pub(crate) to: Vec<i64>,
}

fn first_tag<'a>(tags: &HashMap<&str, &'a str>, keys: &[&str]) -> Option<&'a str> {
    keys.iter().find_map(|key| tags.get(key).copied())
}

/// Whether a node of a street stops cars.
fn is_closed(tags: &HashMap<&str, &str>) -> bool {
    let is = |key: &str, values: &[&str]| tags.get(key).is_some_and(|value| values.contains(value));
    match first_tag(tags, &["motorcar", "motor_vehicle", "vehicle", "access"]) {
        Some(value) => !["yes", "permissive", "designated"].contains(&value),
        None if is("barrier", &["bollard"]) => !is("bollard", &["rising"]),
        None if is("barrier", &["kerb"]) => !is("kerb", &["lowered", "flush"]),
        None => {
            let open = ["toll_booth", "cattle_grid", "entrance", "height_restrictor", "border_control", "no"];
            tags.contains_key("barrier") && !is("barrier", &open)
        }
    }
}

impl Extract {
    pub(crate) fn read(bytes: &[u8]) -> Extract {
        let mut extract = Extract::default();
        ElementReader::new(bytes).for_each(|element| extract.take(&element)).unwrap();
        extract
    }

    fn take(&mut self, element: &Element<'_>) {
        let place = |lat_e7, lon_e7| LatticePoint { lat_e7, lon_e7 };
        match element {
            Element::Node(node) => {
                let tags = node.tags().collect();
                let at = place(node.decimicro_lat(), node.decimicro_lon());
                self.nodes.insert(node.id(), (at, is_closed(&tags)));
            }
            Element::DenseNode(node) => {
                let tags = node.tags().collect();
                let at = place(node.decimicro_lat(), node.decimicro_lon());
                self.nodes.insert(node.id(), (at, is_closed(&tags)));
            }
            Element::Way(way) => drop(self.ways.insert(way.id(), way.refs().collect())),
            Element::Relation(relation) => {
                let tags: HashMap<&str, &str> = relation.tags().collect();
                let Some(value) = value_for_cars(&tags) else { return };
                let mut read = Relation { value, ..Relation::default() };
                for member in relation.members() {
                    let (id, role) = (member.member_id, member.role().unwrap());
                    match (role, member.member_type) {
                        ("from", RelMemberType::Way) => read.from.push(id),
                        ("via", RelMemberType::Way) => read.via_ways.push(id),
                        ("via", RelMemberType::Node) => read.via_nodes.push(id),
                        ("to", RelMemberType::Way) => read.to.push(id),
                        _ => {}
                    }
                }
                self.relations.push(read);
            }
        }
    }

    /// The number of a way's pieces that touch a node: one at an end, two where the way passes.
    pub(crate) fn touches(&self, way: i64, node: i64) -> usize {
        let refs = self.ways.get(&way).map_or(&[][..], |refs| refs);
        refs.windows(2).flatten().filter(|id| **id == node).count()
    }

    fn shared(&self, from: &[i64], to: &[i64]) -> Option<i64> {
        let nodes = |ways: &[i64]| -> BTreeSet<i64> {
            ways.iter().filter_map(|way| self.ways.get(way)).flatten().copied().collect()
        };
        let (from, to) = (nodes(from), nodes(to));
        let mut shared = from.intersection(&to);
        shared.next().copied().filter(|_| shared.next().is_none())
    }

    /// The via ways in one of their two orders, and the nodes between `from`, these ways and `to`.
    pub(crate) fn joints(&self, relation: &Relation) -> Option<(Vec<i64>, Vec<i64>)> {
        let Relation { from, via_ways, via_nodes, to, .. } = relation;
        if via_ways.is_empty() {
            return <[i64; 1]>::try_from(&via_nodes[..]).ok().map(|node| (Vec::new(), node.to_vec()));
        }
        let backward = via_ways.iter().rev().copied().collect();
        [via_ways.clone(), backward].into_iter().find_map(|ways: Vec<i64>| {
            let chain = std::iter::once(from.clone()).chain(ways.iter().map(|way| vec![*way]));
            let chain: Vec<Vec<i64>> = chain.chain([to.clone()]).collect();
            let joints: Option<Vec<i64>> =
                chain.windows(2).map(|pair| self.shared(&pair[0], &pair[1])).collect();
            joints.map(|joints| (ways, joints))
        })
    }
}

/// The restriction of a relation for cars at all hours.
fn value_for_cars(tags: &HashMap<&str, &str>) -> Option<String> {
    let types = ["restriction", "restriction:motorcar", "restriction:motor_vehicle"];
    let excepts_cars = tags.get("except").is_some_and(|except| {
        except.split(';').any(|vehicle| ["motorcar", "motor_vehicle", "vehicle"].contains(&vehicle.trim()))
    });
    let at_hours = ["day_on", "day_off", "hour_on", "hour_off"].iter().any(|key| tags.contains_key(key));
    if !types.contains(tags.get("type")?) || excepts_cars || at_hours {
        return None;
    }
    let keys = ["restriction:motorcar", "restriction:motor_vehicle", "restriction:vehicle", "restriction"];
    let value = first_tag(tags, &keys)?;
    let is_rule = !value.ends_with("_on_red")
        && (value.starts_with("no_") || value.starts_with("only_"))
        && !value.contains('@');
    is_rule.then(|| value.to_owned())
}
