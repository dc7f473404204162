//! The cheapest sequence with one candidate for each step (Viterbi, "Error Bounds for Convolutional Codes and an
//! Asymptotically Optimum Decoding Algorithm", 1967).

/// An unbroken sequence of candidates.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The first step of the sequence.
    pub first: usize,
    /// The index of the picked candidate of each step, from `first` on.
    pub picks: Vec<usize>,
    /// The sum of the costs of its candidates and of the transitions between them.
    pub cost: f64,
}

/// The sequences of lowest cost.
///
/// `steps` has the cost of each candidate of each step. `between(step, from, to)` is the cost of a transition from
/// candidate `from` of `step` to candidate `to` of the next step; infinite if it is impossible. A step without
/// candidates, or without a possible transition to it, starts a new sequence. Of equally cheap sequences, the one with
/// the lower last candidates is returned.
pub fn cheapest_chains(
    steps: &[Vec<f64>],
    mut between: impl FnMut(usize, usize, usize) -> f64,
) -> Vec<Chain> {
    let mut chains = Vec::new();
    let mut open: Option<Trellis> = None;
    for (step, costs) in steps.iter().enumerate() {
        let extended = open.as_mut().is_some_and(|trellis| {
            // An open trellis has a step before this one, so this never wraps.
            let last = step.wrapping_sub(1);
            trellis.extend(costs, |from, to| between(last, from, to))
        });
        if !extended {
            chains.extend(open.take().map(Trellis::close));
            open = (!costs.is_empty()).then(|| Trellis::new(step, costs));
        }
    }
    chains.extend(open.map(Trellis::close));
    chains
}

/// The cheapest sequences to every candidate of the last step.
struct Trellis {
    first: usize,
    /// The cost of the cheapest sequence to each candidate of the last step.
    costs: Vec<f64>,
    /// For each candidate of each step after the first, its predecessor in the cheapest sequence.
    before: Vec<Vec<usize>>,
}

impl Trellis {
    fn new(first: usize, costs: &[f64]) -> Self {
        Self { first, costs: costs.to_vec(), before: Vec::new() }
    }

    /// Adds a step. Returns false and adds nothing when no candidate of the step can be reached.
    fn extend(&mut self, own: &[f64], mut between: impl FnMut(usize, usize) -> f64) -> bool {
        let (mut costs, mut before) = (Vec::with_capacity(own.len()), Vec::with_capacity(own.len()));
        for (to, own) in own.iter().enumerate() {
            // An unreachable candidate keeps the infinite cost; its predecessor is never read.
            let mut best = (f64::INFINITY, 0);
            for (from, so_far) in self.costs.iter().enumerate().filter(|(_, cost)| cost.is_finite()) {
                let cost = so_far + between(from, to) + own;
                // Strictly below: of equal costs the lower predecessor stays.
                if cost < best.0 {
                    best = (cost, from);
                }
            }
            costs.push(best.0);
            before.push(best.1);
        }
        let is_reached = costs.iter().any(|cost| cost.is_finite());
        if is_reached {
            self.costs = costs;
            self.before.push(before);
        }
        is_reached
    }

    fn close(self) -> Chain {
        // Backtracks from the cheapest candidate of the last step.
        let last = (0..self.costs.len()).min_by(|a, b| self.costs[*a].total_cmp(&self.costs[*b]));
        let last = last.expect("a trellis starts with a candidate");
        let mut picks = vec![last];
        for before in self.before.iter().rev() {
            picks.push(before[picks[picks.len() - 1]]);
        }
        picks.reverse();
        Chain { first: self.first, picks, cost: self.costs[last] }
    }
}
