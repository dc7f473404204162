//! A synthetic fleet: cities of 20 km by 20 km, four fifths of the drivers in clusters, the rest anywhere in the city. One
//! in 100 is on a break, and one in 1,000 has a capability.

use std::sync::Arc;

use kerb_geometry::LatLng;
use kerb_ports::{Batch, Slot, SlotBinding, Update};
use kerb_types::{
    Capabilities, DriverId, DriverProfile, IndexedStatus, Millis, Motion, Sharding, Timestamp, UpdateVersion,
    VehicleClass,
};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// Meters of a degree of latitude.
const DEGREE_M: f64 = 111_195.0;
/// Side of a city.
const SIDE_M: f64 = 20_000.0;
/// Maximum distance of a driver between two reports.
const STEP_M: f64 = 40.0;
/// Time of the first reports.
pub(crate) const START_MS: Timestamp = Timestamp::from_millis(1_700_000_000_000);

/// Drivers and where they are.
pub(crate) struct City {
    pub(crate) sharding: Sharding,
    positions: Vec<(f64, f64)>,
    /// The order of their reports, and where it stands.
    order: Vec<u32>,
    at: usize,
    sequence: u64,
    rng: Pcg64Mcg,
}

impl City {
    /// `drivers` in cities of a million.
    pub(crate) fn new(drivers: usize) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(7);
        let cities = drivers.div_ceil(1_000_000);
        let clusters: Vec<Vec<[f64; 3]>> = (0..cities)
            .map(|_| (0..12).map(|_| [rng.random(), rng.random(), rng.random_range(0.05..0.15)]).collect())
            .collect();
        let positions = (0..drivers)
            .map(|i| {
                let city = i % cities;
                let (x, y) = place(&mut rng, &clusters[city]);
                (
                    37.6 + (city / 4) as f64 * 1.5 + y * SIDE_M / DEGREE_M,
                    -122.5 + (city % 4) as f64 * 2.0 + x * 0.227,
                )
            })
            .collect();
        let mut order: Vec<u32> = (0..drivers as u32).collect();
        for i in (1..drivers).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        Self { sharding: Sharding::default(), positions, order, at: 0, sequence: 0, rng }
    }

    /// Where driver `i` is.
    pub(crate) fn position(&self, i: usize) -> LatLng {
        let (lat, lon) = self.positions[i];
        LatLng::new(lat, lon).expect("cities are far from the poles")
    }

    /// A point where a rider may be: near some driver.
    pub(crate) fn rider(&mut self) -> LatLng {
        let i = self.rng.random_range(0..self.positions.len());
        self.step(i, 300.0);
        self.position(i)
    }

    /// The slot bindings and first positions of drivers `from..to`.
    pub(crate) fn first(&self, from: usize, to: usize) -> Batch {
        let slot_bindings =
            (from..to).map(|i| SlotBinding { slot: Slot::new(i as u32), profile: profile(i) }).collect();
        let updates = (from..to).map(|i| self.update(i)).collect();
        Batch { slot_bindings, updates, ..Batch::default() }
    }

    /// The next reports, in an order that has nothing to do with places.
    pub(crate) fn next(&mut self, rows: usize) -> Batch {
        let mut updates = Vec::with_capacity(rows);
        for _ in 0..rows {
            if self.at == 0 {
                self.sequence += 1;
            }
            let i = self.order[self.at] as usize;
            self.at = (self.at + 1) % self.order.len();
            self.step(i, STEP_M);
            updates.push(self.update(i));
        }
        Batch { updates, ..Batch::default() }
    }

    /// The next reports as drivers and places.
    pub(crate) fn moves(&mut self, rows: usize) -> Vec<(u32, LatLng)> {
        self.next(rows).updates.iter().map(|update| (update.slot.get(), update.position)).collect()
    }

    /// A point where a rider may be, near a driver that stays where it is.
    pub(crate) fn rider_nearby(&mut self) -> LatLng {
        let i = self.rng.random_range(0..self.positions.len());
        let (lat, lon) = self.positions[i];
        let (north, east) = (self.rng.random_range(-300.0..300.0), self.rng.random_range(-300.0..300.0));
        let lon = lon + east / DEGREE_M / lat.to_radians().cos();
        LatLng::new(lat + north / DEGREE_M, lon).expect("cities are far from the poles")
    }

    /// These moves as a batch with a sequence of its own, above 0 and growing.
    pub(crate) fn batch_of(sharding: Sharding, moves: &[(u32, LatLng)], sequence: u64) -> Batch {
        // The shard follows from the tile, so any id will do.
        let anybody = DriverId::new("x").expect("one byte");
        let update = |(slot, position): &(u32, LatLng)| Update {
            slot: Slot::new(*slot),
            shard: sharding.shard_of(&anybody, *position),
            position: *position,
            update_version: UpdateVersion { sequence, time: START_MS + Millis::new(sequence as i64) },
            motion: Motion { heading_cdeg: 9_000, speed_cmps: 800 },
            status: IndexedStatus::Available,
        };
        Batch { updates: moves.iter().map(update).collect(), ..Batch::default() }
    }

    fn step(&mut self, i: usize, most_m: f64) {
        let (angle, m) =
            (self.rng.random_range(0.0..std::f64::consts::TAU), self.rng.random_range(0.0..most_m));
        let position = &mut self.positions[i];
        position.0 += angle.sin() * m / DEGREE_M;
        position.1 += angle.cos() * m / DEGREE_M / position.0.to_radians().cos();
    }

    fn update(&self, i: usize) -> Update {
        let position = self.position(i);
        Update {
            slot: Slot::new(i as u32),
            shard: self.sharding.shard_of(&DriverId::new("x").expect("one byte"), position),
            position,
            update_version: UpdateVersion {
                sequence: self.sequence,
                time: START_MS + Millis::new(self.sequence as i64),
            },
            motion: Motion { heading_cdeg: 9_000, speed_cmps: 800 },
            status: match i {
                _ if i % 100 == 1 => IndexedStatus::OnBreak,
                _ if i.is_multiple_of(3) => IndexedStatus::OnTrip,
                _ => IndexedStatus::Available,
            },
        }
    }
}

/// Within the unit square.
fn place(rng: &mut Pcg64Mcg, clusters: &[[f64; 3]]) -> (f64, f64) {
    if rng.random_range(0..5) == 0 {
        return (rng.random(), rng.random());
    }
    let [x, y, width] = clusters[rng.random_range(0..clusters.len())];
    // Box and Muller, 1958.
    let radius = (-2.0 * rng.random_range(f64::MIN_POSITIVE..1.0).ln()).sqrt() * width;
    let angle = rng.random_range(0.0..std::f64::consts::TAU);
    ((x + radius * angle.cos()).clamp(0.0, 1.0), (y + radius * angle.sin()).clamp(0.0, 1.0))
}

fn profile(i: usize) -> Arc<DriverProfile> {
    Arc::new(DriverProfile {
        id: DriverId::new(&format!("driver-{i:08}")).expect("15 bytes"),
        vehicle_class: VehicleClass((i % 4) as u8),
        capabilities: Capabilities(u16::from(i % 1_000 == 1)),
    })
}
