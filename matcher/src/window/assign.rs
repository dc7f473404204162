//! The assignment of a window whose en-route trips stay as they are.

use kerb_assignment::{ProblemBuilder, solve};
use kerb_ports::{Leg, TravelTimeTable};

use crate::market::Proposal;
use crate::window::candidates::{Candidates, eta_of};
use crate::window::match_outcome::MatchOutcome;
use crate::window::penalties::Penalties;
use crate::window::pending_request::PendingRequest;
use crate::window::rules::WindowRules;

/// Assigns drivers to requests. `table` has the travel times of the candidates' legs.
pub fn assign(
    requests: &[PendingRequest],
    candidates: &Candidates,
    table: &TravelTimeTable,
    rules: &WindowRules,
) -> MatchOutcome {
    let legs = &candidates.table.legs;
    assert_eq!(legs.len(), table.seconds.len(), "one travel time for each leg");
    let mut builder = ProblemBuilder::with_capacity(requests.len(), candidates.drivers.len(), legs.len());
    let penalties = Penalties::new(requests, legs, table, rules, |_| true);
    let mut timed = legs.iter().zip(&table.seconds).peekable();
    for (row, (request, penalty)) in (0..).zip(requests.iter().zip(&penalties.of_rows)) {
        builder.begin_row(*penalty);
        let limit_s = request.pickup_limit_s(rules);
        while let Some((leg, seconds)) = timed.next_if(|(leg, _)| leg.destination == row) {
            if *seconds <= limit_s {
                builder.edge(leg.origin, *seconds);
            }
        }
    }
    let problem = builder.build().expect("drivers are numbered and penalties are cut to their maximum");
    let assignment = solve(rules.policy, &problem, rules.threads);
    let mut outcome = MatchOutcome {
        requests: requests.len() as u32,
        served_overdue: penalties.overdue_row.is_some(),
        pairs: u32::try_from(problem.edge_count()).unwrap_or(u32::MAX),
        ..MatchOutcome::default()
    };
    for (row, (request, column)) in (0..).zip(requests.iter().zip(assignment.columns)) {
        let Some(column) = column else {
            outcome.unmatched.push(request.trip.clone());
            continue;
        };
        let eta = eta_of(legs, table, Leg { origin: column, destination: row });
        outcome.proposals.push(Proposal {
            trip: request.trip.clone(),
            driver: candidates.drivers[column as usize].clone(),
            pickup_eta_s: eta.time_s,
            travel_source: eta.source,
        });
    }
    outcome
}
