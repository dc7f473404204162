//! The mobile connection of a driver's app: measurement errors, losses, delays and outages.

use kerb_geometry::{Area, Circle, LatLng, Polygon, Vertex};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::agents::messages::{AgentAction, AgentEvent};
use crate::scenario::random_streams::{Purpose, between, gap_ms, happens, stream};
use crate::scenario::street_map::{Fix, degrees};
use crate::scenario::{Faults, GeoPoint, Tunnel};

/// The part of a position error that the next report keeps; the rest is drawn again. With a report every 3 s, half of an
/// error is gone after about 20 s.
const ERROR_KEPT: f64 = 0.9;
/// Maximum events that the uplink holds during an outage. Beyond it, the oldest event is lost.
const INBOX_MAX: usize = 64;

/// The connection of one driver.
pub(crate) struct Uplink {
    /// Error of the last measured position, meters north and east.
    error_m: [f64; 2],
    noise: Pcg64Mcg,
    losses: Pcg64Mcg,
    state: UplinkState,
    /// Events that arrived during an outage.
    inbox: Vec<AgentEvent>,
    /// Delayed reports, with their time of arrival. The number is bounded, because delays are bounded and a driver
    /// reports at intervals.
    delayed: Vec<(i64, AgentAction)>,
}

/// The state of the connection, and the time of its next change.
#[derive(Clone, Copy, Debug)]
enum UplinkState {
    Up(i64),
    Down(i64),
}

/// The delivery of a report.
pub(crate) enum Delivery {
    Immediate,
    /// The report arrives after this many milliseconds.
    Delayed(i64),
    Lost,
}

impl Uplink {
    pub(crate) fn new(seed: u64, driver: u64, from_ms: i64, faults: &Faults) -> Self {
        let mut losses = stream(seed, Purpose::Uplink, driver);
        let first_outage_ms = from_ms + gap_ms(&mut losses, faults.cuts_per_h);
        Self {
            error_m: [0.0; 2],
            noise: stream(seed, Purpose::Noise, driver),
            losses,
            state: UplinkState::Up(first_outage_ms),
            inbox: Vec::new(),
            delayed: Vec::new(),
        }
    }

    /// Returns the time at which the next outage begins or the present one ends.
    pub(crate) fn due_ms(&self) -> i64 {
        match self.state {
            UplinkState::Up(until_ms) | UplinkState::Down(until_ms) => until_ms,
        }
    }

    pub(crate) fn is_down(&self) -> bool {
        matches!(self.state, UplinkState::Down(_))
    }

    /// Begins or ends an outage when it is due. At its end, returns the events that arrived in it.
    pub(crate) fn advance(&mut self, now_ms: i64, faults: &Faults) -> Vec<AgentEvent> {
        if self.due_ms() > now_ms {
            return Vec::new();
        }
        self.state = match self.state {
            UplinkState::Up(_) => {
                UplinkState::Down(now_ms + 1 + (between(&mut self.losses, faults.cut_s) * 1_000.0) as i64)
            }
            UplinkState::Down(_) => UplinkState::Up(now_ms + 1 + gap_ms(&mut self.losses, faults.cuts_per_h)),
        };
        if self.is_down() { Vec::new() } else { std::mem::take(&mut self.inbox) }
    }

    /// Holds an event until the outage ends.
    pub(crate) fn hold(&mut self, event: AgentEvent) {
        if self.inbox.len() == INBOX_MAX {
            self.inbox.remove(0);
        }
        self.inbox.push(event);
    }

    /// Returns the position that the phone measures: the true one with an error.
    pub(crate) fn measure(&mut self, fix: Fix, noise_m: f64) -> LatLng {
        if noise_m == 0.0 {
            return fix.position();
        }
        // The variance of the kept and of the fresh part sum up to noise_m squared.
        let fresh_m = noise_m * (1.0 - ERROR_KEPT * ERROR_KEPT).sqrt();
        for error_m in &mut self.error_m {
            *error_m = *error_m * ERROR_KEPT + fresh_m * approximate_normal(&mut self.noise);
        }
        let (north_deg, east_deg) = degrees(self.error_m[0], self.error_m[1], fix.lat_deg);
        let lat = (fix.lat_deg + north_deg).clamp(-90.0, 90.0);
        let lon = kerb_loadgen::recorded::track::wrap_deg(fix.lon_deg + east_deg);
        LatLng::new(lat, lon).expect("clamped and wrapped into range")
    }

    /// Draws the delivery of a report that is sent now.
    pub(crate) fn draw_delivery(&mut self, faults: &Faults) -> Delivery {
        if self.is_down() || (faults.drop_reports > 0.0 && happens(&mut self.losses, faults.drop_reports)) {
            Delivery::Lost
        } else if faults.delay_reports > 0.0 && happens(&mut self.losses, faults.delay_reports) {
            Delivery::Delayed(between(&mut self.losses, faults.delay_ms.map(f64::from)) as i64)
        } else {
            Delivery::Immediate
        }
    }

    /// Draws whether an action arrives.
    pub(crate) fn delivers_action(&mut self, faults: &Faults) -> bool {
        // The draw comes first, so that an outage does not shift the later draws.
        let is_lost = faults.drop_actions > 0.0 && happens(&mut self.losses, faults.drop_actions);
        !is_lost && !self.is_down()
    }

    /// Draws whether an offer arrives.
    pub(crate) fn delivers_offer(&mut self, faults: &Faults) -> bool {
        !(faults.drop_offers > 0.0 && happens(&mut self.losses, faults.drop_offers))
    }

    /// Delays a report until `arrives_ms`.
    pub(crate) fn delay(&mut self, arrives_ms: i64, report: AgentAction) {
        self.delayed.push((arrives_ms, report));
    }

    /// Returns the delayed reports that have arrived by `now_ms`.
    pub(crate) fn take_arrived(&mut self, now_ms: i64) -> Vec<AgentAction> {
        let arrived = self.delayed.extract_if(.., |(arrives_ms, _)| *arrives_ms <= now_ms);
        arrived.map(|(_, report)| report).collect()
    }
}

/// Draws a nearly normal number cheaply: the sum of four uniform draws has a variance of 4/12 (Irwin, Hall 1927).
fn approximate_normal(rng: &mut Pcg64Mcg) -> f64 {
    let bits: u64 = rng.random();
    // The mask keeps 16 bits, so the cast loses nothing.
    let sum: u32 = (0..4).map(|part| (bits >> (16 * part)) as u32 & 0xffff).sum();
    (f64::from(sum) / 65_536.0 - 2.0) * 3.0_f64.sqrt()
}

/// The areas in which phones measure no position.
pub(crate) struct Tunnels {
    areas: Vec<Area>,
}

impl Tunnels {
    /// Converts the tunnels of a validated scenario.
    pub(crate) fn new(tunnels: &[Tunnel]) -> Self {
        Self { areas: tunnels.iter().filter_map(area).collect() }
    }

    pub(crate) fn contain(&self, fix: Fix) -> bool {
        !self.areas.is_empty() && self.areas.iter().any(|area| area.contains(fix.position()))
    }
}

fn area(tunnel: &Tunnel) -> Option<Area> {
    match tunnel {
        Tunnel::Circle { center, radius_m } => {
            Circle::new(center.lat_lng().ok()?, *radius_m).ok().map(Area::from)
        }
        Tunnel::Polygon { polygon } => {
            let corner = |corner: &GeoPoint| Vertex::new(corner.lat, corner.lon).ok();
            let corners = polygon.iter().map(corner).collect::<Option<_>>()?;
            Polygon::with_holes(corners, Vec::new()).ok().map(Area::from)
        }
    }
}
