//! Compares the cheapest sequence with all sequences.

use kerb_routing::map_matching::cheapest_chains;
use rand::RngExt;

use crate::town::seeded;

/// The lowest cost of all sequences.
fn brute_force(steps: &[Vec<f64>], between: &[Vec<Vec<f64>>]) -> f64 {
    fn from(step: usize, pick: usize, steps: &[Vec<f64>], between: &[Vec<Vec<f64>>]) -> f64 {
        let own = steps[step][pick];
        if step + 1 == steps.len() {
            return own;
        }
        let next = 0..steps[step + 1].len();
        next.map(|to| own + between[step][pick][to] + from(step + 1, to, steps, between))
            .fold(f64::INFINITY, f64::min)
    }
    (0..steps[0].len()).map(|pick| from(0, pick, steps, between)).fold(f64::INFINITY, f64::min)
}

#[test]
fn no_sequence_is_cheaper() {
    let mut random = seeded(7);
    let mut whole = 0;
    for _ in 0..300 {
        let steps: Vec<Vec<f64>> = (0..random.random_range(1..6))
            .map(|_| (0..random.random_range(1..5)).map(|_| random.random_range(0.0..9.0)).collect())
            .collect();
        let mut cost =
            || if random.random_range(0..5) == 0 { f64::INFINITY } else { random.random_range(0.0..9.0) };
        let between: Vec<Vec<Vec<f64>>> = steps
            .windows(2)
            .map(|pair| pair[0].iter().map(|_| pair[1].iter().map(|_| cost()).collect()).collect())
            .collect();
        let chains = cheapest_chains(&steps, |step, from, to| between[step][from][to]);
        let covered: Vec<usize> =
            chains.iter().flat_map(|chain| chain.first..chain.first + chain.picks.len()).collect();
        assert_eq!(covered, (0..steps.len()).collect::<Vec<_>>(), "every step once");
        for chain in &chains {
            let range = chain.first..chain.first + chain.picks.len();
            let own = &between[range.start..range.end - 1];
            let least = brute_force(&steps[range.clone()], own);
            assert!((chain.cost - least).abs() < 1e-9, "{chain:?}: {least}");
            let mut cost: f64 = range.zip(&chain.picks).map(|(step, pick)| steps[step][*pick]).sum();
            cost += chain.picks.windows(2).zip(own).map(|(pair, own)| own[pair[0]][pair[1]]).sum::<f64>();
            assert!((chain.cost - cost).abs() < 1e-9, "the picks cost what is seen");
        }
        // A sequence breaks exactly where no transition is possible.
        assert_eq!(chains.len() == 1, brute_force(&steps, &between).is_finite());
        whole += usize::from(chains.len() == 1 && steps.len() > 1);
    }
    assert!(whole > 50, "{whole}");
}

#[test]
fn step_without_candidates_breaks_the_sequence() {
    let chains = cheapest_chains(&[vec![1.0], vec![], vec![3.0, 2.0]], |_, _, _| 0.0);
    assert_eq!(
        chains.iter().map(|chain| (chain.first, chain.picks.clone())).collect::<Vec<_>>(),
        [(0, vec![0]), (2, vec![1])]
    );
}
