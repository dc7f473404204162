//! The cheapest sequence of candidates, one a step (Viterbi, "Error bounds for convolutional codes", 1967).

/// A sequence without a break.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    /// The step of the first pick.
    pub first: usize,
    /// The candidate of each step from there on.
    pub picks: Vec<usize>,
    /// The sum of what its candidates and the ways between them cost.
    pub cost: f64,
}

/// The sequences of least cost. `steps` holds what each step's candidates cost by themselves, `between` what it costs to
/// come from a candidate of a step to one of the next: `between(step, from, to)`, infinite where there is no way.
///
/// A step without candidates, or one that no way leads to, begins a new sequence. Among equally cheap sequences the one
/// with the lower last candidates is taken.
pub fn cheapest_chains(
    steps: &[Vec<f64>],
    mut between: impl FnMut(usize, usize, usize) -> f64,
) -> Vec<Chain> {
    let mut chains = Vec::new();
    let mut open: Option<Trellis> = None;
    for (step, costs) in steps.iter().enumerate() {
        let extended = open.as_mut().is_some_and(|trellis| {
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

/// The cheapest ways to every candidate of the steps so far.
struct Trellis {
    first: usize,
    /// The cost of the cheapest way to each candidate of the last step.
    costs: Vec<f64>,
    /// For each later step and candidate the candidate before it.
    before: Vec<Vec<usize>>,
}

impl Trellis {
    fn new(first: usize, costs: &[f64]) -> Self {
        Self { first, costs: costs.to_vec(), before: Vec::new() }
    }

    /// Adds a step; not when no candidate of it can be reached.
    fn extend(&mut self, own: &[f64], mut between: impl FnMut(usize, usize) -> f64) -> bool {
        let (mut costs, mut before) = (Vec::with_capacity(own.len()), Vec::with_capacity(own.len()));
        for (to, own) in own.iter().enumerate() {
            let mut best = (f64::INFINITY, 0);
            for (from, so_far) in self.costs.iter().enumerate().filter(|(_, cost)| cost.is_finite()) {
                let cost = so_far + between(from, to) + own;
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
        let last = (0..self.costs.len()).min_by(|a, b| self.costs[*a].total_cmp(&self.costs[*b]));
        let last = last.expect("a trellis begins with a candidate");
        let mut picks = vec![last];
        for before in self.before.iter().rev() {
            picks.push(before[picks[picks.len() - 1]]);
        }
        picks.reverse();
        Chain { first: self.first, picks, cost: self.costs[last] }
    }
}
