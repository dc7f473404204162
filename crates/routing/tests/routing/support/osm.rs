//! A hand-made map as a list of OpenStreetMap objects.

use std::io::Cursor;

use kerb_routing::Network;
use kerb_routing::import::{ImportError, ImportOptions, ImportedNetwork, UTurns, import_pbf_with};
use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

use crate::support::pbf;

pub(crate) type Tags = Vec<(&'static str, &'static str)>;

#[derive(Debug, Clone)]
pub(crate) enum Object {
    Node {
        id: i64,
        lat_e7: i32,
        lon_e7: i32,
        tags: Tags,
    },
    Way {
        id: i64,
        nodes: Vec<i64>,
        tags: Tags,
    },
    /// Members: kind (0 node, 1 way, 2 relation), id, role.
    Relation {
        id: i64,
        members: Vec<(i32, i64, &'static str)>,
        tags: Tags,
    },
}

/// A list of objects.
#[derive(Debug, Clone, Default)]
pub(crate) struct Osm {
    pub(crate) objects: Vec<Object>,
    pub(crate) options: ImportOptions,
}

/// The grid step of the maps: a thousandth of a degree, 111 m at the equator.
pub(crate) const GRID_E7: i32 = 10_000;

impl Osm {
    /// Adds a node by its grid steps to the east and north of latitude 0, longitude 0.
    pub(crate) fn node(self, id: i64, east: i32, north: i32) -> Osm {
        self.tagged_node(id, east, north, &[])
    }

    pub(crate) fn tagged_node(
        mut self,
        id: i64,
        east: i32,
        north: i32,
        tags: &[(&'static str, &'static str)],
    ) -> Osm {
        let (lat_e7, lon_e7) = (north * GRID_E7, east * GRID_E7);
        self.objects.push(Object::Node { id, lat_e7, lon_e7, tags: tags.to_vec() });
        self
    }

    /// Adds a way: a two-way residential street unless the tags differ.
    pub(crate) fn way(mut self, id: i64, nodes: &[i64], tags: &[(&'static str, &'static str)]) -> Osm {
        let mut tags = tags.to_vec();
        if tags.iter().all(|(key, _)| *key != "highway") {
            tags.push(("highway", "residential"));
        }
        self.objects.push(Object::Way { id, nodes: nodes.to_vec(), tags });
        self
    }

    pub(crate) fn restriction(mut self, id: i64, value: &'static str, from: i64, via: i64, to: i64) -> Osm {
        let members = vec![(1, from, "from"), (0, via, "via"), (1, to, "to")];
        let tags = vec![("type", "restriction"), ("restriction", value)];
        self.objects.push(Object::Relation { id, members, tags });
        self
    }

    pub(crate) fn relation(mut self, id: i64, members: &[(i32, i64, &'static str)], tags: &Tags) -> Osm {
        self.objects.push(Object::Relation { id, members: members.to_vec(), tags: tags.clone() });
        self
    }

    pub(crate) fn shuffled(&self, seed: u64) -> Osm {
        let mut objects = self.objects.clone();
        objects.shuffle(&mut Pcg64Mcg::seed_from_u64(seed));
        Osm { objects, options: self.options }
    }

    /// Allows U-turns at every junction.
    pub(crate) fn with_u_turns(mut self) -> Osm {
        self.options.u_turns = UTurns::Everywhere;
        self
    }

    pub(crate) fn try_import(&self) -> Result<ImportedNetwork, ImportError> {
        let file = pbf::write(&self.objects, pbf::BlockCompression::Zlib);
        import_pbf_with(Cursor::new(file), &self.options, &mut |_| {})
    }

    pub(crate) fn import(&self) -> ImportedNetwork {
        self.try_import().unwrap()
    }

    pub(crate) fn network(&self) -> Network {
        self.import().network
    }
}

/// The bytes of a saved network.
pub(crate) fn saved(network: &Network) -> Vec<u8> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saved.roads");
    network.save(&path).unwrap();
    std::fs::read(path).unwrap()
}
