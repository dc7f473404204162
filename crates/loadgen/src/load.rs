//! Loads nodes with a synthetic fleet: driver streams, batches of positions and searches, each on its own or side by
//! side. It checks no answers (`replay` does) and stays cheap, because it often shares the machine with the node.

mod batches;
pub(crate) mod raw;
mod report;
mod searches;
mod streams;

use std::time::Duration;

use kerb_geometry::LatLng;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub use report::{BatchReport, LoadReport, SearchReport, StreamReport};

use crate::city::City;
use crate::connect::Endpoints;
use crate::options::LoadOptions;

/// The synthetic city's center: San Francisco, where the real slice is from.
const CENTER_E7: (i32, i32) = (377_700_000, -1_224_400_000);
/// Maximum time from the end of the run to its report.
const GRACE: Duration = Duration::from_secs(20);

/// Runs until the duration is over or `stop` is canceled. Both return a report.
pub async fn load(options: LoadOptions, stop: CancellationToken) -> Result<LoadReport, String> {
    if options.streams == 0 && options.updates_per_second == 0 && options.searchers == 0 {
        return Err("nothing to do: give --streams, --updates-per-second or --searchers".to_owned());
    }
    let center = LatLng::from_e7(CENTER_E7.0, CENTER_E7.1).map_err(|e| e.to_string())?;
    let city = City::new(center, options.seed);
    let searched =
        if options.search_endpoints.is_empty() { &options.endpoints } else { &options.search_endpoints };
    let stream_connections = options.streams.div_ceil(options.streams_per_connection).max(1);
    let streams = Endpoints::new(&options.endpoints, stream_connections)?;
    let batches = Endpoints::new(&options.endpoints, options.batch_connections)?;
    let searches = Endpoints::new(searched, options.search_connections)?;

    let over = CancellationToken::new();
    let load = async {
        let batched = batches::Fleet::prepare(&options, &city);
        let streams = streams::Fleet::connect(&options, &city, &streams).await?;
        let batches = batches::Streams::open(batched, &batches, &over).await?;
        let began = Instant::now();
        let ends = began + Duration::from_secs(u64::from(options.duration));
        let timer = tokio::spawn(end_at(ends, stop, over.clone()));
        let (streams, batches, searches) = tokio::join!(
            streams.run(&options, &over),
            batches.run(&options, &over),
            searches::run(&options, &city, &searches, &over),
        );
        timer.abort();
        let elapsed_s = began.elapsed().as_secs_f64();
        let settings = serde_json::to_value(&options).unwrap_or_default();
        Ok(LoadReport { streams, batches: batches?, searches, elapsed_s, seed: options.seed, settings })
    };
    load.await
}

async fn end_at(ends: Instant, stop: CancellationToken, over: CancellationToken) {
    tokio::select! {
        () = stop.cancelled() => {}
        () = tokio::time::sleep_until(ends) => {}
    }
    over.cancel();
}
