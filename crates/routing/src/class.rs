//! What kind of road a street is: the drivable values of OpenStreetMap's `highway`, and how fast each is without a sign.

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

/// A class, its tag's value, and its speed in km/h where no limit is given: what a car does on it in a town when
/// nobody is in the way, not what the law would let it.
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
    /// All classes, the greatest roads first.
    pub fn all() -> impl ExactSizeIterator<Item = RoadClass> {
        TABLE.iter().map(|(class, ..)| *class)
    }

    /// The class of a `highway` value, if cars drive there. A link of a class that has none is of the class itself.
    pub fn from_tag(value: &str) -> Option<RoadClass> {
        let find = |name: &str| TABLE.iter().find(|(_, known, _)| *known == name).map(|(class, ..)| *class);
        find(value).or_else(|| find(value.strip_suffix("_link")?))
    }

    /// The tag's value.
    pub fn name(self) -> &'static str {
        TABLE[self as usize].1
    }

    /// Km/h where no limit is given.
    pub fn default_speed_kmh(self) -> f64 {
        TABLE[self as usize].2
    }

    /// The class with this number, as [`RoadClass`]'s `u8`.
    pub(crate) fn from_number(number: u8) -> Option<RoadClass> {
        TABLE.get(usize::from(number)).map(|(class, ..)| *class)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_stands_in_the_order_of_the_numbers() {
        for (number, class) in RoadClass::all().enumerate() {
            assert_eq!(class as usize, number);
            assert_eq!(RoadClass::from_number(number as u8), Some(class));
            assert_eq!(RoadClass::from_tag(class.name()), Some(class));
        }
        assert_eq!(RoadClass::from_number(15), None);
    }

    #[test]
    fn cars_do_not_drive_everywhere() {
        assert_eq!(RoadClass::from_tag("footway"), None);
        assert_eq!(RoadClass::from_tag("construction"), None);
        assert_eq!(RoadClass::from_tag("residential_link"), Some(Residential));
    }
}
