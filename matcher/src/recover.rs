//! From the journal to a market: its newest snapshot, and then every record after it, page by page.

use kerb_fleet::{Error, MarketId, TripJournal};

use crate::market::{Claims, Market, Rules};

/// Records of one page.
const PAGE_RECORDS: usize = 1_000;

/// A market as its journal tells it.
pub(crate) struct Recovered {
    pub(crate) market: Market,
    /// Records that were read after the snapshot.
    pub(crate) replayed: u64,
    /// Who wrote the newest of these.
    pub(crate) newest_writer: Option<String>,
}

/// Reads the market.
pub(crate) async fn recover(
    journal: &dyn TripJournal,
    id: &MarketId,
    rules: &Rules,
    claims: &Claims,
) -> Result<Recovered, Error> {
    let market = match journal.snapshot(id.clone()).await? {
        Some((version, snapshot)) => {
            let restored = Market::restore(id.clone(), rules.clone(), claims.clone(), version, &snapshot);
            restored.map_err(|error| {
                tracing::warn!(market = %id, %error, "the snapshot is left aside: all records are read");
            })
        }
        None => Err(()),
    };
    // A snapshot is a shortcut only, so without one the records say it all.
    let market = market.unwrap_or_else(|()| Market::new(id.clone(), rules.clone(), claims.clone()));
    let mut recovered = Recovered { market, replayed: 0, newest_writer: None };
    loop {
        let page = journal.read(id.clone(), recovered.market.version(), PAGE_RECORDS).await?;
        let is_last = page.len() < PAGE_RECORDS;
        for (version, record) in page {
            recovered.market.replay(version, &record)?;
            recovered.replayed += 1;
            recovered.newest_writer = Some(record.matcher);
        }
        if is_last {
            return Ok(recovered);
        }
    }
}
