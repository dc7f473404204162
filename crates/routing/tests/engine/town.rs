//! Generated street networks: a grid with gaps and one-way streets, and all special cases of real networks.

use kerb_geometry::{LatLng, distance_m};
use kerb_routing::engine::{Engine, PhantomNode, Streets, UNREACHABLE_MS};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

/// A network that owns its slices.
#[derive(Debug, Clone)]
pub(crate) struct Town {
    /// The positions of the nodes.
    pub(crate) nodes: Vec<LatLng>,
    /// As in [`Streets`].
    pub(crate) first_out: Vec<u32>,
    /// As in [`Streets`].
    pub(crate) head: Vec<u32>,
    /// As in [`Streets`].
    pub(crate) length_m: Vec<f32>,
    /// As in [`Streets`].
    pub(crate) time_ms: Vec<u32>,
}

/// The special cases that a town has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A grid with gaps and one-way streets.
    Plain,
    /// A grid in two unconnected parts, with loops, parallel arcs, arcs with a time of 0, closed arcs and very slow
    /// arcs.
    Strange,
}

struct Arc {
    tail: u32,
    head: u32,
    length_m: f32,
    time_ms: u32,
}

/// Makes a random generator and prints its seed.
pub(crate) fn seeded(seed: u64) -> Pcg64 {
    println!("seed {seed}");
    Pcg64::seed_from_u64(seed)
}

impl Town {
    /// Makes a town of `side` times `side` junctions.
    pub(crate) fn grid(rng: &mut Pcg64, side: u32, kind: Kind) -> Town {
        let nodes = junctions(rng, side);
        let mut arcs = Vec::new();
        for node in 0..side * side {
            let right = (node % side + 1 < side).then_some(node + 1);
            let below = (node + side < side * side).then_some(node + side);
            let parted = |other: u32| kind == Kind::Strange && (node < side * 2) != (other < side * 2);
            for other in right.into_iter().chain(below).filter(|other| !parted(*other)) {
                add_street(rng, &nodes, (node, other), &mut arcs);
            }
        }
        if kind == Kind::Strange {
            make_strange(rng, side * side, &mut arcs);
        }
        Town::of(nodes, arcs)
    }

    fn of(nodes: Vec<LatLng>, mut arcs: Vec<Arc>) -> Town {
        arcs.sort_by_key(|arc| arc.tail);
        let mut first_out = vec![0; nodes.len() + 1];
        for arc in &arcs {
            first_out[arc.tail as usize + 1] += 1;
        }
        for node in 0..nodes.len() {
            first_out[node + 1] += first_out[node];
        }
        Town {
            nodes,
            first_out,
            head: arcs.iter().map(|arc| arc.head).collect(),
            length_m: arcs.iter().map(|arc| arc.length_m).collect(),
            time_ms: arcs.iter().map(|arc| arc.time_ms).collect(),
        }
    }

    /// The town as the input of an engine.
    pub(crate) fn streets(&self) -> Streets<'_> {
        Streets {
            nodes: &self.nodes,
            first_out: &self.first_out,
            head: &self.head,
            length_m: &self.length_m,
            time_ms: &self.time_ms,
        }
    }

    /// An engine of the town.
    pub(crate) fn engine(&self) -> Engine {
        Engine::new(&self.streets()).expect("a town is a network")
    }

    /// The node where each arc starts.
    pub(crate) fn tails(&self) -> Vec<u32> {
        let rows = self.first_out.windows(2).zip(0..);
        rows.flat_map(|(row, node)| (row[0]..row[1]).map(move |_| node)).collect()
    }

    /// A place on a random arc, and on its reverse arc if there is one.
    pub(crate) fn place(&self, rng: &mut Pcg64) -> Vec<PhantomNode> {
        let arc = rng.random_range(0..self.head.len());
        let tails = self.tails();
        let fraction = match rng.random_range(0..6) {
            0 => 0.0,
            1 => 1.0,
            _ => rng.random_range(0.0..1.0),
        };
        let back = (0..self.head.len()).find(|other| {
            *other != arc && (tails[*other], self.head[*other]) == (self.head[arc], tails[arc])
        });
        let ends = [Some((arc, fraction)), back.map(|back| (back, 1.0 - fraction))];
        ends.into_iter().flatten().map(|(arc, fraction)| PhantomNode { arc: arc as u32, fraction }).collect()
    }

    /// The phantom nodes of `count` random places.
    pub(crate) fn places(&self, rng: &mut Pcg64, count: usize) -> Vec<Vec<PhantomNode>> {
        (0..count).map(|_| self.place(rng)).collect()
    }

    /// The position of a point on an arc, if arcs are straight.
    pub(crate) fn position(&self, tails: &[u32], end: PhantomNode) -> LatLng {
        let (from, to) =
            (self.nodes[tails[end.arc as usize] as usize], self.nodes[self.head[end.arc as usize] as usize]);
        let between = |from: f64, to: f64| from + (to - from) * end.fraction;
        LatLng::new(between(from.lat_deg(), to.lat_deg()), between(from.lon_deg(), to.lon_deg()))
            .expect("between")
    }
}

fn junctions(rng: &mut Pcg64, side: u32) -> Vec<LatLng> {
    let mut jitter = || rng.random_range(-0.3..0.3);
    let places = (0..side * side).map(|node| (f64::from(node / side), f64::from(node % side)));
    places
        .map(|(row, column)| {
            LatLng::new(48.0 + 0.001 * (row + jitter()), 11.0 + 0.0015 * (column + jitter()))
        })
        .map(|position| position.expect("near Munich"))
        .collect()
}

/// No street, a one-way street, or a two-way street.
fn add_street(rng: &mut Pcg64, nodes: &[LatLng], (a, b): (u32, u32), arcs: &mut Vec<Arc>) {
    let straight_m = distance_m(nodes[a as usize], nodes[b as usize]);
    let length_m = straight_m * rng.random_range(1.0..1.3);
    let mut arc = |tail, head| {
        let time_ms = (length_m / rng.random_range(3.0..20.0) * 1e3) as u32;
        Arc { tail, head, length_m: length_m as f32, time_ms }
    };
    let (there, back) = (arc(a, b), arc(b, a));
    match rng.random_range(0..10) {
        0 => {}
        1 | 2 => arcs.push(there),
        3 | 4 => arcs.push(back),
        _ => arcs.extend([there, back]),
    }
}

fn make_strange(rng: &mut Pcg64, nodes: u32, arcs: &mut Vec<Arc>) {
    let count = arcs.len();
    for arc in arcs.iter_mut() {
        match rng.random_range(0..20) {
            0 | 1 => arc.time_ms = 0,
            2 => arc.time_ms = u32::MAX,
            3 => arc.time_ms = UNREACHABLE_MS,
            4 => arc.time_ms = UNREACHABLE_MS - rng.random_range(1..4),
            5 => arc.time_ms = UNREACHABLE_MS / 3,
            _ => {}
        }
    }
    for _ in 0..count / 8 {
        let (tail, head, length_m) = {
            let arc = &arcs[rng.random_range(0..count)];
            (arc.tail, arc.head, arc.length_m)
        };
        arcs.push(Arc { tail, head, length_m, time_ms: rng.random_range(0..60_000) });
        let node = rng.random_range(0..nodes);
        arcs.push(Arc { tail: node, head: node, length_m: 50.0, time_ms: rng.random_range(0..9_000) });
    }
}
