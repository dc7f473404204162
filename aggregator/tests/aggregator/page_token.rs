use kerb_aggregator::page_token::{decode, encode, fingerprint};
use kerb_ports::Cursor;
use kerb_proto::v1::FindNearbyRequest;
use kerb_types::DriverId;
use proptest::prelude::*;

fn cursor(hav: f64, id: &str) -> Cursor {
    Cursor { hav, id: DriverId::new(id).unwrap() }
}

proptest! {
    #[test]
    fn a_token_brings_back_its_cursor(hav in 0.0_f64..=1.0, id in "\\PC{1,16}", bound_to in any::<u64>()) {
        let cursor = cursor(hav, &id);
        prop_assert_eq!(decode(&encode(bound_to, &cursor), bound_to), Ok(cursor));
    }

    #[test]
    fn any_other_text_is_refused(text in "\\PC{1,200}") {
        prop_assert!(decode(&text, 0).is_err());
    }

    #[test]
    fn a_changed_digit_is_noticed(at in 0_usize..48, by in 1_u32..16) {
        let token = encode(7, &cursor(0.5, "cab"));
        let mut digits: Vec<char> = token.chars().collect();
        let at = at % digits.len();
        digits[at] = char::from_digit((digits[at].to_digit(16).unwrap() + by) % 16, 16).unwrap();
        let changed: String = digits.into_iter().collect();
        prop_assert!(decode(&changed, 7).is_err());
    }
}

#[test]
fn the_fingerprint_depends_on_the_request_but_not_on_its_token() {
    let request = FindNearbyRequest { page_size: 10, ..FindNearbyRequest::default() };
    let next = FindNearbyRequest { page_token: "abc".to_owned(), ..request.clone() };
    assert_eq!(fingerprint(&request), fingerprint(&next));
    let other = FindNearbyRequest { page_size: 11, ..request.clone() };
    assert_ne!(fingerprint(&request), fingerprint(&other));
    let token = encode(fingerprint(&request), &cursor(0.1, "cab"));
    let error = decode(&token, fingerprint(&other)).unwrap_err();
    assert_eq!(error.to_string(), "page_token: of another request, must come with everything else unchanged");
}
