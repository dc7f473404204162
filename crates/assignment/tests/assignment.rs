//! Compares the solver with exhaustive search and with a dense solver, and verifies its duals.

use std::collections::BTreeMap;

use kerb_assignment::instance::{Instance, PENALTY_S, Spread};
use kerb_assignment::{
    Assignment, Duals, PENALTY_MAX, Policy, Problem, ProblemBuilder, ProblemError, solve, solve_optimal,
    solve_with_duals, verify_optimal,
};
use pathfinding::kuhn_munkres::kuhn_munkres_min;
use pathfinding::matrix::Matrix;
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// The penalty of each row, and its edges (column, cost) in the order of the builder's calls.
type Table = Vec<(u32, Vec<(u32, u32)>)>;

fn build(columns: usize, table: &Table) -> Problem {
    let mut builder = ProblemBuilder::with_capacity(table.len(), columns, 0);
    for (penalty, edges) in table {
        builder.begin_row(*penalty);
        for (column, cost) in edges {
            builder.edge(*column, *cost);
        }
    }
    builder.build().expect("columns in range")
}

/// Returns the least cost by exhaustive search: every column and none for each row in turn.
fn least_cost(table: &[(u32, Vec<(u32, u32)>)], taken: &mut Vec<bool>) -> u64 {
    let Some(((penalty, edges), others)) = table.split_first() else {
        return 0;
    };
    let mut least = u64::from(*penalty) + least_cost(others, taken);
    for &(column, cost) in edges {
        if !std::mem::replace(&mut taken[column as usize], true) {
            least = least.min(u64::from(cost) + least_cost(others, taken));
            taken[column as usize] = false;
        }
    }
    least
}

/// Returns the least cost by a dense solver, with a dummy column for each row.
fn dense_cost(problem: &Problem) -> u64 {
    let (rows, columns) = (problem.rows() as usize, problem.columns() as usize);
    let mut costs = Matrix::new(rows, columns + rows, i64::from(PENALTY_MAX) * 1_000);
    for row in 0..problem.rows() {
        for edge in problem.edges(row) {
            costs[(row as usize, edge.column as usize)] = i64::from(edge.cost);
        }
        costs[(row as usize, columns + row as usize)] = i64::from(problem.penalty(row));
    }
    u64::try_from(kuhn_munkres_min(&costs).0).expect("no cost is negative")
}

/// Returns the optimum. Verifies it by its duals, and compares one thread with four.
fn solve_verified(problem: &Problem) -> Assignment {
    let (assignment, duals) = solve_with_duals(problem, 1);
    verify_optimal(problem, &assignment, &duals).expect("the duals prove it");
    assert_eq!(solve_with_duals(problem, 4), (assignment.clone(), duals));
    assignment
}

fn random_table(rng: &mut Pcg64Mcg, rows: usize, columns: u32, density: f64, costs: u32) -> Table {
    let mut row = || {
        let penalty = rng.random_range(0..=costs);
        let drawn = (0..columns).filter_map(|column| {
            let is_edge = rng.random_bool(density);
            is_edge.then(|| (column, rng.random_range(0..costs)))
        });
        (penalty, drawn.collect())
    };
    (0..rows).map(|_| row()).collect()
}

/// Up to six rows and columns. Few different costs give ties, repeated columns, and edges at or above the penalty.
fn tiny() -> impl Strategy<Value = (usize, Table)> {
    (0_usize..=6, prop_oneof![Just(2_u32), Just(5), Just(40), Just(2_000)]).prop_flat_map(
        |(columns, costs)| {
            let most = if columns == 0 { 0 } else { 8 };
            let edges = prop::collection::vec((0..columns.max(1) as u32, 0..=costs), 0..=most);
            let penalty = prop_oneof![Just(costs), 0..=costs];
            (Just(columns), prop::collection::vec((penalty, edges), 0..=6))
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5_000))]

    #[test]
    fn no_assignment_of_a_tiny_table_is_cheaper((columns, table) in tiny()) {
        let problem = build(columns, &table);
        let found = solve_verified(&problem);
        prop_assert_eq!(found.cost, least_cost(&table, &mut vec![false; columns]));
    }

    #[test]
    fn the_problem_is_the_table_without_edges_that_no_optimum_uses((columns, table) in tiny()) {
        let problem = build(columns, &table);
        prop_assert_eq!((problem.rows() as usize, problem.columns() as usize), (table.len(), columns));
        for (row, (penalty, edges)) in (0..).zip(&table) {
            let mut cheapest = BTreeMap::new();
            for (column, cost) in edges.iter().filter(|(_, cost)| cost < penalty) {
                let least = cheapest.entry(*column).or_insert(*cost);
                *least = (*least).min(*cost);
            }
            let mut wanted: Vec<_> = cheapest.into_iter().map(|(column, cost)| (cost, column)).collect();
            wanted.sort_unstable();
            let found: Vec<_> = problem.edges(row).iter().map(|edge| (edge.cost, edge.column)).collect();
            prop_assert_eq!(found, wanted);
            prop_assert_eq!(problem.penalty(row), *penalty);
        }
    }

    #[test]
    fn nearest_takes_rows_in_their_order((columns, table) in tiny()) {
        let mut free: Vec<u32> = (0..columns as u32).collect();
        let mut cost = 0;
        let mut wanted = Vec::new();
        for (penalty, edges) in &table {
            let open = edges.iter().filter(|(column, cost)| cost < penalty && free.contains(column));
            let best = open.map(|(column, cost)| (*cost, *column)).min();
            free.retain(|column| best.is_none_or(|(_, taken)| taken != *column));
            cost += u64::from(best.map_or(*penalty, |(cost, _)| cost));
            wanted.push(best.map(|(_, column)| column));
        }
        let found = solve(Policy::Nearest, &build(columns, &table), 1);
        prop_assert_eq!(found, Assignment { columns: wanted, cost });
    }
}

