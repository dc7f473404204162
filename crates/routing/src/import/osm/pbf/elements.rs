//! Decodes the objects of a block: nodes, ways and relations with their tags. Checks every number of them.

use std::borrow::Cow;

use kerb_geometry::LatLng;

use super::message::{
    DenseInfo, DenseNodes, Info, Node, PrimitiveBlock, PrimitiveGroup, Relation, WayMessage,
};
use crate::import::error::BlockError;

/// An object of OpenStreetMap.
#[derive(Debug)]
pub(in super::super) enum Element<'a> {
    /// Without a position when the file states one that is not on the globe.
    Node {
        id: i64,
        version: Version,
        position: Option<LatLng>,
        tags: Tags<'a>,
    },
    Way {
        id: i64,
        version: Version,
        nodes: &'a [i64],
        tags: Tags<'a>,
    },
    Relation {
        id: i64,
        version: Version,
        members: &'a [Member<'a>],
        tags: Tags<'a>,
    },
    /// The number of texts in a block that are not UTF-8. Their wrong characters are replaced.
    BrokenTexts(u64),
}

/// The version of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Version {
    /// The greater one is newer; -1 when the file does not state it.
    pub(in super::super) number: i32,
    /// Whether this version deletes the object.
    pub(in super::super) is_deleted: bool,
}

impl Version {
    fn of(info: Option<&Info>) -> Version {
        let (number, visible) = info.map_or((-1, None), |info| (info.version(), info.visible));
        Version { number, is_deleted: visible == Some(false) }
    }

    fn of_dense(info: Option<&DenseInfo>, index: usize) -> Version {
        let number = info.and_then(|info| info.versions.get(index)).copied().unwrap_or(-1);
        let is_visible = info.and_then(|info| info.visible.get(index)).copied().unwrap_or(true);
        Version { number, is_deleted: !is_visible }
    }
}

/// A member of a relation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Member<'a> {
    pub(in super::super) kind: MemberKind,
    pub(in super::super) id: i64,
    pub(in super::super) role: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum MemberKind {
    Node,
    Way,
    Relation,
}

/// The tags of an object.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Tags<'a>(&'a TagList<'a>);

/// Pairs of a key and its value.
pub(in super::super) type TagList<'a> = [(&'a str, &'a str)];

impl<'a> Tags<'a> {
    /// The value of a key.
    pub(in super::super) fn get(&self, key: &str) -> Option<&'a str> {
        self.0.iter().find(|(own, _)| *own == key).map(|(_, value)| *value)
    }

    /// Whether a key ends with this text.
    pub(in super::super) fn has_key_ending(&self, end: &str) -> bool {
        self.0.iter().any(|(key, _)| key.ends_with(end))
    }

    #[cfg(test)]
    pub(in super::super) fn pairs(&self) -> &'a TagList<'a> {
        self.0
    }
}

#[cfg(test)]
impl<'a> From<&'a TagList<'a>> for Tags<'a> {
    fn from(pairs: &'a TagList<'a>) -> Tags<'a> {
        Tags(pairs)
    }
}

/// The values that all objects of a block share.
struct BlockTables<'a> {
    strings: Vec<&'a str>,
    granularity: i64,
    lat_offset: i64,
    lon_offset: i64,
}

