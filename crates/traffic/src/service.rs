//! The one task that owns all speeds of a node: it takes in what came, works it into the travel times when that is due,
//! and only then says so.

use std::sync::Arc;
use std::time::Duration;

use kerb_ports::Error;
use kerb_routing::Roads;
use kerb_routing::speeds::{HourOfWeek, LiveSpeeds, SpeedChange, UtcOffset};
use kerb_types::{Clock, Stopwatch, run_blocking};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::status::Status;

/// Maximum pending changes; they are applied together.
pub(super) const COMMANDS_MAX: usize = 16;
/// What is due is looked at this often: the wall clock may have been set.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// News, and who waits for them to be in the travel times.
pub(super) struct Command {
    change: SpeedChange,
    done: oneshot::Sender<()>,
}

/// Hands news to the task; resolves when they are in the travel times.
pub(super) async fn apply_change(commands: &mpsc::Sender<Command>, change: SpeedChange) -> Result<(), Error> {
    let (done, applied) = oneshot::channel();
    let stopped = || Error::Internal("the task that applies speeds has ended".to_owned());
    commands.send(Command { change, done }).await.map_err(|_closed| stopped())?;
    applied.await.map_err(|_dropped| stopped())
}

pub(super) struct SpeedTask {
    pub(super) speeds: LiveSpeeds,
    pub(super) roads: Arc<Roads>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) offset: UtcOffset,
    pub(super) status: Arc<Mutex<Status>>,
    pub(super) commands: mpsc::Receiver<Command>,
}

impl SpeedTask {
    /// Runs until the last sender of changes is dropped, or until it is aborted.
    pub(super) async fn run(mut self) {
        let mut commands = Vec::with_capacity(COMMANDS_MAX);
        loop {
            let pause = self.pause();
            tokio::select! {
                biased;
                count = self.commands.recv_many(&mut commands, COMMANDS_MAX) => {
                    if count == 0 {
                        return;
                    }
                }
                () = pause_of(pause) => {}
            }
            let now_ms = self.clock.now_ms();
            let take = |Command { change, done }| {
                self.speeds.take(change, now_ms);
                done
            };
            let waiting: Vec<_> = commands.drain(..).map(take).collect();
            self = self.apply_what_is_due().await;
            for done in waiting {
                // A caller who waits no more has the speeds all the same.
                let _ = done.send(());
            }
        }
    }

    /// Searches go on with the times before until the new ones are complete.
    pub(super) async fn apply_what_is_due(mut self) -> Self {
        let now_ms = self.clock.now_ms();
        if self.speeds.due_ms().is_none_or(|due_ms| due_ms > now_ms) {
            return self;
        }
        let apply = move || {
            let watch = Stopwatch::start();
            let counts = self.speeds.apply(&self.roads, now_ms);
            let took_us = watch.us();
            (self, counts, took_us)
        };
        let (task, counts, took_us) = run_blocking(apply).await.expect("working speeds in does not panic");
        let mut status = task.status.lock();
        status.counts = counts;
        status.applied_ms = now_ms;
        status.apply_us = took_us;
        status.next_change_ms = task.speeds.due_ms();
        status.hour = HourOfWeek::at(now_ms, task.offset).number();
        drop(status);
        task
    }

    /// Until something is due; `None`: not before there are news.
    fn pause(&self) -> Option<Duration> {
        let after_ms = self.speeds.due_ms()?.saturating_sub(self.clock.now_ms()).max(0).unsigned_abs();
        Some(Duration::from_millis(after_ms).min(LOOK_EVERY))
    }
}

async fn pause_of(pause: Option<Duration>) {
    match pause {
        Some(pause) => sleep(pause).await,
        None => std::future::pending().await,
    }
}
