//! The vehicle classes and capabilities of a fleet: names on the wire and in settings, numbers in memory.

use serde::{Deserialize, Serialize};

use crate::field_error::FieldError;
use crate::id::check_name;
use crate::limits::{CAPABILITIES_MAX, VEHICLE_CLASSES_MAX};

/// A vehicle class, as its number in the catalog, below [`VEHICLE_CLASSES_MAX`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct VehicleClass(pub u8);

/// A set of capabilities: bit i stands for capability number i of the catalog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Capabilities(pub u16);

impl Capabilities {
    /// Whether all of `wanted` are in this set.
    pub fn contains_all(self, wanted: Self) -> bool {
        self.0 & wanted.0 == wanted.0
    }
}

/// The lists of names. The position of a name is its number, so the lists are equal in all processes of a cluster.
///
/// ```
/// use kerb_types::{Catalog, VehicleClass};
/// let catalog = Catalog::default();
/// assert_eq!(catalog.vehicle_class("standard").unwrap(), VehicleClass(0));
/// assert!(catalog.vehicle_class("rocket").unwrap_err().description.contains("standard"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Catalog {
    vehicle_classes: Vec<String>,
    capabilities: Vec<String>,
    /// Seats for riders of each class, in the order of the classes.
    seats: Vec<u8>,
}

/// The seats for riders of one class, as an operator sets them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClassSeats {
    /// The name of the class.
    pub vehicle_class: String,
    /// The number of riders that a vehicle of the class takes, at least 1.
    pub seats: u8,
}

/// Seats for riders of the classes that the default catalog names.
const SEATS: [(&str, u8); 8] = [
    ("standard", 4),
    ("comfort", 4),
    ("premium", 4),
    ("xl", 6),
    ("van", 8),
    ("truck", 2),
    ("motorbike", 1),
    ("bicycle", 1),
];

impl Default for Catalog {
    fn default() -> Self {
        let names = |list: &[&str]| list.iter().map(ToString::to_string).collect();
        Self {
            vehicle_classes: SEATS.map(|(name, _)| name.to_owned()).to_vec(),
            capabilities: names(&["wheelchair", "child_seat", "pets", "cash", "refrigerated", "heavy_load"]),
            seats: SEATS.map(|(_, seats)| seats).to_vec(),
        }
    }
}

impl Catalog {
    /// Validates the operator's lists: each name is legal, no name is repeated, and the number of names is in range.
    pub fn new(vehicle_classes: Vec<String>, capabilities: Vec<String>) -> Result<Self, FieldError> {
        check_list("vehicle_classes", &vehicle_classes, 1, VEHICLE_CLASSES_MAX)?;
        check_list("capabilities", &capabilities, 0, CAPABILITIES_MAX)?;
        let seats = vehicle_classes.iter().map(|name| default_seats(name)).collect();
        Ok(Self { vehicle_classes, capabilities, seats })
    }

    /// Sets the seats for riders of some classes. Each class must be in the catalog, and have a seat.
    pub fn with_seats(mut self, list: &[ClassSeats]) -> Result<Self, FieldError> {
        for (index, ClassSeats { vehicle_class, seats }) in list.iter().enumerate() {
            let within = |error: FieldError| error.within(format_args!("seats[{index}]"));
            let class = self.vehicle_class(vehicle_class).map_err(within)?;
            if *seats == 0 {
                return Err(within(FieldError::new("seats", "0, must be 1 to 255")));
            }
            self.seats[usize::from(class.0)] = *seats;
        }
        Ok(self)
    }

    /// Returns the number of riders that a vehicle of the class takes; [`u8::MAX`] for a number outside the list.
    pub fn seats(&self, class: VehicleClass) -> u8 {
        self.seats.get(usize::from(class.0)).copied().unwrap_or(u8::MAX)
    }

    /// Returns the class with this name. The error lists all names.
    pub fn vehicle_class(&self, name: &str) -> Result<VehicleClass, FieldError> {
        number("vehicle_class", name, &self.vehicle_classes).map(|n| {
            // The list has at most `VEHICLE_CLASSES_MAX` names, which is 64.
            VehicleClass(n as u8)
        })
    }

    /// Returns the set of the capabilities with these names.
    pub fn capabilities<S: AsRef<str>>(&self, names: &[S]) -> Result<Capabilities, FieldError> {
        let mut set = 0;
        for name in names {
            set |= 1 << number("capabilities", name.as_ref(), &self.capabilities)?;
        }
        Ok(Capabilities(set))
    }

    /// Returns the name of a class; empty for a number outside the list.
    pub fn vehicle_class_name(&self, class: VehicleClass) -> &str {
        self.vehicle_classes.get(usize::from(class.0)).map_or("", String::as_str)
    }

    /// Returns the names of a set, in the order of the list.
    pub fn capability_names(&self, set: Capabilities) -> impl Iterator<Item = &str> {
        self.capabilities
            .iter()
            .enumerate()
            .filter(move |(i, _)| set.0 >> i & 1 == 1)
            .map(|(_, name)| name.as_str())
    }

    /// Returns the names of all vehicle classes.
    pub fn vehicle_classes(&self) -> &[String] {
        &self.vehicle_classes
    }

    /// Returns the names of all capabilities.
    pub fn all_capabilities(&self) -> &[String] {
        &self.capabilities
    }
}

/// Returns the seats of a class by its name. A class that the default catalog does not name has no limit.
fn default_seats(name: &str) -> u8 {
    SEATS.iter().find(|(known, _)| *known == name).map_or(u8::MAX, |(_, seats)| *seats)
}

fn check_list(field: &'static str, names: &[String], min: usize, max: usize) -> Result<(), FieldError> {
    if names.len() < min || names.len() > max {
        return Err(FieldError::new(field, format!("{} names, must be {min} to {max}", names.len())));
    }
    for (i, name) in names.iter().enumerate() {
        check_name(field, name)?;
        if names[..i].contains(name) {
            return Err(FieldError::new(field, format!("{name:?} stands twice")));
        }
    }
    Ok(())
}

fn number(field: &'static str, name: &str, names: &[String]) -> Result<usize, FieldError> {
    names
        .iter()
        .position(|n| n == name)
        .ok_or_else(|| FieldError::new(field, format!("{name:?}, must be one of {}", names.join(", "))))
}
