//! Road classes: the drivable values of OpenStreetMap's `highway` tag, and their default speeds.

/// A drivable value of the `highway` tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the tag's value of the same name, defined by OpenStreetMap")]
pub enum RoadClass {
    Motorway,
    MotorwayLink,
    Trunk,
    TrunkLink,
    Primary,
    PrimaryLink,
    Secondary,
    SecondaryLink,
    Tertiary,
    TertiaryLink,
    Unclassified,
    Residential,
    LivingStreet,
    Service,
    Road,
}

use RoadClass::{
    LivingStreet, Motorway, MotorwayLink, Primary, PrimaryLink, Residential, Road, Secondary, SecondaryLink,
    Service, Tertiary, TertiaryLink, Trunk, TrunkLink, Unclassified,
};

/// Each class, its tag's value, and its default speed in km/h: the speed of a car in a town at free flow, which may be
/// below the legal limit.
const TABLE: [(RoadClass, &str, f64); 15] = [
    (Motorway, "motorway", 110.0),
    (MotorwayLink, "motorway_link", 60.0),
    (Trunk, "trunk", 90.0),
    (TrunkLink, "trunk_link", 50.0),
    (Primary, "primary", 60.0),
    (PrimaryLink, "primary_link", 40.0),
    (Secondary, "secondary", 50.0),
    (SecondaryLink, "secondary_link", 40.0),
    (Tertiary, "tertiary", 40.0),
    (TertiaryLink, "tertiary_link", 30.0),
    (Unclassified, "unclassified", 40.0),
    (Residential, "residential", 30.0),
    (LivingStreet, "living_street", 10.0),
    (Service, "service", 15.0),
    (Road, "road", 30.0),
];

impl RoadClass {
    /// All classes, the most important first.
    pub fn all() -> impl ExactSizeIterator<Item = RoadClass> {
        TABLE.iter().map(|(class, ..)| *class)
    }

    /// The class of a `highway` value; `None` if cars do not drive there. A `_link` value without a class of its own
    /// belongs to the class of its road.
    pub fn from_tag(value: &str) -> Option<RoadClass> {
        let find = |name: &str| TABLE.iter().find(|(_, known, _)| *known == name).map(|(class, ..)| *class);
        find(value).or_else(|| find(value.strip_suffix("_link")?))
    }

    /// The value of the `highway` tag.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// The speed in km/h where no limit is known.
    pub fn default_speed_kmh(self) -> f64 {
        TABLE[self as usize].2
    }

    /// Decodes `class as u8`; `None` when no class has this number.
    pub(crate) fn from_number(number: u8) -> Option<RoadClass> {
        TABLE.get(usize::from(number)).map(|(class, ..)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_is_in_order_of_numbers() {
        for (number, class) in RoadClass::all().enumerate() {
            assert_eq!(class as usize, number);
            assert_eq!(RoadClass::from_number(number as u8), Some(class));
            assert_eq!(RoadClass::from_tag(class.name()), Some(class));
        }
        assert_eq!(RoadClass::from_number(15), None);
    }

    #[test]
    fn highway_values_without_cars_have_no_class() {
        assert_eq!(RoadClass::from_tag("footway"), None);
        assert_eq!(RoadClass::from_tag("construction"), None);
        assert_eq!(RoadClass::from_tag("residential_link"), Some(Residential));
    }
}
