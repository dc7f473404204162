//! Ids of trips, markets, riders and requests.

use kerb_trips::{IdempotencyKey, MarketId, RiderId, TripId};
use kerb_types::DriverId;

#[test]
fn a_trip_id_is_its_market_and_its_number() {
    for text in ["world-17", "san-francisco-0", "a.b_c-18446744073709551615"] {
        let id: TripId = text.parse().unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(serde_json::to_string(&id).unwrap(), format!("{text:?}"));
        assert_eq!(serde_json::from_str::<TripId>(&format!("{text:?}")).unwrap(), id);
    }
}

#[test]
fn an_invalid_trip_id_is_rejected_by_name() {
    let many = format!("{}-1", "n".repeat(33));
    let bad = [
        "",
        "world",
        "world-",
        "-17",
        "world-+17",
        "world-017",
        "world-1.5",
        "a b-1",
        "w-18446744073709551616",
        &many,
    ];
    for text in bad {
        let error = text.parse::<TripId>().unwrap_err();
        assert_eq!(error.field, "trip_id");
        let expected = format!("{text:?}, must be a market's name, '-' and a number, as in \"world-17\"");
        assert_eq!(error.description, expected);
        assert!(serde_json::from_str::<TripId>(&format!("{text:?}")).is_err());
    }
}

#[test]
fn ids_are_validated_when_they_are_parsed() {
    let long = "x".repeat(65);
    assert_eq!(RiderId::new(&long).unwrap_err().to_string(), "rider_id: 65 bytes, must be 1 to 64");
    assert_eq!(IdempotencyKey::new("").unwrap_err().to_string(), "idempotency_key: 0 bytes, must be 1 to 64");
    assert!(MarketId::new("a b").unwrap_err().to_string().starts_with("market: \"a b\", must be 1 to 32 "));
    let text = format!("{long:?}");
    assert!(serde_json::from_str::<RiderId>(&text).is_err());
    assert!(serde_json::from_str::<IdempotencyKey>(&text).is_err());
    assert!(serde_json::from_str::<DriverId>(&text).is_err());
    assert!(serde_json::from_str::<MarketId>("\"a b\"").is_err());
    assert_eq!(serde_json::from_str::<DriverId>("\"cab \\u00e9\"").unwrap().as_str(), "cab \u{e9}");
}
