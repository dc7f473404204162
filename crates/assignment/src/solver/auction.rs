//! Prices near the optimum, by bidding (Bertsekas, *The auction algorithm: a distributed relaxation method for the
//! assignment problem*, 1988).
//!
//! An unmatched row bids for the column with the greatest value at the current prices. The value of a column is the weight
//! less the price; staying unmatched is a choice with the value 0. The bid leaves the bidder the value of its second
//! choice, less the increment. The previous row of the column becomes unmatched and bids next. A bid raises the price by
//! the increment or to the bidder's weight, so there are at most `largest penalty / increment + 1` bids for a column, and
//! one more for each row.

use super::node::{NONE, Node};
use crate::graph::{AdjacencyLists, WeightedEdge};

/// Ratio of the largest penalty to the increment. With a larger ratio, the auction takes longer and leaves less work to
/// the searches. Cities with as many drivers as requests take about as long at any ratio from 30 to 120.
const INCREMENTS: u32 = 80;

/// Returns the bid increment for a problem with this largest penalty.
pub(super) fn increment(largest_penalty: u32) -> u32 {
    (largest_penalty / INCREMENTS).max(1)
}

/// Runs the auction until each row has a column or prefers none. Sets the partners, and the columns' gains, which are
/// their prices; [`super::group`] sets the rows' gains. The edges of a row must be sorted heaviest first.
pub(super) fn run(edges: &AdjacencyLists, rows: &mut [Node], columns: &mut [Node], increment: u32) {
    for row in 0..rows.len() as u32 {
        let mut bidder = row;
        while let Some(bid) = best_bid(edges.of(bidder), columns, increment) {
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

/// Returns the column to bid for, with its new price as the weight.
#[inline]
fn best_bid(edges: &[WeightedEdge], columns: &[Node], increment: u32) -> Option<WeightedEdge> {
    let (mut first, mut second) = (0, 0);
    let mut best = None;
    for edge in edges {
        // No price is negative and the weights fall, so no later edge has a greater value.
        if edge.weight <= second {
            break;
        }
        let value = edge.weight.saturating_sub(columns[edge.node as usize].gain);
        if value > first {
            (first, second) = (value, first);
            best = Some(*edge);
        } else {
            second = second.max(value);
        }
    }
    let WeightedEdge { node, weight } = best?;
    // The bidder keeps the value of its second choice less the increment, and at least 0.
    Some(WeightedEdge { node, weight: weight - second.saturating_sub(increment) })
}
