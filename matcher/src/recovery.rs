//! From the journal to a market: its newest snapshot, and then every record after it, page by page. And taking markets
//! over, so that nobody else writes them any more.

use kerb_ports::Error;
use kerb_trips::MarketId;

use crate::error::StartError;
use crate::market::{Market, Rules};
use crate::task::MarketContext;

/// Records of one page.
const PAGE_RECORDS: usize = 1_000;
/// How often markets are fenced before the start is given up. A rival that works loses every second race or so; one that
/// starts at the same time is the only one that can go on for long.
const TAKE_OVER_TRIES_MAX: u32 = 32;

/// A market as its journal tells it.
pub(crate) struct Recovered {
    pub(crate) market: Market,
    /// Records that were read after the snapshot.
    pub(crate) replayed: u64,
}

/// Reads the market.
pub(crate) async fn recover(
    context: &MarketContext,
    id: &MarketId,
    rules: &Rules,
) -> Result<Recovered, Error> {
    let mut recovered = Recovered::begin(context, id, rules).await?;
    recovered.read_on(context).await?;
    Ok(recovered)
}

/// Reads all markets, and fences each by an empty record under the version that was read. Ends when nobody has written
/// any of them since this matcher's own record in *all* of them.
///
/// From then on a matcher that wrote any of them before can promise nobody anything, and all that it had promised is
/// known here: a driver whom it claimed in one market is claimed before another market looks for drivers. Two matchers
/// that start at the same time fence each other until one of them was alone for a moment.
pub(crate) async fn take_over(
    context: &MarketContext,
    ids: &[MarketId],
) -> Result<Vec<Recovered>, StartError> {
    let unread = |market: &MarketId, error| StartError::Journal { market: market.clone(), error };
    let mut fencings = Vec::with_capacity(ids.len());
    for id in ids {
        let recovered =
            Recovered::begin(context, id, &context.rules).await.map_err(|error| unread(id, error))?;
        fencings.push(Fencing { recovered, fenced_at: None });
    }
    let mut contested = None;
    for _ in 0..TAKE_OVER_TRIES_MAX {
        contested = None;
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
        return Err(StartError::Contested { market, tries: TAKE_OVER_TRIES_MAX, why });
    }
    let mut recovered: Vec<_> = fencings.into_iter().map(|fencing| fencing.recovered).collect();
    for recovered in &mut recovered {
        recovered.market.own();
        recovered.renew_reservations();
    }
    Ok(recovered)
}

/// A market that is being taken over.
struct Fencing {
    recovered: Recovered,
    /// Version of this matcher's own empty record.
    fenced_at: Option<u64>,
}

impl Fencing {
    fn id(&self) -> &MarketId {
        self.recovered.market.id()
    }

    /// `None`: nobody has written since this matcher's own record. Else reads on, fences again, and answers why that was
    /// necessary.
    async fn fence(&mut self, context: &MarketContext) -> Result<Option<String>, Error> {
        self.recovered.read_on(context).await?;
        let market = &mut self.recovered.market;
        if self.fenced_at == Some(market.version()) {
            return Ok(None);
        }
        let fence = market.fence(context.clock.now_ms());
        match context.append(market, fence).await {
            Ok(_) => {
                self.fenced_at = Some(market.version());
                Ok(Some("another matcher has written it since".to_owned()))
            }
            // Written or not: the next try reads on first.
            Err(error) => Ok(Some(error.to_string())),
        }
    }
}

impl Recovered {
    /// The newest snapshot, or a market without records.
    async fn begin(context: &MarketContext, id: &MarketId, rules: &Rules) -> Result<Self, Error> {
        let (rules, reservations) = (|| rules.clone(), || context.reservations.clone());
        let market = match context.journal.snapshot(id.clone()).await? {
            Some((version, snapshot)) => {
                Market::restore(id.clone(), rules(), reservations(), version, &snapshot).map_err(|error| {
                    tracing::warn!(market = %id, %error, "the snapshot is left aside: all records are read");
                })
            }
            None => Err(()),
        };
        // A snapshot is a shortcut only, so without one the records say it all.
        let market = market.unwrap_or_else(|()| Market::new(id.clone(), rules(), reservations()));
        Ok(Self { market, replayed: 0 })
    }

    /// Replays all records that are there now.
    async fn read_on(&mut self, context: &MarketContext) -> Result<(), Error> {
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

    /// Its promises are claimed from now on, and no others. Only after a fence: a record that is still on its way may
    /// hold promises, too.
    pub(crate) fn renew_reservations(&self) {
        let refused = self.market.renew_reservations();
        if !refused.is_empty() {
            tracing::error!(market = %self.market.id(), ?refused, "drivers are promised by two markets");
        }
    }
}
