//! Opens and reads a journal on disk for the commands `verify` and `export`.

use std::panic::{set_hook, take_hook};
use std::path::PathBuf;

use kerb_journal::{FjallJournal, JournalError};
use kerb_ports::{TripJournal, TripJournalError};
use kerb_trips::{MarketId, Record, Version};

use crate::cli::failure::Failure;

/// Records read at a time.
const PAGE_RECORDS: usize = 256;

#[derive(Debug, clap::Args)]
pub(crate) struct JournalArgs {
    /// Folder of the journal: `trips` in the matcher's data folder
    #[arg(long, value_name = "DIR", default_value = "kerb-data/trips")]
    pub(super) journal: PathBuf,
}

impl JournalArgs {
    /// Opens an existing journal; never creates one.
    pub(super) fn open(&self) -> Result<FjallJournal, Failure> {
        // The engine may panic on damaged files. The panic becomes an error, so its own message is not printed.
        let hook = take_hook();
        set_hook(Box::new(|_| {}));
        let opened = FjallJournal::open_existing(&self.journal);
        set_hook(hook);
        opened.map_err(|error| Failure::Failed(with_advice(&error)))
    }
}

/// Describes the error in one line that ends with advice.
fn with_advice(error: &JournalError) -> String {
    match error {
        JournalError::InUse(path) => format!(
            "{path} is in use, as by a running matcher: stop it, or name a copy that was made while it was stopped"
        ),
        JournalError::Engine { .. } => {
            // A panic's message may have several lines.
            let words: Vec<_> = error.to_string().split_whitespace().map(str::to_owned).collect();
            let line = words.join(" ");
            format!("{line}: its files cannot be read; if they are damaged, restore the folder from a copy")
        }
        error => error.to_string(),
    }
}

/// Reads a market's records in order.
pub(super) struct Records<'a> {
    journal: &'a FjallJournal,
    market: MarketId,
    read: Version,
    page_max: usize,
}

impl<'a> Records<'a> {
    /// Starts at the first record.
    pub(super) fn new(journal: &'a FjallJournal, market: MarketId) -> Self {
        Self { journal, market, read: Version::EMPTY, page_max: PAGE_RECORDS }
    }

    /// Returns the next page; an empty one at the end. After an unreadable page, records are read one by one, so that every
    /// record before the damaged one is returned.
    pub(super) async fn next_page(&mut self) -> Result<Vec<(Version, Record)>, String> {
        loop {
            match self.journal.read(self.market.clone(), self.read, self.page_max).await {
                Ok(page) => {
                    self.read = page.last().map_or(self.read, |(version, _)| *version);
                    return Ok(page);
                }
                Err(_) if self.page_max > 1 => self.page_max = 1,
                Err(TripJournalError::Internal(message)) => return Err(message),
                Err(error) => return Err(error.to_string()),
            }
        }
    }
}