#[test]
fn a_dense_solver_finds_the_same_cost() {
    let shapes =
        [(300, 300, 1.0), (300, 300, 0.02), (200, 300, 0.1), (300, 100, 0.1), (150, 150, 0.5), (1, 300, 1.0)];
    for (seed, (rows, columns, density)) in (1..).zip(shapes) {
        for costs in [3, 100, 1_800, 100_000] {
            let mut rng = Pcg64Mcg::seed_from_u64(seed);
            let problem = build(columns as usize, &random_table(&mut rng, rows, columns, density, costs));
            let at = format!("seed {seed}, {rows} x {columns}, density {density}, costs below {costs}");
            assert_eq!(solve_verified(&problem).cost, dense_cost(&problem), "{at}");
        }
    }
}

#[test]
fn a_dense_solver_finds_the_same_cost_in_cities() {
    for seed in 1..=4 {
        for spread in [Spread::Uniform, Spread::Clustered] {
            for (requests, drivers) in [(200, 200), (250, 120), (120, 250)] {
                let instance = Instance { requests, drivers, candidates: 10, spread, seed };
                let problem = instance.problem();
                assert_eq!(solve_verified(&problem).cost, dense_cost(&problem), "{instance:?}");
            }
        }
    }
}

/// [`solve_verified`] also compares one thread with four. A city with few candidates has many components.
#[test]
fn large_cities_are_proven_optimal_by_their_duals() {
    for (requests, drivers, candidates) in [(5_000, 5_000, 12), (6_000, 4_000, 8), (20_000, 20_000, 2)] {
        for spread in [Spread::Uniform, Spread::Clustered] {
            let instance = Instance { requests, drivers, candidates, spread, seed: 7 };
            let problem = instance.problem();
            let optimum = solve_verified(&problem);
            let nearest = solve(Policy::Nearest, &problem, 1);
            assert!(optimum.cost < nearest.cost, "{instance:?}: {} against {}", optimum.cost, nearest.cost);
        }
    }
}

#[test]
fn a_shared_column_goes_to_the_row_that_saves_most() {
    let table: Table = (0..2_000).map(|row| (1_000 + row % 7, vec![(0, 500), (0, 999)])).collect();
    let found = solve_verified(&build(1, &table));
    assert_eq!(found.columns.iter().flatten().count(), 1);
    let unmatched: u64 = table.iter().map(|(penalty, _)| u64::from(*penalty)).sum();
    assert_eq!(found.cost, unmatched - 506);
}

#[test]
fn the_largest_penalty_is_accepted() {
    let table = vec![
        (PENALTY_MAX, vec![(0, 0), (1, PENALTY_MAX - 1)]),
        (PENALTY_MAX, vec![(0, 1)]),
        (0, vec![(1, 0)]),
    ];
    let found = solve_verified(&build(2, &table));
    assert_eq!((found.columns, found.cost), (vec![Some(1), Some(0), None], u64::from(PENALTY_MAX)));
}

#[test]
fn empty_problems_have_a_solution() {
    let nothing = Assignment { columns: Vec::new(), cost: 0 };
    assert_eq!(solve_verified(&build(0, &Vec::new())), nothing);
    assert_eq!(solve_verified(&build(9, &Vec::new())), nothing);
    let alone = solve_verified(&build(0, &vec![(5, Vec::new()), (6, Vec::new())]));
    assert_eq!(alone, Assignment { columns: vec![None, None], cost: 11 });
}

