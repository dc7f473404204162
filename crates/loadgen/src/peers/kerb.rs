//! Kerb under measurement: a whole node in one process, nothing on disk, positions that do not expire (Redis keeps
//! them, too), updates as a gateway's batches or as drivers' own streams.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use kerb_types::{Clock, SystemClock};
use tokio::time::{Instant, sleep};

use super::fleet::{Fleet, Kind, Query, REST};
use super::measure::{Load, Signals, UpdateMeasurement, timed};
use super::phones;
use super::process::{Process, free_address};
use super::searches;
use super::wire::{FleetShare, url_of};

/// The name in the report.
pub(super) const NAME: &str = "kerb";
/// Settings that keep positions for an hour.
pub(super) const AGELESS: [&str; 2] = ["fleet.position_ttl_ms=3600000", "aggregator.stale_after_ms=3600000"];
/// A deadline that keeps answers complete on a busy machine.
pub(super) const DEADLINE: &str = "aggregator.search_deadline_ms=10000";
/// Connections, and rows of a batch, for loading a fleet.
const LOADING: (u32, u32) = (4, 4_096);
/// Time in which the node has bound the slots of a stream.
const BINDING_DELAY: Duration = Duration::from_millis(200);
/// Time in which all drivers become searchable after one of the last is.
const SETTLING: Duration = Duration::from_secs(2);
/// Maximum time until an update is searchable.
const VISIBLE_MAX: Duration = Duration::from_secs(30);

/// A running Kerb node.
pub(super) struct Kerb {
    process: Process,
}

impl Kerb {
    pub(super) async fn start(program: &Path) -> Result<Self, String> {
        let address = free_address()?;
        let mut command = Command::new(program);
        command.args([
            "serve",
            "--data-dir",
            "none",
            "--log-filter",
            "error",
            "--listen",
            &address.to_string(),
        ]);
        command.args(["--set", "location_ingest.driver_updates_per_s=0", "--set", DEADLINE]);
        command.args(AGELESS.iter().flat_map(|setting| ["--set", setting]));
        Ok(Self { process: Process::start(command, address).await? })
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    /// As [`super::system::System::load`].
    pub(super) async fn load(&self, fleet: &Fleet) -> Result<(), String> {
        load_through(&self.url(), fleet).await?;
        self.visible(fleet, fleet.len() - 1, REST).await?;
        // Other drivers may follow with one of the next batches, which leave every 100 ms.
        sleep(SETTLING).await;
        Ok(())
    }

    /// As [`super::system::System::update`].
    pub(super) async fn update(
        &self,
        fleet: &Fleet,
        load: &Load,
        signals: &Signals,
    ) -> Result<UpdateMeasurement, String> {
        if load.in_flight == 1 {
            return phones::run(&self.process, load, signals).await;
        }
        let mut streams = Vec::new();
        for connection in 0..load.connections {
            streams.push(FleetShare::of(fleet, connection, load).open(&self.url()).await?);
        }
        // The last slot bindings may not have arrived.
        sleep(BINDING_DELAY).await;
        signals.opened.cancel();
        let work = async {
            let mut tasks = tokio::task::JoinSet::new();
            for stream in streams {
                tasks.spawn(stream.run(load.per_s.map(|rate| rate / load.connections), signals.over.clone()));
            }
            let (mut applied, mut last) = (0, None);
            for ended in tasks.join_all().await {
                let ended = ended?;
                applied += ended.applied;
                last = ended.last.or(last);
            }
            // A node applies updates to its table first and replicates them: they count once searches show them.
            if let Some((driver, step)) = last {
                self.visible(fleet, driver, step).await?;
            }
            Ok(applied)
        };
        let (applied, took) = timed(&self.process, load.span, &signals.over, work).await?;
        Ok(UpdateMeasurement { applied, took })
    }

    fn url(&self) -> String {
        url_of(self.process.address())
    }

    /// Waits until a search shows the driver at this step.
    async fn visible(&self, fleet: &Fleet, driver: u32, step: u64) -> Result<(), String> {
        let place = fleet.place(driver, step);
        let query = Query { kind: Kind::Nearest, point: place };
        let limit = Instant::now() + VISIBLE_MAX;
        while !searches::shows(self.process.address(), &query, driver, place).await? {
            if Instant::now() > limit {
                return Err(format!("driver {driver} is not visible after {VISIBLE_MAX:?}"));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }
}

/// Moves every driver to rest through an ingest node, with times after everything sent before.
pub(super) async fn load_through(url: &str, fleet: &Fleet) -> Result<(), String> {
    let newest_ms = SystemClock.now().as_millis();
    while SystemClock.now().as_millis() <= newest_ms {
        sleep(Duration::from_millis(1)).await;
    }
    let (connections, in_flight) = LOADING;
    let load = Load { connections, in_flight, per_s: None, span: None };
    let mut tasks = tokio::task::JoinSet::new();
    for connection in 0..connections {
        let stream = FleetShare::of(fleet, connection, &load).open(url).await?;
        tasks.spawn(stream.rest());
    }
    let applied: u64 = tasks.join_all().await.into_iter().sum::<Result<u64, String>>()?;
    if applied == u64::from(fleet.len()) {
        Ok(())
    } else {
        Err(format!("of {} drivers {applied} were loaded", fleet.len()))
    }
}
