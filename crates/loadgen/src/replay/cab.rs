//! One cab: it reports while it is on duty, opens its stream anew when it breaks, and leaves properly or silently.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use kerb_proto::v1;
use kerb_types::DriverStatus;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::prober::Probe;
use super::shared::{Counters, Shared};
use crate::history::Sent;
use crate::link::{Event, Link, Tally};
use crate::track::{Fix, Shift, Track};

/// Waits between two attempts to connect: at first, and at most.
const RETRY_MS: std::ops::RangeInclusive<u64> = 50..=2_000;
/// The last update of a shift is acknowledged in this time, or the cab leaves all the same.
const LAST_WORD_MAX: Duration = Duration::from_secs(5);

pub(super) struct Cab {
    index: usize,
    track: Track,
    shared: Arc<Shared>,
    rng: Pcg64Mcg,
    /// Moves on when a node does not answer.
    node: usize,
    /// The newest number used.
    sequence: u64,
    resume_token: Bytes,
    /// How much slower than it would the server wants it to report; 1 for not at all.
    pace: f64,
    /// The registered's interval, to which hints are compared.
    interval_ms: u32,
}

/// How a stream ended.
enum End {
    Duty,
    Broken(Status),
}

impl Cab {
    pub(super) fn new(index: usize, track: Track, shared: &Arc<Shared>) -> Self {
        let mut rng = Pcg64Mcg::seed_from_u64(shared.options.seed ^ (index as u64) << 20);
        let node = rng.random_range(0..shared.drivers.nodes());
        let shared = shared.clone();
        let (sequence, resume_token) = (0, Bytes::new());
        Self { index, track, shared, rng, node, sequence, resume_token, pace: 1.0, interval_ms: 0 }
    }

