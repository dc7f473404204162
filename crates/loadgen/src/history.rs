//! What was sent, and when: the truth that answers are judged against. It decides what an index may show at a time;
//! whether an answer is right is [`crate::judge`]'s.

use std::collections::{HashMap, VecDeque};

use kerb_geometry::LatLng;
use kerb_types::DriverStatus;
use parking_lot::{Mutex, MutexGuard};

/// Updates sent longer ago than this are forgotten, but for the newest of them: no position is in an index for
/// longer than the gone limit of 60 s, and no search takes the other minute.
const KEEP_MS: i64 = 120_000;

/// When a node is lost, what it took this long before may be lost with it: it passes batches on every 100 ms.
const LOST_BEFORE_BREAK_MS: i64 = 1_000;

/// What does not change while a driver works.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The id on the wire.
    pub id: String,
    /// Its class.
    pub vehicle_class: String,
    /// Its capabilities, sorted.
    pub capabilities: Vec<String>,
}

/// An update that was sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sent {
    /// When it was handed to the stream, milliseconds since the Unix epoch.
    pub sent_ms: i64,
    /// Its number.
    pub sequence: u64,
    /// The time it carries.
    pub time_ms: i64,
    /// Where.
    pub place: LatLng,
    /// Doing what; offline takes the driver out of the index.
    pub status: DriverStatus,
    /// The server took it, as far as is known: it was not dropped for coming too fast.
    pub certain: bool,
}

/// When a search ran: it began after `began_ms` and its answer was here at `ended_ms`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Milliseconds since the Unix epoch.
    pub began_ms: i64,
    /// Milliseconds since the Unix epoch.
    pub ended_ms: i64,
}

/// A time in which it is not known which of the sent updates arrived.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_field_names, reason = "units stand in names")]
struct Outage {
    from_ms: i64,
    /// When the break was noticed.
    noticed_at_ms: i64,
    /// `None`: no update sent after the break is acknowledged yet.
    until_ms: Option<i64>,
}

/// All that one driver sent of late. Sequences and send times grow.
#[derive(Clone, Debug)]
pub struct History {
    allowance_ms: i64,
    keep_ms: i64,
    sent: VecDeque<Sent>,
    outages: Vec<Outage>,
    acknowledged: u64,
}

/// What an index may show of a driver in a span.
#[derive(Debug)]
pub struct Possible<'a> {
    /// One of these.
    pub updates: std::collections::vec_deque::Iter<'a, Sent>,
    /// Or nothing at all: the driver's first update may still be under way.
    pub absent: bool,
}

impl History {
    /// Of a driver who has sent nothing. `allowance_ms`: so long may an update be under way.
    pub fn new(allowance_ms: i64) -> Self {
        Self { allowance_ms, keep_ms: KEEP_MS, sent: VecDeque::new(), outages: Vec::new(), acknowledged: 0 }
    }

    /// An update is about to be sent. Must be said before it can have any effect.
    pub fn record(&mut self, update: Sent) {
        debug_assert!(self.sent.back().is_none_or(|last| last.sequence < update.sequence), "sequences grow");
        self.sent.push_back(update);
        self.forget(update.sent_ms - self.keep_ms);
    }

    /// The server acknowledged everything up to `sequence`. `dropped` were not applied because they came too fast:
    /// nobody knows which ones since the acknowledgement before.
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

    /// The server refused an update: it is in no index.
    pub fn refused(&mut self, sequence: u64) {
        self.sent.retain(|s| s.sequence != sequence);
    }

    /// The driver's stream broke, or the node that took its last updates was lost.
    pub fn broke(&mut self, now_ms: i64) {
        let unacknowledged = self.sent.partition_point(|s| s.sequence <= self.acknowledged);
        let from_ms = now_ms - LOST_BEFORE_BREAK_MS;
        let from_ms = self.sent.get(unacknowledged).map_or(from_ms, |s| from_ms.min(s.sent_ms - 1));
        // One that is still open goes on: at most one is open at a time.
        match self.outages.iter_mut().find(|o| o.until_ms.is_none()) {
            Some(open) => open.noticed_at_ms = now_ms,
            None => self.outages.push(Outage { from_ms, noticed_at_ms: now_ms, until_ms: None }),
        }
    }

    /// Every update that an index may show in a search of this span: those sent while it ran and as long before as
    /// the allowance, and the newest one that was certainly there before that.
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

    /// The newest update.
    pub fn newest(&self) -> Option<&Sent> {
        self.sent.back()
    }

    /// Drops what was sent before `before_ms`, but for the newest certain one of it and what an outage still needs.
    fn forget(&mut self, before_ms: i64) {
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
    /// Who.
    pub profile: Profile,
    history: Mutex<History>,
}

impl Member {
    /// What the driver sent. Hold it briefly: the driver's sender needs it too.
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
    /// A fleet that has sent nothing.
    pub fn new(profiles: Vec<Profile>, allowance_ms: i64) -> Self {
        let by_id = profiles.iter().enumerate().map(|(i, profile)| (profile.id.clone(), i)).collect();
        let member = |profile| Member { profile, history: Mutex::new(History::new(allowance_ms)) };
        Self { members: profiles.into_iter().map(member).collect(), by_id }
    }

    /// As it is, but what was sent longer ago than this is forgotten: for who asks at once.
    #[must_use]
    pub fn keeping(self, keep_ms: i64) -> Self {
        self.members.iter().for_each(|member| member.history().keep_ms = keep_ms.min(KEEP_MS));
        self
    }

    /// All drivers.
    pub fn members(&self) -> &[Member] {
        &self.members
    }

    /// The driver of this id, and its index.
    pub fn by_id(&self, id: &str) -> Option<(usize, &Member)> {
        self.by_id.get(id).map(|&i| (i, &self.members[i]))
    }
}
