//! The task that owns all speeds of a node. It records changes, applies them to the travel times, and only then replies
//! to the callers.

use std::sync::Arc;
use std::time::Duration;

use kerb_routing::Roads;
use kerb_routing::speeds::{HourOfWeek, LiveSpeeds, SpeedChange, UtcOffset};
use kerb_types::{Clock, Stopwatch, run_blocking};
use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::error::TrafficError;
use crate::status::Status;

/// Maximum pending changes; they are applied together.
pub(crate) const COMMANDS_MAX: usize = 16;
/// The longest sleep of the task. It bounds the delay of an expiry after the wall clock was set.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// A change of speeds, and the channel that reports when the travel times contain it.
pub(crate) struct Command {
    change: SpeedChange,
    done: oneshot::Sender<()>,
}

/// Sends a change to the task. Returns after the travel times contain it.
pub(crate) async fn apply_change(
    commands: &mpsc::Sender<Command>,
    change: SpeedChange,
) -> Result<(), TrafficError> {
    let (done, applied) = oneshot::channel();
    let stopped = || TrafficError::Internal("the task that applies speeds has ended".to_owned());
    commands.send(Command { change, done }).await.map_err(|_closed| stopped())?;
    applied.await.map_err(|_dropped| stopped())
}

/// The state of the task.
pub(crate) struct SpeedTask {
    pub(crate) speeds: LiveSpeeds,
    pub(crate) roads: Arc<Roads>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) offset: UtcOffset,
    pub(crate) status: Arc<Mutex<Status>>,
    pub(crate) commands: mpsc::Receiver<Command>,
}

impl SpeedTask {
    /// Runs until the last sender of changes is dropped, or until it is aborted.
    pub(crate) async fn run(mut self) {
        let mut commands = Vec::with_capacity(COMMANDS_MAX);
        loop {
            let pause = self.pause();
            // Biased: pending changes are applied together with an expiry that is due at the same time.
            tokio::select! {
                biased;
                count = self.commands.recv_many(&mut commands, COMMANDS_MAX) => {
                    if count == 0 {
                        return;
                    }
                }
                () = pause_of(pause) => {}
            }
            let now = self.clock.now();
            let record = |Command { change, done }| {
                self.speeds.record(change, now);
                done
            };
            let callers: Vec<_> = commands.drain(..).map(record).collect();
            self = self.apply_due().await;
            for done in callers {
                // The send fails when the caller is gone; its speeds are applied all the same.
                let _ = done.send(());
            }
        }
    }

    /// Applies the speeds if an update is due. Searches use the previous times until the new ones are complete.
    pub(crate) async fn apply_due(mut self) -> Self {
        let now = self.clock.now();
        if self.speeds.due_ms().is_none_or(|due_ms| due_ms > now) {
            return self;
        }
        // The customization takes long, so it runs off the runtime's threads; the task moves there and back.
        let apply = move || {
            let watch = Stopwatch::start();
            let counts = self.speeds.apply(&self.roads, now);
            let took_us = watch.us();
            (self, counts, took_us)
        };
        let (task, counts, took_us) = run_blocking(apply).await.expect("applying speeds does not panic");
        let mut status = task.status.lock();
        status.counts = counts;
        status.applied_ms = now;
        status.apply_us = took_us;
        status.next_change_ms = task.speeds.due_ms();
        status.hour = HourOfWeek::at(now, task.offset).number();
        drop(status);
        task
    }

    /// The time until the next update, at most [`SLEEP_MAX`]; `None` if there is none before the next change.
    fn pause(&self) -> Option<Duration> {
        let after = (self.speeds.due_ms()? - self.clock.now()).to_duration();
        Some(after.min(SLEEP_MAX))
    }
}

async fn pause_of(pause: Option<Duration>) {
    match pause {
        Some(pause) => sleep(pause).await,
        None => std::future::pending().await,
    }
}
