//! Settings of scenarios that had another name in release 0.1.0. An old name is refused, and the error gives the new one.

use super::error::ScenarioError;

/// Table, old key, new key.
const RENAMED: [(&str, &str, &str); 2] =
    [("riders", "whim", "random_cancel_rate"), ("drivers", "lapse", "offer_timeout_rate")];

/// Refuses a scenario with an old name. A text that is not TOML passes, because its parser describes that error better.
pub(super) fn check(text: &str) -> Result<(), ScenarioError> {
    let Ok(scenario) = text.parse::<toml::Table>() else { return Ok(()) };
    for (table, old, new) in RENAMED {
        if scenario.get(table).is_some_and(|settings| settings.get(old).is_some()) {
            let error = format!("{table}.{old}: no such setting: it was renamed to {table}.{new}");
            return Err(ScenarioError::Syntax(error));
        }
    }
    Ok(())
}
