//! What happens to a driver's messages on their way: errors of measurement, losses, delays, and times without a
//! connection.

use kerb_geometry::{Area, Circle, LatLng, Polygon};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::lab::draws::{Purpose, between, gap_ms, happens, stream};
use crate::lab::ground::{Fix, degrees};
use crate::lab::message::{Heard, Said};
use crate::lab::scenario::{Faults, Tunnel};

/// How much of an error of position is left at the next report; the rest is new. At 3 s a report half of an error is
/// gone in about 20 s.
const ERROR_KEPT: f64 = 0.9;
/// What comes down while a driver is cut off is kept up to this; beyond, the oldest is lost.
const MAIL_MAX: usize = 64;

/// A driver's connection.
pub(super) struct Network {
    /// Meters north and east.
    error_m: [f64; 2],
    noise: Pcg64Mcg,
    luck: Pcg64Mcg,
    cut: Cut,
    mail: Vec<Heard>,
    /// Reports on their way, with the time of their arrival. Bounded: delays are, and reports come at a pace.
    late: Vec<(i64, Said)>,
}

/// Whether there is a connection, and until when.
#[derive(Clone, Copy, Debug)]
enum Cut {
    Off(i64),
    On(i64),
}

/// What becomes of a report.
pub(super) enum Fate {
    Arrives,
    Late(i64),
    Lost,
}

impl Network {
    pub(super) fn new(seed: u64, driver: u64, from_ms: i64, faults: &Faults) -> Self {
        let mut luck = stream(seed, Purpose::Network, driver);
        let first_ms = from_ms + gap_ms(&mut luck, faults.cuts_per_h);
        Self {
            error_m: [0.0; 2],
            noise: stream(seed, Purpose::Noise, driver),
            luck,
            cut: Cut::Off(first_ms),
            mail: Vec::new(),
            late: Vec::new(),
        }
    }

    /// When the connection comes or goes.
    pub(super) fn due_ms(&self) -> i64 {
        match self.cut {
            Cut::Off(until_ms) | Cut::On(until_ms) => until_ms,
        }
    }

    pub(super) fn is_cut(&self) -> bool {
        matches!(self.cut, Cut::On(_))
    }

    /// Comes or goes, when it is time; what is heard when it has come.
    pub(super) fn turn(&mut self, now_ms: i64, faults: &Faults) -> Vec<Heard> {
        if self.due_ms() > now_ms {
            return Vec::new();
        }
        self.cut = match self.cut {
            Cut::Off(_) => Cut::On(now_ms + 1 + (between(&mut self.luck, faults.cut_s) * 1_000.0) as i64),
            Cut::On(_) => Cut::Off(now_ms + 1 + gap_ms(&mut self.luck, faults.cuts_per_h)),
        };
        if self.is_cut() { Vec::new() } else { std::mem::take(&mut self.mail) }
    }

    /// Keeps what comes down while there is no connection.
    pub(super) fn keep(&mut self, heard: Heard) {
        if self.mail.len() == MAIL_MAX {
            self.mail.remove(0);
        }
        self.mail.push(heard);
    }

    /// A position as the phone measures it.
    pub(super) fn measure(&mut self, fix: Fix, noise_m: f64) -> LatLng {
        if noise_m == 0.0 {
            return fix.position();
        }
        let fresh_m = noise_m * (1.0 - ERROR_KEPT * ERROR_KEPT).sqrt();
        for error_m in &mut self.error_m {
            *error_m = *error_m * ERROR_KEPT + fresh_m * about_normal(&mut self.noise);
        }
        let (north_deg, east_deg) = degrees(self.error_m[0], self.error_m[1], fix.lat_deg);
        let lat = (fix.lat_deg + north_deg).clamp(-90.0, 90.0);
        let lon = kerb_loadgen::track::wrap_deg(fix.lon_deg + east_deg);
        LatLng::new(lat, lon).expect("clamped and wrapped into range")
    }

    /// What becomes of a report that is made now.
    pub(super) fn fate(&mut self, faults: &Faults) -> Fate {
        if self.is_cut() || (faults.drop_reports > 0.0 && happens(&mut self.luck, faults.drop_reports)) {
            Fate::Lost
        } else if faults.delay_reports > 0.0 && happens(&mut self.luck, faults.delay_reports) {
            Fate::Late(between(&mut self.luck, faults.delay_ms.map(f64::from)) as i64)
        } else {
            Fate::Arrives
        }
    }

    /// Whether an action arrives.
    pub(super) fn carries_action(&mut self, faults: &Faults) -> bool {
        let is_lost = faults.drop_actions > 0.0 && happens(&mut self.luck, faults.drop_actions);
        !is_lost && !self.is_cut()
    }

    /// Whether an offer arrives.
    pub(super) fn carries_offer(&mut self, faults: &Faults) -> bool {
        !(faults.drop_offers > 0.0 && happens(&mut self.luck, faults.drop_offers))
    }

    /// A report on its way.
    pub(super) fn send_late(&mut self, arrives_ms: i64, report: Said) {
        self.late.push((arrives_ms, report));
    }

    /// The reports that have arrived by now.
    pub(super) fn arrived_late(&mut self, now_ms: i64) -> Vec<Said> {
        let here = self.late.extract_if(.., |(arrives_ms, _)| *arrives_ms <= now_ms);
        here.map(|(_, report)| report).collect()
    }
}

/// Nearly normal and cheap: the sum of four even draws has a variance of 4/12 (Irwin and Hall).
fn about_normal(rng: &mut Pcg64Mcg) -> f64 {
    let bits: u64 = rng.random();
    let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u32 & 0xffff).sum();
    (f64::from(sum) / 65_536.0 - 2.0) * 3.0_f64.sqrt()
}

/// Where no position is measured.
pub(super) struct Tunnels {
    areas: Vec<Area>,
}

impl Tunnels {
    /// Of a scenario that was checked.
    pub(super) fn new(tunnels: &[Tunnel]) -> Self {
        Self { areas: tunnels.iter().filter_map(area).collect() }
    }

    pub(super) fn contain(&self, fix: Fix) -> bool {
        !self.areas.is_empty() && self.areas.iter().any(|area| area.contains(fix.position()))
    }
}

fn area(tunnel: &Tunnel) -> Option<Area> {
    match tunnel {
        Tunnel::Circle { center, radius_m } => {
            Circle::new(center.lat_lng().ok()?, *radius_m).ok().map(Area::from)
        }
        Tunnel::Polygon { polygon } => {
            let corners = polygon.iter().map(|corner| corner.lat_lng().ok()).collect::<Option<_>>()?;
            Polygon::new(corners).ok().map(Area::from)
        }
    }
}
