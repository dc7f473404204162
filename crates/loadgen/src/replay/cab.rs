//! One cab: it reports during its shifts, reopens a broken stream, and signs off or vanishes at the end.

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

use super::probe_queue::Probe;
use super::state::{Counters, ReplayState};
use crate::driver_stream::{DriverStream, Event, Tally};
use crate::history::Sent;
use crate::recorded::track::{Fix, Shift, Track};

/// First and maximum wait between two attempts to connect.
const RETRY_MS: std::ops::RangeInclusive<u64> = 50..=2_000;
/// Maximum time that a cab waits for the acknowledgement of its last update.
const LAST_WORD_MAX: Duration = Duration::from_secs(5);

pub(super) struct Cab {
    index: usize,
    track: Track,
    shared: Arc<ReplayState>,
    rng: Pcg64Mcg,
    /// Number of the node that the cab uses; it grows when a node does not answer.
    node: usize,
    /// Number of the last update.
    sequence: u64,
    resume_token: Bytes,
    /// Factor on the reporting interval that the server requested; 1 or more.
    pace: f64,
    /// The interval of the registration; later intervals are compared with it.
    interval_ms: u32,
}

/// How a stream ended.
enum End {
    ShiftOver,
    Broken(Status),
}

impl Cab {
    pub(super) fn new(index: usize, track: Track, shared: &Arc<ReplayState>) -> Self {
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
            let Some(mut stream) = opened else { return };
            // A cab with a single ping reports once, although its shift ends as it begins.
            let now_ms = self.shared.simulated_ms();
            next_ms = next_ms.max(if first { now_ms.min(shift.ends_ms()) } else { now_ms });
            first = false;
            Counters::add(&self.shared.counters.connected, 1);
            let end = self.report(&mut stream, shift, &mut next_ms, stop).await;
            self.shared.counters.connected.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
            match end {
                End::ShiftOver => return,
                End::Broken(status) => self.broken(&status),
            }
        }
    }

    /// Reports until the shift ends or the stream breaks.
    async fn report(
        &mut self,
        stream: &mut DriverStream,
        shift: &Shift,
        next_ms: &mut i64,
        stop: &CancellationToken,
    ) -> End {
        while *next_ms <= shift.ends_ms() {
            tokio::select! {
                () = stop.cancelled() => break,
                () = sleep_until(self.shared.instant_of(*next_ms)) => {
                    self.send(stream, shift.at(*next_ms), None);
                    *next_ms += (f64::from(self.shared.options.report_every_ms) * self.pace) as i64;
                }
                event = stream.next() => match event {
                    Ok(event) => self.on_event(event),
                    Err(status) => return End::Broken(status),
                },
            }
        }
        // Half of the drivers sign off, the others vanish as phones do. At the end of the run all of them sign off.
        if stop.is_cancelled() || self.rng.random_range(0..2) == 0 {
            self.send(stream, shift.at(*next_ms), Some(DriverStatus::Offline));
        }
        self.last_word(stream).await
    }

    /// Waits until everything is acknowledged.
    async fn last_word(&mut self, stream: &mut DriverStream) -> End {
        let last = self.sequence;
        let mut spoken_for = false;
        let words = async {
            while !spoken_for {
                match stream.next().await {
                    Ok(event) => {
                        spoken_for = matches!(&event, Event::Acknowledged(t) if t.sequence >= last);
                        self.on_event(event);
                    }
                    Err(status) => return End::Broken(status),
                }
            }
            End::ShiftOver
        };
        match timeout(LAST_WORD_MAX, words).await {
            Ok(End::Broken(status)) => {
                self.broken(&status);
                End::ShiftOver
            }
            _ => End::ShiftOver,
        }
    }

    fn send(&mut self, stream: &DriverStream, fix: Fix, status: Option<DriverStatus>) {
        let Some(room) = stream.room() else {
            return Counters::add(&self.shared.counters.backpressure, 1);
        };
        self.sequence += 1;
        let shift_status = if fix.occupied { DriverStatus::OnTrip } else { DriverStatus::Available };
        let now_ms = self.shared.now_ms();
        let sent = Sent {
            sent_ms: now_ms,
            sequence: self.sequence,
            time_ms: now_ms,
            place: fix.place,
            status: status.unwrap_or(shift_status),
            certain: true,
        };
        // The record comes before the send: no answer may show an update that the checker does not know.
        self.shared.fleet.members()[self.index].history().record(sent);
        room.send(to_wire(&sent, &fix));
        Counters::add(&self.shared.counters.sent, 1);
        if sent.status != DriverStatus::Offline {
            self.shared.probes.offer(|| Probe {
                driver: self.index,
                sequence: sent.sequence,
                sent_at: Instant::now(),
            });
        }
    }

    fn on_event(&mut self, event: Event) {
        match event {
            Event::Acknowledged(tally) => self.acknowledged(tally),
            Event::Interval(interval_ms) if self.interval_ms > 0 => {
                self.pace = (f64::from(interval_ms) / f64::from(self.interval_ms)).max(1.0);
            }
            // These cabs get no offers.
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

    /// Tries the nodes in turn, with growing waits, until the shift is over.
    async fn open(&mut self, ends_ms: i64) -> Option<DriverStream> {
        let mut wait_ms = *RETRY_MS.start();
        loop {
            let channel = self.shared.drivers.get(self.node, self.index);
            match DriverStream::open(channel, self.register()).await {
                Ok((stream, registered)) => return Some(self.on_registered(stream, &registered)),
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

    fn on_registered(&mut self, mut stream: DriverStream, registered: &v1::Registered) -> DriverStream {
        self.sequence = self.sequence.max(registered.last_sequence);
        stream.begin_at(self.sequence + 1);
        self.resume_token.clone_from(stream.resume_token());
        (self.interval_ms, self.pace) = (registered.reporting_interval_ms, 1.0);
        self.shared.nodes.lock()[self.index] = Some(registered.node_id.as_str().into());
        stream
    }

    fn register(&self) -> v1::Register {
        let profile = &self.shared.fleet.members()[self.index].profile;
        v1::Register {
            driver_id: profile.id.clone(),
            vehicle_class: profile.vehicle_class.clone(),
            capabilities: profile.capabilities.clone(),
            resume_token: self.resume_token.clone(),
            ..v1::Register::default()
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
        // GPS jumps in the file make speeds that the server rejects.
        speed_mps: Some(fix.speed_mps.min(kerb_types::limits::SPEED_MAX_MPS)),
        accuracy_m: None,
        status: i32::from(sent.status as u8),
    }
}