/// Calls `visit` with every object of the block, up to the first that is wrong.
pub(super) fn visit(block: &PrimitiveBlock, visit: &mut impl FnMut(Element<'_>)) -> Result<(), BlockError> {
    let texts: Vec<Cow<'_, str>> =
        block.strings.strings.iter().map(|bytes| String::from_utf8_lossy(bytes)).collect();
    let broken = texts.iter().filter(|text| matches!(text, Cow::Owned(_))).count();
    if broken > 0 {
        visit(Element::BrokenTexts(broken as u64));
    }
    let shared = BlockTables {
        strings: texts.iter().map(AsRef::as_ref).collect(),
        granularity: block.granularity().into(),
        lat_offset: block.lat_offset(),
        lon_offset: block.lon_offset(),
    };
    let mut tags = Vec::new();
    for group in &block.groups {
        shared.visit_group(group, &mut tags, visit)?;
    }
    Ok(())
}

/// A buffer that the objects use one after the other, so that tags need no allocation.
type TagBuffer<'a> = Vec<(&'a str, &'a str)>;

impl<'a> BlockTables<'a> {
    fn visit_group(
        &self,
        group: &PrimitiveGroup,
        tags: &mut TagBuffer<'a>,
        visit: &mut impl FnMut(Element<'_>),
    ) -> Result<(), BlockError> {
        for node in &group.nodes {
            self.visit_node(node, tags, visit).map_err(|what| wrong("node", node.id, what))?;
        }
        if let Some(dense) = &group.dense {
            self.visit_dense(dense, tags, visit)?;
        }
        for way in &group.ways {
            self.visit_way(way, tags, visit).map_err(|what| wrong("way", way.id, what))?;
        }
        for relation in &group.relations {
            self.visit_relation(relation, tags, visit)
                .map_err(|what| wrong("relation", relation.id, what))?;
        }
        Ok(())
    }

    fn visit_node(
        &self,
        node: &Node,
        tags: &mut TagBuffer<'a>,
        visit: &mut impl FnMut(Element<'_>),
    ) -> Result<(), &'static str> {
        self.read_tags(&node.keys, &node.values, tags)?;
        let (version, position) = (Version::of(node.info.as_ref()), self.position(node.lat, node.lon));
        visit(Element::Node { id: node.id, version, position, tags: Tags(tags) });
        Ok(())
    }

    fn visit_dense(
        &self,
        dense: &DenseNodes,
        tags: &mut TagBuffer<'a>,
        visit: &mut impl FnMut(Element<'_>),
    ) -> Result<(), BlockError> {
        if dense.lats.len() != dense.ids.len() || dense.lons.len() != dense.ids.len() {
            return Err(BlockError::Malformed("table of nodes"));
        }
        let (mut id, mut lat, mut lon) = (0_i64, 0_i64, 0_i64);
        let mut keys_values = dense.keys_values.iter();
        let columns = dense.ids.iter().zip(&dense.lats).zip(&dense.lons).enumerate();
        for (index, ((id_step, lat_step), lon_step)) in columns {
            id = add(id, *id_step).map_err(|what| wrong("node", id, what))?;
            let mut next = || -> Result<Option<LatLng>, &'static str> {
                lat = add(lat, *lat_step)?;
                lon = add(lon, *lon_step)?;
                self.read_dense_tags(&mut keys_values, tags)?;
                Ok(self.position(lat, lon))
            };
            let position = next().map_err(|what| wrong("node", id, what))?;
            let version = Version::of_dense(dense.info.as_ref(), index);
            visit(Element::Node { id, version, position, tags: Tags(tags) });
        }
        Ok(())
    }

    fn visit_way(
        &self,
        way: &WayMessage,
        tags: &mut TagBuffer<'a>,
        visit: &mut impl FnMut(Element<'_>),
    ) -> Result<(), &'static str> {
        self.read_tags(&way.keys, &way.values, tags)?;
        let nodes = sums(&way.refs)?;
        let version = Version::of(way.info.as_ref());
        visit(Element::Way { id: way.id, version, nodes: &nodes, tags: Tags(tags) });
        Ok(())
    }

    fn visit_relation(
        &self,
        relation: &Relation,
        tags: &mut TagBuffer<'a>,
        visit: &mut impl FnMut(Element<'_>),
    ) -> Result<(), &'static str> {
        self.read_tags(&relation.keys, &relation.values, tags)?;
        let Relation { roles, member_ids, kinds, .. } = relation;
        if roles.len() != member_ids.len() || kinds.len() != member_ids.len() {
            return Err("its members, their roles and their kinds are not as many");
        }
        let ids = sums(member_ids)?;
        let columns = ids.into_iter().zip(roles).zip(kinds);
        let members = columns.map(|((id, role), kind)| {
            Ok(Member { kind: member_kind(*kind)?, id, role: self.string(i64::from(*role))? })
        });
        let members = members.collect::<Result<Vec<_>, &'static str>>()?;
        let version = Version::of(relation.info.as_ref());
        visit(Element::Relation { id: relation.id, version, members: &members, tags: Tags(tags) });
        Ok(())
    }

    fn read_tags(&self, keys: &[u32], values: &[u32], tags: &mut TagBuffer<'a>) -> Result<(), &'static str> {
        if keys.len() != values.len() {
            return Err("its keys and values are not as many");
        }
        tags.clear();
        for (key, value) in keys.iter().zip(values) {
            tags.push((self.string(i64::from(*key))?, self.string(i64::from(*value))?));
        }
        Ok(())
    }

    /// Reads the pairs up to the next 0, or to the end.
    fn read_dense_tags<'b>(
        &self,
        keys_values: &mut impl Iterator<Item = &'b i32>,
        tags: &mut TagBuffer<'a>,
    ) -> Result<(), &'static str> {
        tags.clear();
        while let Some(key) = keys_values.next().filter(|key| **key != 0) {
            let value = keys_values.next().ok_or("a key of it has no value")?;
            tags.push((self.string(i64::from(*key))?, self.string(i64::from(*value))?));
        }
        Ok(())
    }

    fn string(&self, index: i64) -> Result<&'a str, &'static str> {
        let found = usize::try_from(index).ok().and_then(|index| self.strings.get(index));
        found.copied().ok_or("it names a string that is not in the table")
    }

    /// Converts a coordinate: the format counts nanodegrees in steps of the granularity from an offset. `None` when it
    /// is not on the globe.
    fn position(&self, lat: i64, lon: i64) -> Option<LatLng> {
        let e7 = |steps: i64, offset: i64| {
            let nanodegrees = steps.checked_mul(self.granularity)?.checked_add(offset)?;
            // Rounds to the lattice of 100 nanodegrees.
            i32::try_from(nanodegrees.checked_add(50)?.div_euclid(100)).ok()
        };
        let position = e7(lat, self.lat_offset).zip(e7(lon, self.lon_offset));
        position.and_then(|(lat, lon)| LatLng::from_e7(lat, lon).ok())
    }
}

fn member_kind(kind: i32) -> Result<MemberKind, &'static str> {
    match kind {
        0 => Ok(MemberKind::Node),
        1 => Ok(MemberKind::Way),
        2 => Ok(MemberKind::Relation),
        _ => Err("a member of it is of an unknown kind"),
    }
}

/// Undoes the delta encoding of ids.
fn sums(steps: &[i64]) -> Result<Vec<i64>, &'static str> {
    let mut sum = 0;
    let next = |step: &i64| {
        sum = add(sum, *step)?;
        Ok(sum)
    };
    steps.iter().map(next).collect()
}

fn add(sum: i64, step: i64) -> Result<i64, &'static str> {
    sum.checked_add(step).ok_or("an id or a coordinate is out of range")
}

fn wrong(object: &'static str, id: i64, what: &'static str) -> BlockError {
    BlockError::Object { object, id, what }
}
