//! Driver and node ids, the catalog, and the order of update versions.

use kerb_types::{Catalog, ClassSeats, DriverId, NodeId, Timestamp, UpdateVersion};

#[test]
fn a_driver_id_has_1_to_64_bytes() {
    assert!(DriverId::new(&"x".repeat(64)).is_ok());
    let error = DriverId::new(&"x".repeat(65)).unwrap_err();
    assert_eq!(error.to_string(), "driver_id: 65 bytes, must be 1 to 64");
    assert_eq!(DriverId::new("").unwrap_err().to_string(), "driver_id: 0 bytes, must be 1 to 64");
    // Bytes count, not characters: 22 of three bytes each.
    assert!(DriverId::new(&"道".repeat(22)).is_err());
}

#[test]
fn a_node_id_is_a_plain_name() {
    assert!(NodeId::new("index-1.eu_west").is_ok());
    for bad in ["", "a b", "a/b", &"n".repeat(33)] {
        assert!(NodeId::new(bad).unwrap_err().to_string().starts_with("node_id: "), "{bad:?}");
    }
}

#[test]
fn a_catalog_maps_names_to_numbers_and_back() {
    let catalog = Catalog::default();
    let set = catalog.capabilities(&["pets", "wheelchair"]).unwrap();
    assert_eq!(catalog.capability_names(set).collect::<Vec<_>>(), ["wheelchair", "pets"]);
    let xl = catalog.vehicle_class("xl").unwrap();
    assert_eq!(catalog.vehicle_class_name(xl), "xl");
    let error = catalog.capabilities(&["pets", "jacuzzi"]).unwrap_err();
    assert_eq!(error.field, "capabilities");
    assert!(error.description.starts_with("\"jacuzzi\", must be one of wheelchair, "));
}

#[test]
fn a_catalog_rejects_lists_that_the_index_cannot_hold() {
    let names = |n: usize| (0..n).map(|i| format!("n{i}")).collect::<Vec<_>>();
    assert!(Catalog::new(names(64), names(16)).is_ok());
    assert_eq!(Catalog::new(names(65), vec![]).unwrap_err().field, "vehicle_classes");
    assert_eq!(Catalog::new(vec![], vec![]).unwrap_err().field, "vehicle_classes");
    assert_eq!(Catalog::new(names(1), names(17)).unwrap_err().field, "capabilities");
    let twice = vec!["van".to_owned(), "van".to_owned()];
    assert_eq!(Catalog::new(twice, vec![]).unwrap_err().description, "\"van\" stands twice");
}

#[test]
fn sequence_decides_before_time() {
    let update_version =
        |sequence, time_ms| UpdateVersion { sequence, time: Timestamp::from_millis(time_ms) };
    assert!(update_version(2, 10) > update_version(1, 20));
    assert!(update_version(2, 20) > update_version(2, 10));
    assert!(update_version(0, 20) > update_version(0, 10));
}

#[test]
fn an_operator_sets_the_seats_of_a_class() {
    let seats = |vehicle_class: &str, seats| ClassSeats { vehicle_class: vehicle_class.to_owned(), seats };
    let catalog = Catalog::default().with_seats(&[seats("xl", 7)]).unwrap();
    let of = |name| catalog.seats(catalog.vehicle_class(name).unwrap());
    assert_eq!([of("standard"), of("xl")], [4, 7]);
    let none = Catalog::default().with_seats(&[seats("xl", 7), seats("van", 0)]).unwrap_err();
    assert_eq!(none.to_string(), "seats[1].seats: 0, must be 1 to 255");
    let unknown = Catalog::default().with_seats(&[seats("rocket", 3)]).unwrap_err();
    assert_eq!(unknown.field, "seats[0].vehicle_class");
}
