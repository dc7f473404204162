//! `kerb trips verify`: audits every market of a journal.

use kerb::terminal::{escape, print};
use kerb_journal::FjallJournal;
use kerb_ports::{TripJournal, TripJournalError};
use kerb_trips::{Audit, AuditReport, AuditSummary, MarketId, Version};

use super::journal::{JournalArgs, Records};
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
    let audit = JournalAudit::read(&journal).await.map_err(|error| Failure::Failed(error.to_string()))?;
    print(audit.to_text(usize::from(args.show)))?;
    match audit.describe_problems() {
        None => Ok(Outcome::Done),
        Some(problems) => Err(Failure::Failed(format!("{problems} in {}", args.journal.journal.display()))),
    }
}

/// The audit of a whole journal.
struct JournalAudit {
    markets: Vec<MarketAudit>,
    /// The totals of all markets.
    report: AuditReport,
    /// The reason why a market could not be read to its end.
    unreadable: Vec<String>,
}

struct MarketAudit {
    market: MarketId,
    snapshot: Option<Version>,
    /// The totals of this market.
    summary: AuditSummary,
}

impl JournalAudit {
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
                    Err(reason) => {
                        unreadable.push(reason);
                        break;
                    }
                }
            }
            let snapshot = journal.snapshot(market.clone()).await?.map(|(version, _)| version);
            markets.push(MarketAudit { market, snapshot, summary: own.finish().summary });
        }
        Ok(Self { markets, report: all.finish(), unreadable })
    }

    fn to_text(&self, show: usize) -> String {
        let unreadable =
            self.unreadable.iter().map(|reason| format!("{reason}; the rest of this market was not checked"));
        // Driver ids are callers' strings and may hold control characters.
        let violations = self.report.violations.iter().take(show);
        let violations = violations.map(|violation| escape(&violation.to_string()).into_owned());
        let mut lines: Vec<_> = unreadable.chain(violations).collect();
        let found = self.report.summary.violations;
        // At most `show`, so the cast keeps it.
        let shown = self.report.violations.len().min(show) as u64;
        if found > shown {
            lines.push(format!("{shown} of {found} violations are shown"));
        }
        if self.describe_problems().is_none() {
            lines.push("no violations".to_owned());
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
        let rows = self.markets.iter().map(|audit| {
            let snapshot = audit.snapshot.map_or_else(|| "none".to_owned(), |version| version.to_string());
            row(audit.market.as_str(), snapshot, &audit.summary)
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

    /// Returns the number of violations that are only visible across markets.
    fn violations_across(&self) -> u64 {
        let within: u64 = self.markets.iter().map(|audit| audit.summary.violations).sum();
        self.report.summary.violations - within
    }

    fn describe_problems(&self) -> Option<String> {
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
        let problems: Vec<_> = violations.into_iter().chain(unreadable).collect();
        (!problems.is_empty()).then(|| problems.join(" and "))
    }
}
