//! Trees of other crates, in a plane. The distances answered are those on the sphere, so that answers compare: an order
//! that differs from the plane's counts as different.

use std::num::NonZeroUsize;

use kerb_geometry::{LatLng, Origin};
use kiddo::{ImmutableKdTree, SquaredEuclidean};
use rstar::RTree;
use rstar::primitives::GeomWithData;

use super::grid::plane;
use super::{Move, Points};

type Point = GeomWithData<[f64; 2], u32>;

/// An R*-tree, updated point by point.
pub(super) struct Rstar {
    tree: RTree<Point>,
    at: Vec<LatLng>,
}

impl Rstar {
    pub(super) fn new(first: &[LatLng]) -> Self {
        let points = (0..).zip(first).map(|(driver, position)| Point::new(plane(*position), driver));
        Self { tree: RTree::bulk_load(points.collect()), at: first.to_vec() }
    }

    fn havs<'a>(&self, point: LatLng, found: impl Iterator<Item = &'a Point>) -> Vec<f64> {
        let origin = Origin::new(point);
        found.map(|found| origin.hav(self.at[found.data as usize])).collect()
    }
}

impl Points for Rstar {
    fn name(&self) -> &'static str {
        "rstar"
    }

    fn update(&mut self, moves: &[Move]) {
        for (driver, position) in moves {
            let at = &mut self.at[*driver as usize];
            self.tree.remove(&Point::new(plane(*at), *driver)).unwrap();
            *at = *position;
            self.tree.insert(Point::new(plane(*position), *driver));
        }
    }

    fn nearest(&self, point: LatLng) -> Vec<f64> {
        self.havs(point, self.tree.nearest_neighbor_iter(plane(point)).take(10))
    }

    fn within(&self, point: LatLng) -> Vec<f64> {
        self.havs(point, self.tree.locate_within_distance(plane(point), 1e6))
    }
}

/// A k-d tree that does not change: an update is its share of a rebuild with all that moved in a round.
pub(super) struct Kiddo {
    tree: ImmutableKdTree<f64, 2>,
    at: Vec<LatLng>,
}

impl Kiddo {
    pub(super) fn new(first: &[LatLng]) -> Self {
        Self { tree: build(first), at: first.to_vec() }
    }
}

fn build(at: &[LatLng]) -> ImmutableKdTree<f64, 2> {
    let points: Vec<[f64; 2]> = at.iter().map(|position| plane(*position)).collect();
    ImmutableKdTree::new_from_slice(&points).unwrap()
}

impl Points for Kiddo {
    fn name(&self) -> &'static str {
        "kiddo"
    }

    fn update(&mut self, moves: &[Move]) {
        for (driver, position) in moves {
            self.at[*driver as usize] = *position;
        }
        self.tree = build(&self.at);
    }

    fn nearest(&self, point: LatLng) -> Vec<f64> {
        let origin = Origin::new(point);
        let ten = NonZeroUsize::new(10).unwrap();
        let query = plane(point);
        let found = self.tree.query(&query).nearest_n::<SquaredEuclidean<f64>>(ten).within(2.5e7).execute();
        found.iter().map(|found| origin.hav(self.at[found.item as usize])).collect()
    }

    fn within(&self, point: LatLng) -> Vec<f64> {
        let origin = Origin::new(point);
        let query = plane(point);
        let found = self.tree.query(&query).within::<SquaredEuclidean<f64>>(1e6).unsorted().execute();
        found.iter().map(|found| origin.hav(self.at[found.item as usize])).collect()
    }
}
