//! A city with matching: riders ask for real trips, drivers begin where real cabs were, and the simulator counts for
//! itself whether a promise was given twice.
//!
//! The agents (`driver`, `rider`), the ground they stand on (`supply`, `course`) and the judges (`promises`, `tally`)
//! are pure: the city's time and randomness are arguments. `driving` and `riding` are their thin async shells, clients
//! like any app. This file starts the tasks and gathers the report.

mod book;
mod city;
pub mod clock;
pub mod course;
pub mod driver;
mod driving;
mod news;
pub mod options;
pub mod promises;
mod report;
pub mod rider;
mod riding;
pub mod supply;
pub mod tally;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use kerb_fleet::Clock;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

pub use city::RidesError;
pub use options::RideOptions;
pub use report::{Figures, RidesReport, Run};

use crate::pings::Pings;
use crate::replay::Out;
use crate::sheet::SheetError;
use crate::trips;
use city::City;

/// Riders get so long to learn how their trips stand at the end.
const LAST_LOOK_MAX: Duration = Duration::from_secs(15);
/// Drivers get so long to sign off.
const GOODBYE_MAX: Duration = Duration::from_secs(10);

/// Runs the city until its time is over or `stop` is cancelled; either way there is a report.
pub async fn rides(
    options: RideOptions,
    clock: &dyn Clock,
    out: Out,
    stop: CancellationToken,
) -> Result<RidesReport, RidesError> {
    let (trips_file, pings_file) = (options.trips.clone(), options.pings.clone());
    // Days of trips and pings take a second to unpack: too long for a thread that serves connections.
    let read = tokio::task::spawn_blocking(move || {
        let trips = trips_file.map_or_else(trips::shipped, |path| trips::read_file(&path))?;
        let pings = pings_file.map_or_else(Pings::shipped, |path| Pings::read_file(&path))?;
        Ok::<_, SheetError>((trips, pings))
    });
    let (trips, pings) = read.await.map_err(|e| RidesError::Setup(e.to_string()))??;
    let from_s = options.from.unwrap_or_else(|| pings.begins_s());
    let until_s = from_s.saturating_add(options.duration.unwrap_or(pings.ends_s() + 1 - from_s));
    let plans = rider::plans(&trips, from_s..until_s, &options);
    let starts = supply::starts(&pings, from_s..until_s, options.drivers);
    if plans.is_empty() || starts.is_empty() {
        return Err(RidesError::Empty { trips: plans.len(), cabs: starts.len(), from_s, until_s });
    }

    let city = City::new(options, from_s..until_s, plans.len(), starts.len())?;
    city.find_the_service(&stop).await?;
    let city = Arc::new(city.start(clock));
    let (working, asking, telling) =
        (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
    let (mut drivers, mut riders) = (JoinSet::new(), JoinSet::new());
    for (number, start) in starts.into_iter().enumerate() {
        drivers.spawn(driving::Cab::new(number, start, &city).drive(working.clone()));
    }
    for plan in plans {
        riders.spawn(riding::ride(city.clone(), plan, asking.clone()));
    }
    let news = tokio::spawn(news::run(city.clone(), out, telling.clone()));

    let interrupted = tokio::select! {
        () = stop.cancelled() => true,
        () = tokio::time::sleep_until(city.ends_at()) => false,
    };
    let (city_s, elapsed_s) = (city.city_s(), city.elapsed_s());
    // Drivers first: what they were told last is then to be seen by the riders, too.
    working.cancel();
    finish(drivers, GOODBYE_MAX).await;
    asking.cancel();
    finish(riders, LAST_LOOK_MAX).await;
    telling.cancel();
    news.await.map_err(|e| RidesError::Setup(e.to_string()))?;
    let mut report = city.report();
    report.run = Run { city_s, elapsed_s, interrupted, ..report.run };
    Ok(report)
}

async fn finish(mut tasks: JoinSet<()>, limit: Duration) {
    let all = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, all).await.is_err() {
        tasks.shutdown().await;
    }
}
