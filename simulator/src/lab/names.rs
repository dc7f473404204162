//! What drivers and riders are called towards the service.

use super::message::{DriverNumber, RequestNumber};

/// Names of one run: a prefix that tells it from other runs against the same service, and the numbers.
#[derive(Clone, Debug, Default)]
pub struct Names {
    prefix: String,
}

impl Names {
    /// With this prefix; empty for none.
    pub fn new(prefix: impl Into<String>) -> Self {
        Self { prefix: prefix.into() }
    }

    /// A driver's id.
    pub fn driver(&self, number: DriverNumber) -> String {
        format!("{}d{number}", self.prefix)
    }

    /// The id of the rider of a request.
    pub fn rider(&self, request: RequestNumber) -> String {
        format!("{}r{request}", self.prefix)
    }

    /// The driver of this id; `None` for somebody else's.
    pub fn driver_of(&self, id: &str) -> Option<DriverNumber> {
        self.number(id, 'd')
    }

    /// The request of the rider of this id; `None` for somebody else's.
    pub fn request_of(&self, id: &str) -> Option<RequestNumber> {
        self.number(id, 'r')
    }

    fn number(&self, id: &str, kind: char) -> Option<u32> {
        id.strip_prefix(&self.prefix)?.strip_prefix(kind)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_be_read_back_and_others_are_not_ours() {
        let names = Names::new("run7-");
        assert_eq!(names.driver_of(&names.driver(12)), Some(12));
        assert_eq!(names.request_of(&names.rider(4_000_000_000)), Some(4_000_000_000));
        assert_eq!(names.driver_of(&names.rider(1)), None);
        assert_eq!(names.driver_of(&Names::new("run8-").driver(1)), None);
        assert_eq!(names.driver_of(&Names::default().driver(1)), None);
    }
}
