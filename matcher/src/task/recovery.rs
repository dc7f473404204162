//! Recovers markets from their journals, and takes them over from other matchers.

use kerb_trips::{MarketId, Version};

use crate::error::MatcherError;
use crate::market::{Market, Rules};
use crate::task::context::MarketContext;

/// Number of records in a page.
const PAGE_RECORDS: usize = 1_000;
/// Number of rounds of fences before the start fails. A running rival loses about every second race; only one that starts
/// at the same time can go on for long.
const TAKE_OVER_TRIES_MAX: u32 = 32;

/// The reason why a matcher cannot take its markets over.
#[derive(Debug, thiserror::Error)]
pub enum RecoveryError {
    /// A market cannot be read from its journal.
    #[error("market {market} cannot be read from its journal: {error}")]
    Journal {
        /// Name of the market.
        market: MarketId,
        /// The error of the journal, or of a record.
        error: MatcherError,
    },
    /// Another matcher keeps writing to the same markets.
    #[error(
        "market {market} cannot be taken over after {tries} tries: {why}; let one matcher at a time start"
    )]
    Contested {
        /// The last contested market.
        market: MarketId,
        /// Number of tries.
        tries: u32,
        /// The reason of the last failed try.
        why: String,
    },
}

/// A market that was read from its journal.
pub(crate) struct RecoveredMarket {
    pub(crate) market: Market,
    /// Number of records that were read after the snapshot.
    pub(crate) replayed: u64,
}

/// Reads the market from its snapshot and its records.
pub(super) async fn recover(
    context: &MarketContext,
    id: &MarketId,
    rules: &Rules,
) -> Result<RecoveredMarket, MatcherError> {
    let mut recovered = RecoveredMarket::from_snapshot(context, id, rules).await?;
    recovered.read_records(context).await?;
    Ok(recovered)
}

/// Reads all markets, and fences each with an empty record under the version that was read. Repeats that until no market
/// has a foreign record after this matcher's own fence.
///
/// From then on, a matcher that wrote before can make no durable decision, and all of its reservations are known here: a
/// driver reserved in one market is reserved before another market searches drivers. Two matchers that start at the same
/// time fence each other until one of them is alone for a moment.
pub(crate) async fn take_over(
    context: &MarketContext,
    ids: &[MarketId],
) -> Result<Vec<RecoveredMarket>, RecoveryError> {
    let unread = |market: &MarketId, error| RecoveryError::Journal { market: market.clone(), error };
    let mut fencings = Vec::with_capacity(ids.len());
    for id in ids {
        let recovered = RecoveredMarket::from_snapshot(context, id, &context.rules)
            .await
            .map_err(|error| unread(id, error))?;
        fencings.push(MarketFencing { recovered, fenced_at: None });
    }
    let mut contested = None;
    for _ in 0..TAKE_OVER_TRIES_MAX {
        contested = None;
        // Every round visits all markets: a rival that was fenced in one may have written to another meanwhile.
        for fencing in &mut fencings {
            if let Some(why) = fencing.fence(context).await.map_err(|error| unread(fencing.id(), error))? {
                contested = Some((fencing.id().clone(), why));
            }
        }
        if contested.is_none() {
            break;
        }
    }
    if let Some((market, why)) = contested {
        return Err(RecoveryError::Contested { market, tries: TAKE_OVER_TRIES_MAX, why });
    }
    let mut recovered: Vec<_> = fencings.into_iter().map(|fencing| fencing.recovered).collect();
    for recovered in &mut recovered {
        recovered.market.own();
        recovered.renew_reservations();
    }
    Ok(recovered)
}

/// A market that is being taken over.
struct MarketFencing {
    recovered: RecoveredMarket,
    /// Version of this matcher's own empty record.
    fenced_at: Option<Version>,
}

impl MarketFencing {
    fn id(&self) -> &MarketId {
        self.recovered.market.id()
    }

    /// Returns `None` if the newest record is this matcher's own fence. Otherwise reads the new records, fences again, and
    /// returns the reason.
    async fn fence(&mut self, context: &MarketContext) -> Result<Option<String>, MatcherError> {
        self.recovered.read_records(context).await?;
        let market = &mut self.recovered.market;
        if self.fenced_at == Some(market.version()) {
            return Ok(None);
        }
        let fence = market.fence(context.clock.now());
        match context.append(market, fence).await {
            Ok(_) => {
                self.fenced_at = Some(market.version());
                Ok(Some("another matcher has written it since".to_owned()))
            }
            // The record may be durable or not; the next try reads first.
            Err(error) => Ok(Some(error.to_string())),
        }
    }
}

impl RecoveredMarket {
    /// The market of the newest snapshot, or a market without records.
    async fn from_snapshot(
        context: &MarketContext,
        id: &MarketId,
        rules: &Rules,
    ) -> Result<Self, MatcherError> {
        let (rules, reservations) = (|| rules.clone(), || context.reservations.clone());
        let market = match context.journal.snapshot(id.clone()).await? {
            Some((version, snapshot)) => {
                Market::restore(id.clone(), rules(), reservations(), version, &snapshot).map_err(|error| {
                    tracing::warn!(market = %id, %error, "the snapshot is ignored: all records are read");
                })
            }
            None => Err(()),
        };
        // A snapshot only shortens the reading: without one, the records contain everything.
        let market = market.unwrap_or_else(|()| Market::new(id.clone(), rules(), reservations()));
        Ok(Self { market, replayed: 0 })
    }

    /// Replays all records after the market's version.
    async fn read_records(&mut self, context: &MarketContext) -> Result<(), MatcherError> {
        loop {
            let after = self.market.version();
            let page = context.journal.read(self.market.id().clone(), after, PAGE_RECORDS).await?;
            let is_last = page.len() < PAGE_RECORDS;
            for (version, record) in page {
                self.market.replay(version, &record)?;
                self.replayed += 1;
            }
            if is_last {
                return Ok(());
            }
        }
    }

    /// Replaces the market's reservations by those that were read. The caller has fenced the market before: a record that
    /// is still on its way may hold reservations, too.
    pub(super) fn renew_reservations(&self) {
        let conflicts = self.market.renew_reservations();
        if !conflicts.is_empty() {
            tracing::error!(market = %self.market.id(), ?conflicts, "drivers are reserved by two markets");
        }
    }
}
