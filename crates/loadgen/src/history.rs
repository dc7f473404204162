//! What was sent, and when: the truth that answers are checked against. It decides what an index may show at a time;
//! [`crate::checker`] decides whether an answer is right.

use std::collections::{HashMap, VecDeque};

use kerb_geometry::LatLng;
use kerb_types::DriverStatus;
use parking_lot::{Mutex, MutexGuard};

/// Updates sent longer ago than this are dropped, except the newest of them: no position stays in an index
/// longer than its time to live of 60 s, and no search takes the other minute.
const KEEP_MS: i64 = 120_000;

/// A lost node may lose updates that it received this long before: it sends batches every 100 ms.
const LOST_BEFORE_BREAK_MS: i64 = 1_000;

/// The attributes of a driver that stay constant during a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The id on the wire.
    pub id: String,
    /// The vehicle class, by its name in the catalog.
    pub vehicle_class: String,
    /// The capabilities, sorted by name.
    pub capabilities: Vec<String>,
}

/// An update that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// When the update was handed to the stream, milliseconds since the Unix epoch.
    pub sent_ms: i64,
    /// The driver's number of the update.
    pub sequence: u64,
    /// When the position was measured, milliseconds since the Unix epoch.
    pub time_ms: i64,
    /// The reported position.
    pub place: LatLng,
    /// The reported status; `Offline` removes the driver from the index.
    pub status: DriverStatus,
    /// Whether the server must have applied the update: it is `false` when the rate limit may have dropped it.
    pub certain: bool,
}

/// When a search ran: it began after `began_ms`, and its answer was received at `ended_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Milliseconds since the Unix epoch.
    pub began_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub ended_ms: i64,
}

/// A time in which some of the sent updates may not have arrived.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "units stand in names")]
struct Outage {
    from_ms: i64,
    /// When the break was noticed.
    noticed_at_ms: i64,
    /// `None`: no update sent after the break is acknowledged yet.
    until_ms: Option<i64>,
}

/// The recent updates of one driver. Sequences and send times grow.
#[derive(Clone, Debug)]
pub struct History {
    allowance_ms: i64,
    keep_ms: i64,
    sent: VecDeque<Sent>,
    outages: Vec<Outage>,
    acknowledged: u64,
}

/// The states in which an index may show a driver during a span.
#[derive(Debug)]
pub struct Possible<'a> {
    /// An index shows one of these updates.
    pub updates: std::collections::vec_deque::Iter<'a, Sent>,
    /// An index may also show nothing: the driver's first update may not have arrived.
    pub absent: bool,
}

impl History {
    /// The history of a driver that has sent nothing. An update is searchable at most `allowance_ms` after it was sent.
    pub fn new(allowance_ms: i64) -> Self {
        Self { allowance_ms, keep_ms: KEEP_MS, sent: VecDeque::new(), outages: Vec::new(), acknowledged: 0 }
    }

    /// Records an update that is about to be sent. Call it before the update can have any effect.
    pub fn record(&mut self, update: Sent) {
        debug_assert!(self.sent.back().is_none_or(|last| last.sequence < update.sequence), "sequences grow");
        self.sent.push_back(update);
        self.prune(update.sent_ms - self.keep_ms);
    }

    /// Records that the server acknowledged everything up to `sequence`. With `dropped`, the rate limit dropped some:
    /// any of those since the acknowledgement before.
    pub fn acknowledged(&mut self, sequence: u64, dropped: bool, now_ms: i64) {
        let first = self.sent.partition_point(|s| s.sequence <= self.acknowledged);
        let end = self.sent.partition_point(|s| s.sequence <= sequence);
        if dropped {
            self.sent.range_mut(first..end.max(first)).for_each(|s| s.certain = false);
        }
        self.acknowledged = self.acknowledged.max(sequence);
        let Some(newest) = end.checked_sub(1).map(|i| self.sent[i].sent_ms) else { return };
        for outage in self.outages.iter_mut().filter(|o| o.until_ms.is_none() && newest > o.noticed_at_ms) {
            outage.until_ms = Some(now_ms + self.allowance_ms);
        }
    }

