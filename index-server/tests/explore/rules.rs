//! Shows that each rule is needed: with the rule undone, some execution returns a wrong answer.

use kerb_index_server::explore::Rule;

use crate::scenario::{changes, crowd, merges, moves, newcomers, resync, splits, steps};
use crate::seeds;
use crate::world::{Scenario, execute};

/// Executions after which a rule counts as not needed.
const ITERATIONS_MAX: u64 = 40_000;

fn is_needed(rule: Rule, scenarios: &[fn() -> Scenario]) {
    let scenarios: Vec<_> = scenarios.iter().map(|scenario| scenario()).collect();
    let seeds = seeds(ITERATIONS_MAX);
    let first = seeds.start;
    for seed in first..first + ITERATIONS_MAX {
        for scenario in &scenarios {
            if let Some(error) = execute(scenario, seed, Some(rule)) {
                println!("{rule:?} undone, after {} executions: {error}", seed - first + 1);
                return;
            }
        }
    }
    panic!("no wrong answer was found with {rule:?} undone");
}

macro_rules! needed {
    ($($name:ident: $rule:ident by $($scenario:ident),+;)*) => {
        $(#[test]
        fn $name() {
            is_needed(Rule::$rule, &[$($scenario),+]);
        })*
    };
}

needed! {
    pages_wait_for_searches: ReclaimAfterSearches by splits, merges;
    records_wait_for_searches: ReclaimAfterSearches by newcomers;
    a_search_announces_itself_before_it_reads: FenceAfterPin by splits, merges;
    entries_are_stored_before_the_link: EntriesBeforeLink by splits;
    the_record_leads_to_the_new_entry_before_the_old_is_cleared: RecordBeforeOldEntry by moves;
    a_move_is_logged_before_it_begins: LogBeforeMove by moves;
    a_move_is_settled_after_it_is_over: SettleAfterMove by moves;
    the_log_needs_its_fences: LogFences by changes;
    a_driver_that_fills_a_gap_is_logged: LogChainMove by crowd;
    a_move_within_a_leaf_is_one_store: OneStoreWithinLeaf by steps;
    a_version_is_odd_while_its_record_changes: OddVersion by steps, moves;
    the_version_needs_its_fences: VersionFences by steps, moves;
    summaries_come_before_entries: SummaryBeforeEntry by changes;
    coverage_is_read_again: CoverAfterSearch by resync;
}
