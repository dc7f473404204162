//! The ids of drivers and riders towards the service.

use crate::agents::messages::{DriverNumber, RequestNumber};

/// The ids of one run: a prefix that is unique among the runs against one service, and the agents' numbers.
#[derive(Clone, Debug, Default)]
pub struct AgentIds {
    prefix: String,
}

impl AgentIds {
    /// Creates ids with this prefix, which may be empty.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// Returns the id of a driver.
    pub fn driver(&self, number: DriverNumber) -> String {
        format!("{}d{number}", self.prefix)
    }

    /// Returns the id of the rider of a request.
    pub fn rider(&self, request: RequestNumber) -> String {
        format!("{}r{request}", self.prefix)
    }

    /// Parses a driver id; `None` when it is not of this run.
    pub fn driver_of(&self, id: &str) -> Option<DriverNumber> {
        self.number(id, 'd').map(DriverNumber)
    }

    /// Parses a rider id; `None` when it is not of this run.
    pub fn request_of(&self, id: &str) -> Option<RequestNumber> {
        self.number(id, 'r').map(RequestNumber)
    }

    fn number(&self, id: &str, kind: char) -> Option<u32> {
        id.strip_prefix(&self.prefix)?.strip_prefix(kind)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_parse_back_and_other_ids_do_not() {
        let ids = AgentIds::new("run7-");
        let (driver, request) = (DriverNumber(12), RequestNumber(4_000_000_000));
        assert_eq!(ids.driver_of(&ids.driver(driver)), Some(driver));
        assert_eq!(ids.request_of(&ids.rider(request)), Some(request));
        assert_eq!(ids.driver_of(&ids.rider(RequestNumber(1))), None);
        assert_eq!(ids.driver_of(&AgentIds::new("run8-").driver(DriverNumber(1))), None);
        assert_eq!(ids.driver_of(&AgentIds::default().driver(DriverNumber(1))), None);
    }
}