#[test]
fn errors_name_row_and_column() {
    let mut builder = ProblemBuilder::with_capacity(2, 3, 2);
    builder.begin_row(10);
    builder.begin_row(10);
    builder.edge(3, 1);
    let error = builder.build().unwrap_err();
    assert_eq!(error, ProblemError::Column { row: 1, column: 3, columns: 3 });
    assert_eq!(error.to_string(), "row 1 has an edge to column 3, must be below 3");

    let mut builder = ProblemBuilder::with_capacity(1, 1, 0);
    builder.begin_row(PENALTY_MAX + 1);
    assert_eq!(builder.build().unwrap_err(), ProblemError::Penalty { row: 0, penalty: PENALTY_MAX + 1 });
}

/// The other tests depend on the verifier, so it must reject every assignment that its duals do not prove.
#[test]
fn the_verifier_rejects_what_is_not_optimal() {
    let problem = build(2, &vec![(100, vec![(0, 10), (1, 30)]), (100, vec![(0, 20), (1, 90)])]);
    let (right, duals) = solve_with_duals(&problem, 1);
    assert_eq!(right, Assignment { columns: vec![Some(1), Some(0)], cost: 50 });
    let rejection = |columns: Vec<Option<u32>>, cost: u64, duals: &Duals| {
        verify_optimal(&problem, &Assignment { columns, cost }, duals).unwrap_err()
    };
    let with = |change: fn(&mut Duals)| {
        let mut changed = duals.clone();
        change(&mut changed);
        changed
    };
    let pairs = || right.columns.clone();
    assert!(rejection(vec![Some(0), Some(1)], 100, &duals).contains("must be its dual"));
    assert!(rejection(vec![Some(1), None], 130, &duals).contains("must be its dual"));
    assert!(rejection(vec![Some(1)], 30, &duals).contains("must be (2, 2, 2)"));
    assert!(rejection(pairs(), 51, &duals).contains("the cost is given as 51"));
    assert!(rejection(pairs(), 50, &with(|duals| duals.row_costs[0] += 1)).contains("for less"));
    assert!(rejection(pairs(), 50, &with(|duals| duals.row_costs[0] -= 1)).contains("must be its dual"));
    assert!(rejection(pairs(), 50, &with(|duals| duals.prices[0] = 0)).contains("for less"));

    let shared = build(2, &vec![(100, vec![(0, 10)]), (100, vec![(0, 10)])]);
    let twice = Assignment { columns: vec![Some(0), Some(0)], cost: 20 };
    let high = Duals { row_costs: vec![100, 100], prices: vec![90, 0] };
    assert!(verify_optimal(&shared, &twice, &high).unwrap_err().contains("second row"));
    let once = Assignment { columns: vec![Some(0), None], cost: 110 };
    assert_eq!(verify_optimal(&shared, &once, &high), Ok(()));
    let dear = Duals { row_costs: vec![100, 100], prices: vec![90, 1] };
    assert!(verify_optimal(&shared, &once, &dear).unwrap_err().contains("is free at the price 1"));
    let wrong = Assignment { columns: vec![Some(1), None], cost: 110 };
    assert!(verify_optimal(&shared, &wrong, &high).unwrap_err().contains("no edge"));
}

#[test]
fn policies_have_names_in_settings() {
    for (policy, name) in [(Policy::Nearest, "\"nearest\""), (Policy::Batch, "\"batch\"")] {
        assert_eq!(serde_json::to_string(&policy).unwrap(), name);
        assert_eq!(serde_json::from_str::<Policy>(name).unwrap(), policy);
    }
}

#[test]
fn an_instance_has_the_nearest_drivers_below_the_penalty() {
    let sparse = Instance { requests: 50, drivers: 10, candidates: 10, spread: Spread::Uniform, seed: 3 };
    let problem = sparse.problem();
    assert_eq!((problem.rows(), problem.columns()), (50, 10));
    assert!(problem.edge_count() < 500, "a city of 30 km is wider than 1800 s at 8 m/s");
    // With fewer candidates a request keeps its cheapest.
    let fewer = Instance { candidates: 3, ..sparse }.problem();
    for row in 0..50 {
        let costs = |problem: &Problem| problem.edges(row).iter().map(|edge| edge.cost).collect::<Vec<_>>();
        let all = costs(&problem);
        assert!(all.iter().all(|cost| *cost < PENALTY_S));
        assert_eq!(costs(&fewer), all[..all.len().min(3)]);
    }
    assert_ne!(problem, Instance { seed: 4, ..sparse }.problem());
    assert_eq!(solve_optimal(&problem, 1), solve_optimal(&sparse.problem(), 1));
}
