//! Every error survives the conversion to a status and back.

use std::sync::Arc;

use kerb_ports::{
    DriverChannelError, DriverEventsError, DriverLookupError, ErrorCode, Failure, FromFailure,
    IndexAdminError, NearbySearchError, ReplicationError, ShardSearchError, TripJournalError,
};
use kerb_proto::status::{error_of, status_of};
use kerb_trips::{MarketId, Version};
use kerb_types::{FieldError, NodeId};
use tonic::{Code, Status};
use tonic_types::StatusExt;

fn peer() -> NodeId {
    NodeId::new("index-1").unwrap()
}

/// One failure of each code, with its status.
fn failures() -> [(Code, Failure); 10] {
    let fields = [FieldError::new("k", "0"), FieldError::new("a.b[3]", "x")];
    let (world, newest) = (MarketId::new("world").unwrap(), Version::new(7));
    let conflict = kerb_ports::trip_journal::conflict(&world, Version::MAX, newest);
    let message = Failure::message;
    [
        (Code::InvalidArgument, Failure::invalid(&fields)),
        (Code::NotFound, Failure::not_found("driver", "cab \u{1f695}")),
        (Code::Aborted, message(ErrorCode::Superseded, "a newer stream")),
        (Code::Aborted, conflict),
        (Code::FailedPrecondition, message(ErrorCode::Mismatch, "settings differ")),
        (Code::FailedPrecondition, message(ErrorCode::FailedPrecondition, "trip world-17 is requested")),
        (Code::ResourceExhausted, Failure::overloaded("drivers", 7)),
        (Code::DeadlineExceeded, message(ErrorCode::DeadlineExceeded, "100 ms")),
        (Code::Unavailable, Failure::unavailable(&NodeId::new("a").unwrap(), "closed")),
        (Code::Internal, message(ErrorCode::Internal, "oh")),
    ]
}

/// Converts each failure to the port's enum, to a status and back. Returns the codes that the enum has.
fn codes_after_the_wire<E: FromFailure + PartialEq + std::fmt::Debug>() -> Vec<ErrorCode> {
    let mut codes = Vec::new();
    for (code, failure) in failures() {
        let error = E::from_failure(failure.clone());
        if error.code() != failure.code {
            // The port's contract does not name the code.
            assert_eq!(error.failure(), Failure::message(ErrorCode::Internal, &failure.message));
            continue;
        }
        assert_eq!(error.failure(), failure);
        let status = status_of(&error);
        assert_eq!(status.code(), code);
        let back: E = error_of(&status, &peer());
        match failure.code {
            ErrorCode::Internal => assert_eq!(back.to_string(), "internal: index-1 returned Internal: oh"),
            _ => assert_eq!(back, error),
        }
        codes.push(back.code());
    }
    codes
}

/// The table names every port whose calls can fail, with the codes of its contract.
#[test]
fn every_variant_of_every_port_survives() {
    use ErrorCode::{
        Conflict, DeadlineExceeded, FailedPrecondition, Internal, Invalid, Mismatch, NotFound, Overloaded,
        Superseded, Unavailable,
    };
    let remote = [Invalid, Mismatch, DeadlineExceeded, Unavailable, Internal];
    assert_eq!(codes_after_the_wire::<DriverChannelError>(), remote);
    assert_eq!(codes_after_the_wire::<DriverLookupError>(), remote);
    assert_eq!(
        codes_after_the_wire::<DriverEventsError>(),
        [
            Invalid,
            NotFound,
            Mismatch,
            FailedPrecondition,
            Overloaded,
            DeadlineExceeded,
            Unavailable,
            Internal
        ]
    );
    assert_eq!(codes_after_the_wire::<NearbySearchError>(), [Invalid, DeadlineExceeded, Internal]);
    assert_eq!(
        codes_after_the_wire::<IndexAdminError>(),
        [Invalid, Mismatch, Overloaded, DeadlineExceeded, Unavailable, Internal]
    );
    assert_eq!(
        codes_after_the_wire::<ReplicationError>(),
        [Invalid, Superseded, Mismatch, Overloaded, DeadlineExceeded, Unavailable, Internal]
    );
    assert_eq!(
        codes_after_the_wire::<ShardSearchError>(),
        [Invalid, Mismatch, Overloaded, DeadlineExceeded, Unavailable, Internal]
    );
    assert_eq!(
        codes_after_the_wire::<TripJournalError>(),
        [Invalid, Conflict, Overloaded, DeadlineExceeded, Unavailable, Internal]
    );
}

/// A port receives only the codes of its contract: any other one is a fault of the peer.
#[test]
fn an_unnamed_code_becomes_internal() {
    let status = status_of(&ReplicationError::Superseded("a newer stream".into()));
    let error: TripJournalError = error_of(&status, &peer());
    assert_eq!(error, TripJournalError::Internal("a newer stream".into()));
    assert_eq!(error.code(), ErrorCode::Internal);
    assert!(!error.retryable());
}

#[test]
fn invalid_values_are_named_twice() {
    let status = status_of(&FieldError::new("k", "0, must be 1 to 1000"));
    assert_eq!(status.message(), "k: 0, must be 1 to 1000");
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!((&*violations[0].field, &*violations[0].description), ("k", "0, must be 1 to 1000"));
}

/// HTTP/2 peers reject large headers, so a status does not repeat a caller's megabyte.
#[test]
fn huge_errors_become_small_statuses() {
    let errors = (0..100).map(|i| FieldError::new(format!("f{i}"), "\u{e9}".repeat(100_000)));
    let status = status_of(&ShardSearchError::Invalid(errors.collect()));
    assert!(status.message().len() <= 1_024);
    assert!(status.details().len() <= 8 * 1_024, "{}", status.details().len());
}

#[test]
fn a_lost_peer_is_unavailable() {
    let lost = Status::from_error(Box::new(std::io::Error::other("reset")));
    assert!(matches!(error_of(&lost, &peer()), ShardSearchError::Unavailable { node, .. } if node == peer()));
    let timeout = Status::from_error(Box::new(tonic::TimeoutExpired(())));
    assert!(matches!(error_of(&timeout, &peer()), ShardSearchError::DeadlineExceeded(_)));
    let mut broken = Status::internal("h2 protocol error");
    broken.set_source(Arc::new(std::io::Error::other("gone")));
    assert!(error_of::<ShardSearchError>(&broken, &peer()).retryable());
}

#[test]
fn a_foreign_status_is_still_an_error() {
    for code in 1..17 {
        let error: Failure = error_of(&Status::new(Code::from_i32(code), "no details"), &peer());
        assert!(!error.to_string().is_empty(), "{code}");
    }
    let error: Failure = error_of(&Status::invalid_argument("bad"), &peer());
    assert_eq!(error, Failure::invalid(&[FieldError::new("request", "bad")]));
}
