//! `kerb trips verify`: audits every market of a journal.

use kerb_journal::FjallJournal;
use kerb_ports::{TripJournal, TripJournalError};
use kerb_trips::{Audit, AuditReport, AuditSummary, MarketId, Version};

use super::journal::{JournalArgs, Records};
use super::print;
use crate::cli::failure::{Failure, Outcome};
use crate::cli::table;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    journal: JournalArgs,
    /// The number of violations to list; all are counted
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(..=1_000))]
    show: u16,
}

pub(crate) async fn run(args: &Args) -> Result<Outcome, Failure> {
    let journal = args.journal.open()?;
    let checked = Checked::read(&journal).await.map_err(|error| Failure::Failed(error.to_string()))?;
    print(&checked.to_text(usize::from(args.show)))?;
    match checked.what_is_wrong() {
        None => Ok(Outcome::Done),
        Some(wrong) => Err(Failure::Failed(format!("{wrong} in {}", args.journal.journal.display()))),
    }
}

/// The audit of a whole journal.
struct Checked {
    markets: Vec<CheckedMarket>,
    /// The totals of all markets.
    report: AuditReport,
    /// The reason why a market could not be read to its end.
    unreadable: Vec<String>,
}

struct CheckedMarket {
    market: MarketId,
    snapshot: Option<Version>,
    /// The totals of this market.
    summary: AuditSummary,
}

impl Checked {
    async fn read(journal: &FjallJournal) -> Result<Self, TripJournalError> {
        let (mut all, mut markets, mut unreadable) = (Audit::new(), Vec::new(), Vec::new());
        for market in journal.markets().await? {
            let mut own = Audit::new();
            let mut records = Records::new(journal, market.clone());
            loop {
                match records.next_page().await {
                    Ok(page) if page.is_empty() => break,
                    Ok(page) => page.iter().for_each(|(version, record)| {
                        own.read(&market, *version, record);
                        all.read(&market, *version, record);
                    }),
                    Err(told) => {
                        unreadable.push(told);
                        break;
                    }
                }
            }
            let snapshot = journal.snapshot(market.clone()).await?.map(|(version, _)| version);
            markets.push(CheckedMarket { market, snapshot, summary: own.finish().summary });
        }
        Ok(Self { markets, report: all.finish(), unreadable })
    }

    fn to_text(&self, show: usize) -> String {
        let unreadable = self
            .unreadable
            .iter()
            .map(|told| format!("{told}; nothing of this market was checked from there on"));
        // Driver ids are callers' strings and may hold control characters.
        let violations = self.report.violations.iter().take(show);
        let violations = violations.map(|violation| table::printable(&violation.to_string()));
        let mut lines: Vec<_> = unreadable.chain(violations).collect();
        let found = self.report.summary.violations;
        let shown = self.report.violations.len().min(show) as u64;
        if found > shown {
            lines.push(format!("{shown} of {found} violations are shown"));
        }
        if self.what_is_wrong().is_none() {
            lines.push("every promise was kept".to_owned());
        }
        self.to_table() + &lines.join("\n") + "\n"
    }

    fn to_table(&self) -> String {
        let row = |name: &str, snapshot: String, s: &AuditSummary| {
            let counts =
                [s.records, s.trips, s.live, s.completed, s.expired, s.cancelled, s.repeated, s.violations];
            let mut cells = vec![name.to_owned()];
            cells.extend(counts.iter().map(ToString::to_string));
            cells.push(snapshot);
            cells
        };
        let rows = self.markets.iter().map(|checked| {
            let snapshot = checked.snapshot.map_or_else(|| "none".to_owned(), |version| version.to_string());
            row(checked.market.as_str(), snapshot, &checked.summary)
        });
        let mut rows: Vec<_> = rows.collect();
        let across = self.violations_across();
        if across > 0 {
            let between = AuditSummary { violations: across, ..AuditSummary::default() };
            rows.push(row("between markets", String::new(), &between));
        }
        rows.push(row("total", String::new(), &self.report.summary));
        let heads = [
            "MARKET",
            " RECORDS",
            " TRIPS",
            " LIVE",
            " COMPLETED",
            " EXPIRED",
            " CANCELLED",
            " REPEATED",
            " VIOLATIONS",
            " SNAPSHOT",
        ];
        table::render(&heads, &rows)
    }

    /// Violations that only show across markets.
    fn violations_across(&self) -> u64 {
        let within: u64 = self.markets.iter().map(|checked| checked.summary.violations).sum();
        self.report.summary.violations - within
    }

    fn what_is_wrong(&self) -> Option<String> {
        let violations = match self.report.summary.violations {
            0 => None,
            1 => Some("1 violation".to_owned()),
            count => Some(format!("{count} violations")),
        };
        let unreadable = match self.unreadable.len() {
            0 => None,
            1 => Some("1 market that cannot be read".to_owned()),
            count => Some(format!("{count} markets that cannot be read")),
        };
        let wrong: Vec<_> = violations.into_iter().chain(unreadable).collect();
        (!wrong.is_empty()).then(|| wrong.join(" and "))
    }
}
