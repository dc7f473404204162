//! Every error survives the conversion to a status and back.

use std::sync::Arc;

use kerb_ports::{Error, ErrorCode, TripJournalError};
use kerb_proto::status::{error_of, status_of};
use kerb_trips::{MarketId, Version};
use kerb_types::{FieldError, NodeId};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn peer() -> NodeId {
    NodeId::new("index-1").unwrap()
}

#[test]
fn every_error_survives() {
    let errors = [
        (
            Code::InvalidArgument,
            Error::Invalid(vec![FieldError::new("k", "0"), FieldError::new("a.b[3]", "x")]),
        ),
        (Code::NotFound, Error::NotFound { what: "driver", id: "cab \u{1f695}".into() }),
        (Code::Aborted, Error::Superseded("a newer stream".into())),
        (Code::FailedPrecondition, Error::Mismatch("settings differ".into())),
        (Code::FailedPrecondition, Error::FailedPrecondition("trip world-17 is requested".into())),
        (Code::ResourceExhausted, Error::Overloaded { what: "drivers", limit: 7 }),
        (Code::DeadlineExceeded, Error::DeadlineExceeded("100 ms".into())),
        (Code::Unavailable, Error::Unavailable { node: NodeId::new("a").unwrap(), reason: "closed".into() }),
        (Code::Internal, Error::Internal("oh".into())),
    ];
    for (code, error) in errors {
        let status = status_of(&error);
        assert_eq!(status.code(), code);
        let back: Error = error_of(&status, &peer());
        match error {
            Error::Internal(_) => assert_eq!(back, Error::Internal("index-1 returned Internal: oh".into())),
            error => assert_eq!(back, error),
        }
    }
    let market = MarketId::new("world").unwrap();
    let conflict =
        TripJournalError::Conflict { market, expected: Version::new(u64::MAX), current: Version::new(7) };
    let status = status_of(&conflict);
    assert_eq!(status.code(), Code::Aborted);
    assert_eq!(error_of::<TripJournalError>(&status, &peer()), conflict);
}

/// A port receives only the codes of its contract: any other one is a fault of the peer.
#[test]
fn an_unnamed_code_becomes_internal() {
    let status = status_of(&Error::Superseded("a newer stream".into()));
    let error: TripJournalError = error_of(&status, &peer());
    assert_eq!(error, TripJournalError::Internal("a newer stream".into()));
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(!error.retryable());
}

#[test]
fn invalid_values_are_named_twice() {
    let status = status_of(&Error::from(FieldError::new("k", "0, must be 1 to 1000")));
    assert_eq!(status.message(), "k: 0, must be 1 to 1000");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!((&*violations[0].field, &*violations[0].description), ("k", "0, must be 1 to 1000"));
}

/// HTTP/2 peers reject large headers, so a status does not repeat a caller's megabyte.
#[test]
fn huge_errors_become_small_statuses() {
    let errors = (0..100).map(|i| FieldError::new(format!("f{i}"), "\u{e9}".repeat(100_000)));
    let status = status_of(&Error::Invalid(errors.collect()));
    assert!(status.message().len() <= 1_024);
    assert!(status.details().len() <= 8 * 1_024, "{}", status.details().len());
}

#[test]
fn a_lost_peer_is_unavailable() {
    let lost = Status::from_error(Box::new(std::io::Error::other("reset")));
    assert!(matches!(error_of(&lost, &peer()), Error::Unavailable { node, .. } if node == peer()));
    let timeout = Status::from_error(Box::new(tonic::TimeoutExpired(())));
    assert!(matches!(error_of(&timeout, &peer()), Error::DeadlineExceeded(_)));
    let mut broken = Status::internal("h2 protocol error");
    broken.set_source(Arc::new(std::io::Error::other("gone")));
    assert!(error_of::<Error>(&broken, &peer()).retryable());
}

#[test]
fn a_foreign_status_is_still_an_error() {
    for code in 1..17 {
        let error: Error = error_of(&Status::new(Code::from_i32(code), "no details"), &peer());
        assert!(!error.to_string().is_empty(), "{code}");
    }
    let error: Error = error_of(&Status::invalid_argument("bad"), &peer());
    assert_eq!(error, Error::from(FieldError::new("request", "bad")));
}
