//! `kerb trips export`: prints a journal as JSON lines.

use std::io::{self, BufWriter, Write};

use kerb::terminal::{PrintError, escape_json};
use kerb_journal::FjallJournal;
use kerb_ports::TripJournal;
use kerb_trips::{MarketId, Version};

use super::event::{ExportedEvent, TripParties};
use super::journal::{JournalArgs, Records};
use crate::cli::failure::{Failure, Outcome};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    journal: JournalArgs,
    /// Only this market
    #[arg(long, value_name = "NAME", value_parser = MarketId::new)]
    market: Option<MarketId>,
    /// Only events after this version of the market's journal; needs --market
    #[arg(long, value_name = "VERSION", default_value_t = 0, hide_default_value = true, requires = "market")]
    after: u64,
}

pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    let journal = args.journal.open()?;
    let failed = |error: kerb_ports::TripJournalError| Failure::Failed(error.to_string());
    let mut markets = journal.markets().await.map_err(failed)?;
    if let Some(market) = &args.market {
        let newest = journal.version(market.clone()).await.map_err(failed)?;
        args.validate(market, newest, &markets)?;
        markets = vec![market.clone()];
    }
    let mut out = BufWriter::new(io::stdout().lock());
    export_all(&journal, markets, Version::new(args.after), &mut out).await?;
    Ok(Outcome::Done)
}

impl Args {
    /// Rejects combinations of flags that can only be a mistake.
    fn validate(&self, market: &MarketId, newest: Version, known: &[MarketId]) -> Result<(), Failure> {
        let after = Version::new(self.after);
        if !known.contains(market) {
            let names: Vec<_> = known.iter().map(MarketId::as_str).collect();
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            let text = format!("--market {market}: the journal has no such market, it has {known}");
            return Err(Failure::Usage(text));
        }
        if after > newest {
            let text = format!("--after {after}: must be at most {newest}, the newest version of {market}");
            return Err(Failure::Usage(text));
        }
        Ok(())
    }
}

async fn export_all(
    journal: &FjallJournal,
    markets: Vec<MarketId>,
    after: Version,
    out: &mut impl Write,
) -> Result<(), Failure> {
    for market in markets {
        export(journal, &market, after, out).await?;
    }
    Ok(out.flush().map_err(PrintError::from)?)
}

/// Prints the events after this version. It reads from the first record on, because only the first event of a trip names its
/// rider.
async fn export(
    journal: &FjallJournal,
    market: &MarketId,
    after: Version,
    out: &mut impl Write,
) -> Result<(), Failure> {
    let mut parties = TripParties::default();
    let mut records = Records::new(journal, market.clone());
    loop {
        let page = records.next_page().await.map_err(Failure::Failed)?;
        if page.is_empty() {
            return Ok(());
        }
        for (version, record) in &page {
            for (index, change) in (0..).zip(&record.changes) {
                let event_parties = parties.apply(change);
                if version > &after {
                    let event = ExportedEvent::new(market, *version, index, record, change, event_parties);
                    let line = serde_json::to_string(&event).map_err(io::Error::from)?;
                    writeln!(out, "{}", escape_json(&line)).map_err(PrintError::from)?;
                }
            }
        }
    }
}
