//! `kerb markets`: prints the state of each market; pauses and resumes one.

use kerb::terminal::{print, print_json, print_line};
use kerb_proto::v1::dispatch_admin_service_client::DispatchAdminServiceClient;
use kerb_proto::v1::{ListMarketsRequest, Market, SetMarketPausedRequest};
use serde_json::{Value, json};

use super::args::CallArgs;
use super::client::failed;
use super::failure::{Failure, Outcome};
use super::table;

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    call: CallArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Pause a market: it accepts no requests and makes no offers; live trips go on; the pause survives restarts
    Pause(MarketArgs),
    /// Resume a paused market
    Resume(MarketArgs),
}

#[derive(Debug, clap::Args)]
struct MarketArgs {
    /// The market's name
    name: String,
    #[command(flatten)]
    call: CallArgs,
}

pub(crate) async fn run(args: Args) -> Result<Outcome, Failure> {
    match args.command {
        None => list(args.call).await,
        Some(Command::Pause(args)) => set_paused(args, true).await,
        Some(Command::Resume(args)) => set_paused(args, false).await,
    }
}

async fn list(call: CallArgs) -> Result<Outcome, Failure> {
    let mut client = DispatchAdminServiceClient::new(call.server.connect().await?);
    let response = client.list_markets(call.server.request(ListMarketsRequest {})).await;
    let markets = response.map_err(|status| failed(&status))?.into_inner().markets;
    if call.json {
        print_json(json!({ "markets": markets.iter().map(to_json).collect::<Vec<_>>() }))?;
    } else {
        print(to_table(&markets))?;
    }
    Ok(Outcome::Done)
}

async fn set_paused(args: MarketArgs, paused: bool) -> Result<Outcome, Failure> {
    let mut client = DispatchAdminServiceClient::new(args.call.server.connect().await?);
    let request = SetMarketPausedRequest { market: args.name, paused };
    let response = client.set_market_paused(args.call.server.request(request)).await;
    let market = response.map_err(|status| failed(&status))?.into_inner();
    if args.call.json {
        print_json(to_json(&market))?;
    } else {
        print_line(format_args!("market {} is {}", market.market, state(&market)))?;
    }
    Ok(Outcome::Done)
}

fn state(market: &Market) -> &'static str {
    if market.paused { "paused" } else { "open" }
}

fn to_table(markets: &[Market]) -> String {
    let row = |market: &Market| {
        // Before the first window, there is no time of a last window.
        let last = |value: String| if market.windows == 0 { String::new() } else { value };
        vec![
            market.market.clone(),
            state(market).to_owned(),
            market.waiting.to_string(),
            if market.waiting == 0 { String::new() } else { wait(market.oldest_waiting_ms) },
            market.offered.to_string(),
            market.en_route.to_string(),
            market.arrived.to_string(),
            market.on_trip.to_string(),
            market.windows.to_string(),
            last(format!("{:.1} ms", f64::from(market.last_solve_us) / 1_000.0)),
            market.journal_version.to_string(),
        ]
    };
    let heads = [
        "MARKET",
        "STATE",
        " WAITING",
        " OLDEST",
        " OFFERED",
        " EN ROUTE",
        " ARRIVED",
        " ON TRIP",
        " WINDOWS",
        " LAST SOLVE",
        " JOURNAL",
    ];
    table::render(&heads, &markets.iter().map(row).collect::<Vec<_>>())
}

fn wait(ms: u64) -> String {
    table::age(u32::try_from(ms).unwrap_or(u32::MAX))
}

fn to_json(market: &Market) -> Value {
    json!({
        "market": market.market,
        "paused": market.paused,
        "waiting": market.waiting,
        "offered": market.offered,
        "en_route": market.en_route,
        "arrived": market.arrived,
        "on_trip": market.on_trip,
        "oldest_waiting_ms": market.oldest_waiting_ms,
        "windows": market.windows,
        "last_requests": market.last_requests,
        "last_pairs": market.last_pairs,
        "last_offers": market.last_offers,
        "last_candidates_us": market.last_candidates_us,
        "last_solve_us": market.last_solve_us,
        "journal_version": market.journal_version,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_market_before_its_first_window_shows_no_times() {
        let quiet = Market { market: "west".to_owned(), paused: true, ..Market::default() };
        let busy = Market {
            market: "east".to_owned(),
            waiting: 3,
            oldest_waiting_ms: 2_540,
            on_trip: 12,
            windows: 7,
            last_solve_us: 1_250,
            journal_version: 99,
            ..Market::default()
        };
        let table = to_table(&[busy, quiet]);
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(
            lines,
            [
                "MARKET  STATE   WAITING  OLDEST  OFFERED  EN ROUTE  ARRIVED  ON TRIP  WINDOWS  LAST SOLVE  JOURNAL",
                "east    open          3   2.5 s        0         0        0       12        7      1.2 ms       99",
                "west    paused        0                0         0        0        0        0                    0",
            ]
        );
    }
}