    /// Works all its shifts, or until `stop`.
    pub(super) async fn drive(mut self, stop: CancellationToken) {
        for shift in std::mem::take(&mut self.track.shifts) {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(self.shared.instant_of(shift.begins_ms())) => self.work(&shift, &stop).await,
            }
        }
    }

    async fn work(&mut self, shift: &Shift, stop: &CancellationToken) {
        let phase_ms = self.rng.random_range(0..i64::from(self.shared.options.report_every_ms));
        let mut next_ms = (shift.begins_ms() + phase_ms).min(shift.ends_ms());
        let mut first = true;
        while next_ms <= shift.ends_ms() && !stop.is_cancelled() {
            let opened = tokio::select! {
                () = stop.cancelled() => return,
                opened = self.open(shift.ends_ms()) => opened,
            };
            let Some(mut link) = opened else { return };
            // A cab of a single ping still reports once, though its shift is over as it begins.
            let now_ms = self.shared.simulated_ms();
            next_ms = next_ms.max(if first { now_ms.min(shift.ends_ms()) } else { now_ms });
            first = false;
            Counters::add(&self.shared.counters.connected, 1);
            let end = self.report(&mut link, shift, &mut next_ms, stop).await;
            self.shared.counters.connected.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            match end {
                End::Duty => return,
                End::Broken(status) => self.broken(&status),
            }
        }
    }

    /// Reports until the shift ends or the stream breaks.
    async fn report(
        &mut self,
        link: &mut Link,
        shift: &Shift,
        next_ms: &mut i64,
        stop: &CancellationToken,
    ) -> End {
        while *next_ms <= shift.ends_ms() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(self.shared.instant_of(*next_ms)) => {
                    self.send(link, shift.at(*next_ms), None);
                    *next_ms += (f64::from(self.shared.options.report_every_ms) * self.pace) as i64;
                }
                event = link.next() => match event {
                    Ok(event) => self.heard(event),
                    Err(status) => return End::Broken(status),
                },
            }
        }
        // Half of the drivers sign off; the other half just vanish, as phones do. At the end of the run all sign off.
        if stop.is_cancelled() || self.rng.random_range(0..2) == 0 {
            self.send(link, shift.at(*next_ms), Some(DriverStatus::Offline));
        }
        self.last_word(link).await
    }

    /// Waits until everything is acknowledged.
    async fn last_word(&mut self, link: &mut Link) -> End {
        let last = self.sequence;
        let mut spoken_for = false;
        let words = async {
            while !spoken_for {
                match link.next().await {
                    Ok(event) => {
                        spoken_for = matches!(&event, Event::Acknowledged(t) if t.sequence >= last);
                        self.heard(event);
                    }
                    Err(status) => return End::Broken(status),
                }
            }
            End::Duty
        };
        match timeout(LAST_WORD_MAX, words).await {
            Ok(End::Broken(status)) => {
                self.broken(&status);
                End::Duty
            }
            _ => End::Duty,
        }
    }

    fn send(&mut self, link: &Link, fix: Fix, status: Option<DriverStatus>) {
        let Some(room) = link.room() else {
            return Counters::add(&self.shared.counters.backpressure, 1);
        };
        self.sequence += 1;
        let on_duty = if fix.occupied { DriverStatus::OnTrip } else { DriverStatus::Available };
        let now_ms = self.shared.now_ms();
        let sent = Sent {
            sent_ms: now_ms,
            sequence: self.sequence,
            time_ms: now_ms,
            place: fix.place,
            status: status.unwrap_or(on_duty),
            certain: true,
        };
        // Before it is sent: no answer may show what the judge does not know yet.
        self.shared.fleet.members()[self.index].history().record(sent);
        room.send(to_wire(&sent, &fix));
        Counters::add(&self.shared.counters.sent, 1);
        if sent.status != DriverStatus::Offline {
            self.shared.desk.offer(|| Probe {
                driver: self.index,
                sequence: sent.sequence,
                sent_at: Instant::now(),
            });
        }
    }

    fn heard(&mut self, event: Event) {
        match event {
            Event::Acknowledged(tally) => self.acknowledged(tally),
            Event::Interval(interval_ms) if self.interval_ms > 0 => {
                self.pace = (f64::from(interval_ms) / f64::from(self.interval_ms)).max(1.0);
            }
            // Nobody asks these cabs to take part in trips.
            Event::Interval(_) | Event::Trip(_) => {}
            Event::Refused { sequence, reason } => {
                Counters::add(&self.shared.counters.refused, 1);
                self.shared.fleet.members()[self.index].history().refused(sequence);
                let id = &self.shared.fleet.members()[self.index].profile.id;
                self.shared.note(format!("refused: number {sequence} of {id}: {reason}"));
            }
        }
    }

    fn acknowledged(&mut self, tally: Tally) {
        let counters = &self.shared.counters;
        Counters::add(&counters.acknowledged, tally.acknowledged);
        Counters::add(&counters.late, tally.late);
        Counters::add(&counters.rate, tally.rate);
        let now_ms = self.shared.now_ms();
        let member = &self.shared.fleet.members()[self.index];
        member.history().acknowledged(tally.sequence, tally.rate > 0, now_ms);
        self.resume_token = tally.resume_token;
    }

    fn broken(&mut self, status: &Status) {
        Counters::add(&self.shared.counters.reconnects, 1);
        self.shared.broke(self.index);
        self.node += 1;
        let id = &self.shared.fleet.members()[self.index].profile.id;
        self.shared.note(format!("the stream of {id} broke: {}: {}", status.code(), status.message()));
    }

    /// Tries the nodes in turn, less and less often, until the shift is over.
    async fn open(&mut self, ends_ms: i64) -> Option<Link> {
        let mut wait_ms = *RETRY_MS.start();
        loop {
            let channel = self.shared.drivers.get(self.node, self.index);
            match Link::open(channel, self.register()).await {
                Ok((link, registered)) => return Some(self.welcomed(link, &registered)),
                Err(status) => {
                    let id = &self.shared.fleet.members()[self.index].profile.id;
                    self.shared.note(format!("{id} cannot connect: {}: {}", status.code(), status.message()));
                }
            }
            if self.shared.simulated_ms() > ends_ms {
                return None;
            }
            self.node += 1;
            let jitter_ms = self.rng.random_range(0..=wait_ms);
            tokio::time::sleep(Duration::from_millis(wait_ms + jitter_ms)).await;
            wait_ms = (wait_ms * 2).min(*RETRY_MS.end());
        }
    }

    fn welcomed(&mut self, mut link: Link, registered: &v1::Registered) -> Link {
        self.sequence = self.sequence.max(registered.last_sequence);
        link.begin_at(self.sequence + 1);
        self.resume_token.clone_from(link.resume_token());
        (self.interval_ms, self.pace) = (registered.reporting_interval_ms, 1.0);
        self.shared.nodes.lock()[self.index] = Some(registered.node_id.as_str().into());
        link
    }

    fn register(&self) -> v1::Register {
        let profile = &self.shared.fleet.members()[self.index].profile;
        v1::Register {
            driver_id: profile.id.clone(),
            vehicle_class: profile.vehicle_class.clone(),
            capabilities: profile.capabilities.clone(),
            resume_token: self.resume_token.clone(),
        }
    }
}

fn to_wire(sent: &Sent, fix: &Fix) -> v1::PositionUpdate {
    v1::PositionUpdate {
        sequence: sent.sequence,
        time_ms: sent.time_ms,
        latitude_deg: sent.place.lat_deg(),
        longitude_deg: sent.place.lon_deg(),
        heading_deg: fix.heading_deg,
        // GPS jumps in the file make speeds that the server rightly refuses.
        speed_mps: Some(fix.speed_mps.min(kerb_types::limits::SPEED_MAX_MPS)),
        accuracy_m: None,
        status: i32::from(sent.status as u8),
    }
}
