//! The roles of a node.

use kerb_types::Role;

/// The roles of `kerb serve`.
pub const ALL_ROLES: [Role; 4] = [Role::LocationIngest, Role::IndexServer, Role::Aggregator, Role::Matcher];

/// Returns the names of roles, separated by commas.
pub(crate) fn names(roles: &[Role]) -> String {
    roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(", ")
}
