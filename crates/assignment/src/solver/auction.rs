//! Prices near the optimum, by bidding (Bertsekas, *The auction algorithm: a distributed relaxation method for the
//! assignment problem*, 1988).
//!
//! A row without a column bids for the one that is worth most to it at the current prices, so much that it would just
//! lose the increment against its second choice; being left out, worth 0, is a choice too. Who had the column loses
//! it and bids next. Prices only rise, each time by the increment or up to the bidder's weight, so there are at most
//! `largest penalty / increment + 1` bids a column and one more a row.

use super::super::graph::{Link, Links};
use super::part::{NONE, Node};

/// Largest penalty to increment. Larger: the auction takes longer and leaves less to the searches. Cities with
/// as many drivers as requests take about as long at anything from 30 to 120.
const INCREMENTS: u32 = 80;

/// By how much a bid exceeds what would be fair, for a problem of this largest penalty.
pub(super) fn increment(largest_penalty: u32) -> u32 {
    (largest_penalty / INCREMENTS).max(1)
}

/// Lets all rows bid until each has a column or wants none. The columns' gains are their prices; the rows' are not
/// set. A row's links come heaviest first.
pub(super) fn run(links: &Links, rows: &mut [Node], columns: &mut [Node], increment: u32) {
    for row in 0..rows.len() as u32 {
        let mut bidder = row;
        while let Some(bid) = best_bid(links.of(bidder), columns, increment) {
            let column = &mut columns[bid.node as usize];
            column.gain = bid.weight;
            rows[bidder as usize].partner = bid.node;
            let outbid = std::mem::replace(&mut column.partner, bidder);
            if outbid == NONE {
                break;
            }
            rows[outbid as usize].partner = NONE;
            bidder = outbid;
        }
    }
}

/// The column to bid for, and in the place of the weight its new price.
#[inline]
fn best_bid(links: &[Link], columns: &[Node], increment: u32) -> Option<Link> {
    let (mut first, mut second) = (0, 0);
    let mut wanted = None;
    for link in links {
        // No price is negative, so that nothing after this is worth more.
        if link.weight <= second {
            break;
        }
        let worth = link.weight.saturating_sub(columns[link.node as usize].gain);
        if worth > first {
            (first, second) = (worth, first);
            wanted = Some(*link);
        } else {
            second = second.max(worth);
        }
    }
    let Link { node, weight } = wanted?;
    // What the second choice is worth stays for the bidder, less the increment, but never less than nothing.
    Some(Link { node, weight: weight - second.saturating_sub(increment) })
}
