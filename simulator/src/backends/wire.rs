//! Conversions between the agents' messages and the wire's.

use kerb_geometry::LatLng;
use kerb_loadgen::query::{lat_lng, position};
use kerb_proto::convert::trip_state;
use kerb_proto::v1;
use kerb_proto::v1::connect_response::Message;
use kerb_types::DriverStatus;
use tonic::{Code, Status};

use crate::agents::agent_ids::AgentIds;
use crate::agents::messages::{ActionOutcome, AgentEvent, DriverAction, DriverNumber, RequestNumber};
use crate::checkers::position_log::PositionReport;
use crate::run::service::ServiceEvent;

/// Converts a message of a driver's stream; `None` for one that is not about a trip.
pub(super) fn driver_event(driver: DriverNumber, message: Message) -> Option<ServiceEvent> {
    let event = match message {
        Message::Assignment(assignment) => {
            let state = trip_state(assignment.state);
            match (state, position(assignment.pickup), position(assignment.dropoff)) {
                (Ok(state), Some(pickup), Some(dropoff)) => {
                    let eta_s = Some(assignment.pickup_eta_s);
                    AgentEvent::Assignment { driver, trip: assignment.trip_id, state, pickup, dropoff, eta_s }
                }
                _ => {
                    return Some(ServiceEvent::Fault(format!(
                        "driver {driver} got an incomplete assignment: {assignment:?}"
                    )));
                }
            }
        }
        Message::Ended(ended) => AgentEvent::TripEnded { driver, trip: ended.trip_id },
        Message::Result(result) => return Some(action_result(driver, result)),
        _ => return None,
    };
    Some(ServiceEvent::Agent(event))
}

/// Converts the result of a driver's action.
pub(super) fn action_result(driver: DriverNumber, result: v1::ActionResult) -> ServiceEvent {
    let Some(action) = DriverAction::from_result(&result) else {
        return ServiceEvent::Fault(format!("driver {driver} got a result of an unknown action: {result:?}"));
    };
    let outcome = action_outcome(Code::from_i32(result.code));
    ServiceEvent::Agent(AgentEvent::ActionResult { driver, trip: result.trip_id, action, outcome })
}

/// Converts a status code: a call with a transient error is repeated.
pub(super) fn action_outcome(code: Code) -> ActionOutcome {
    match code {
        Code::Ok => ActionOutcome::Applied,
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::DeadlineExceeded
        | Code::Unknown
        | Code::Cancelled => ActionOutcome::Retry,
        _ => ActionOutcome::Rejected,
    }
}

/// Builds a rider's request. `wait_max_ms` is of the service's time.
pub(super) fn ride_request(
    ids: &AgentIds,
    number: RequestNumber,
    (pickup, dropoff): (LatLng, LatLng),
    (party_size, vehicle_class): (u32, String),
    wait_max_ms: u32,
) -> v1::RequestRideRequest {
    let rider_id = ids.rider(number);
    v1::RequestRideRequest {
        idempotency_key: rider_id.clone(),
        rider_id,
        pickup: Some(lat_lng(pickup)),
        dropoff: Some(lat_lng(dropoff)),
        vehicle_class,
        party_size,
        wait_max_ms,
        ..v1::RequestRideRequest::default()
    }
}

/// Returns the events of an acknowledged request. The trip's first event may have arrived before them.
pub(super) fn request_acknowledged(request: RequestNumber, trip: String) -> [ServiceEvent; 2] {
    let acknowledged = ServiceEvent::RequestAcknowledged { request, trip: trip.clone() };
    [acknowledged, ServiceEvent::Agent(AgentEvent::RequestAccepted { request, trip })]
}

/// Converts the error of a request to an event for its rider.
pub(super) fn request_rejected(request: RequestNumber, status: &Status) -> ServiceEvent {
    let reason = format!("{:?}: {}", status.code(), status.message());
    ServiceEvent::Agent(AgentEvent::RequestRejected { request, reason })
}

/// Builds the columns of a gateway's message. The handle of a driver is its number.
pub(super) fn position_columns(reports: &[PositionReport]) -> v1::ReportPositionsRequest {
    let base_time_ms = reports.iter().map(|report| report.time_ms).min().unwrap_or(0);
    let mut columns = v1::PositionColumns { base_time_ms, ..v1::PositionColumns::default() };
    for report in reports {
        columns.handle.push(report.driver.0);
        columns.latitude_e7.push(report.position.lat_e7());
        columns.longitude_e7.push(report.position.lon_e7());
        columns.sequence.push(report.sequence);
        columns.time_offset_ms.push((report.time_ms - base_time_ms) as u32);
        columns.heading_cdeg.push(heading_cdeg(report.heading_deg));
        columns.speed_cmps.push((report.speed_mps.max(0.0) * 100.0).round() as u32);
        columns.status.push(status_number(report.status));
    }
    v1::ReportPositionsRequest { drivers: Vec::new(), positions: Some(columns) }
}

/// Builds the position update of a driver's own stream.
pub(super) fn position_update(report: &PositionReport) -> v1::PositionUpdate {
    v1::PositionUpdate {
        sequence: report.sequence,
        time_ms: report.time_ms,
        latitude_deg: report.position.lat_deg(),
        longitude_deg: report.position.lon_deg(),
        heading_deg: Some(f64::from(heading_cdeg(report.heading_deg)) as f32 / 100.0),
        speed_mps: Some(report.speed_mps.max(0.0) as f32),
        status: status_number(report.status),
        ..v1::PositionUpdate::default()
    }
}

fn heading_cdeg(heading_deg: f64) -> u32 {
    // Rounding can give a full turn, which is 0.
    (heading_deg.rem_euclid(360.0) * 100.0).round() as u32 % 36_000
}

fn status_number(status: DriverStatus) -> i32 {
    i32::from(status as u8)
}

#[cfg(test)]
mod tests {
    use kerb_proto::convert::action_name;

    use super::*;

    #[test]
    fn the_name_in_a_result_identifies_the_action() {
        let driver = DriverNumber(3);
        for (action, code, outcome) in [
            (DriverAction::Accept, Code::Ok, ActionOutcome::Applied),
            (DriverAction::Decline, Code::FailedPrecondition, ActionOutcome::Rejected),
            (DriverAction::Arrive, Code::Unavailable, ActionOutcome::Retry),
            (DriverAction::PickUp, Code::NotFound, ActionOutcome::Rejected),
            (DriverAction::DropOff, Code::DeadlineExceeded, ActionOutcome::Retry),
        ] {
            let name = action_name(&action.to_wire("t".to_owned())).to_owned();
            let result = v1::ActionResult {
                trip_id: "t".to_owned(),
                action: name,
                code: code as i32,
                ..Default::default()
            };
            let ServiceEvent::Agent(AgentEvent::ActionResult { action: named, outcome: found, .. }) =
                action_result(driver, result)
            else {
                panic!()
            };
            assert_eq!((named, found), (action, outcome));
        }
        let other = v1::ActionResult { action: "fly".to_owned(), ..Default::default() };
        assert!(matches!(action_result(driver, other), ServiceEvent::Fault(_)));
    }

    #[test]
    fn headings_stay_below_a_full_turn() {
        assert_eq!([0.0, 359.999, -90.0, 720.5].map(heading_cdeg), [0, 0, 27_000, 50]);
    }
}