    /// Records that the server rejected an update: it is in no index.
    pub fn refused(&mut self, sequence: u64) {
        self.sent.retain(|s| s.sequence != sequence);
    }

    /// Records that the driver's stream broke, or that the node of its last updates was lost.
    pub fn broke(&mut self, now_ms: i64) {
        let unacknowledged = self.sent.partition_point(|s| s.sequence <= self.acknowledged);
        let from_ms = now_ms - LOST_BEFORE_BREAK_MS;
        let from_ms = self.sent.get(unacknowledged).map_or(from_ms, |s| from_ms.min(s.sent_ms - 1));
        // An open outage continues: at most one is open at a time.
        match self.outages.iter_mut().find(|o| o.until_ms.is_none()) {
            Some(open) => open.noticed_at_ms = now_ms,
            None => self.outages.push(Outage { from_ms, noticed_at_ms: now_ms, until_ms: None }),
        }
    }

    /// Returns every update that an index may show to a search of this span: those sent while it ran or within
    /// the allowance before it, and the newest one that had certainly arrived before that.
    pub fn possible(&self, span: Span) -> Possible<'_> {
        let allowed = span.began_ms - self.allowance_ms;
        let blurred = self.outages.iter().filter(|o| o.concerns(span)).map(|o| o.from_ms);
        let horizon = blurred.fold(allowed, i64::min);
        let mut first = self.sent.partition_point(|s| s.sent_ms <= horizon);
        let end = self.sent.partition_point(|s| s.sent_ms <= span.ended_ms).max(first);
        let mut absent = true;
        while absent && first > 0 {
            first -= 1;
            absent = !self.sent[first].certain;
        }
        Possible { updates: self.sent.range(first..end), absent }
    }

    /// Returns the update that was sent last.
    pub fn newest(&self) -> Option<&Sent> {
        self.sent.back()
    }

    /// Drops what was sent before `before_ms`, but for the newest certain one of it and what an outage still needs.
    fn prune(&mut self, before_ms: i64) {
        self.outages.retain(|o| o.until_ms.is_none_or(|until| until > before_ms));
        let before_ms = self.outages.iter().map(|o| o.from_ms).fold(before_ms, i64::min);
        while self.sent.get(1).is_some_and(|next| next.certain && next.sent_ms <= before_ms) {
            self.sent.pop_front();
        }
    }
}

impl Outage {
    fn concerns(&self, span: Span) -> bool {
        self.from_ms <= span.ended_ms && self.until_ms.is_none_or(|until| span.began_ms < until)
    }
}

/// One driver of the fleet.
#[derive(Debug)]
pub struct Member {
    /// The driver's attributes.
    pub profile: Profile,
    history: Mutex<History>,
}

impl Member {
    /// Locks the driver's history. Hold the guard briefly: the driver's sender needs it too.
    pub fn history(&self) -> MutexGuard<'_, History> {
        self.history.lock()
    }
}

/// Every driver, by index and by id.
#[derive(Debug)]
pub struct Fleet {
    members: Vec<Member>,
    by_id: HashMap<String, usize>,
}

impl Fleet {
    /// A fleet whose drivers have sent nothing.
    pub fn new(profiles: Vec<Profile>, allowance_ms: i64) -> Self {
        let by_id = profiles.iter().enumerate().map(|(i, profile)| (profile.id.clone(), i)).collect();
        let member = |profile| Member { profile, history: Mutex::new(History::new(allowance_ms)) };
        Self { members: profiles.into_iter().map(member).collect(), by_id }
    }

    /// Returns the fleet with shorter histories, for callers that check each answer at once.
    #[must_use]
    pub fn keeping(self, keep_ms: i64) -> Self {
        self.members.iter().for_each(|member| member.history().keep_ms = keep_ms.min(KEEP_MS));
        self
    }

    /// Returns all drivers, by index.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// Returns the driver of this id and its index.
    pub fn by_id(&self, id: &str) -> Option<(usize, &Member)> {
        self.by_id.get(id).map(|&i| (i, &self.members[i]))
    }
}
