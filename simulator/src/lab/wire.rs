//! Between the people's words and the wire's.

use kerb_geometry::LatLng;
use kerb_proto::convert::trip_state;
use kerb_proto::v1;
use kerb_proto::v1::connect_response::Message;
use kerb_types::DriverStatus;
use tonic::{Code, Status};

use super::message::{Action, DriverNumber, Heard, Outcome, RequestNumber};
use super::names::Names;
use super::service::{News, Row};
use kerb_loadgen::query::{lat_lng, position};

/// What a driver hears of trips; `None` for other messages.
pub(super) fn news(driver: DriverNumber, message: Message) -> Option<News> {
    let heard = match message {
        Message::Assignment(task) => {
            let state = trip_state(task.state);
            match (state, position(task.pickup), position(task.dropoff)) {
                (Ok(state), Some(pickup), Some(dropoff)) => {
                    let eta_s = Some(task.pickup_eta_s);
                    Heard::Task { driver, trip: task.trip_id, state, pickup, dropoff, eta_s }
                }
                _ => {
                    return Some(News::Fault(format!(
                        "driver {driver} got a task that says nothing: {task:?}"
                    )));
                }
            }
        }
        Message::Ended(over) => Heard::Over { driver, trip: over.trip_id },
        Message::Result(result) => return Some(acted(driver, result)),
        _ => return None,
    };
    Some(News::Heard(heard))
}

/// What an action came to.
pub(super) fn acted(driver: DriverNumber, result: v1::ActionResult) -> News {
    let Some(action) = Action::of(&result) else {
        return News::Fault(format!(
            "driver {driver} was answered an action that it has not done: {result:?}"
        ));
    };
    let outcome = outcome(Code::from_i32(result.code));
    News::Heard(Heard::Acted { driver, trip: result.trip_id, action, outcome })
}

/// Whether to say it again.
pub(super) fn outcome(code: Code) -> Outcome {
    match code {
        Code::Ok => Outcome::Taken,
        Code::Unavailable
        | Code::ResourceExhausted
        | Code::DeadlineExceeded
        | Code::Unknown
        | Code::Cancelled => Outcome::Again,
        _ => Outcome::Refused,
    }
}

/// A rider's request. `wait_max_ms` is of the service's time.
pub(super) fn request(
    names: &Names,
    number: RequestNumber,
    (pickup, dropoff): (LatLng, LatLng),
    (party_size, vehicle_class): (u32, String),
    wait_max_ms: u32,
) -> v1::RequestRideRequest {
    let rider_id = names.rider(number);
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

/// Why a request was not taken, for the rider.
pub(super) fn refused(request: RequestNumber, status: &Status) -> News {
    let reason = format!("{:?}: {}", status.code(), status.message());
    News::Heard(Heard::RequestRefused { request, reason })
}

/// Rows as a gateway sends them, all in one request. The handle of a driver is its number.
pub(super) fn columns(rows: &[Row]) -> v1::ReportPositionsRequest {
    let base_time_ms = rows.iter().map(|row| row.time_ms).min().unwrap_or(0);
    let mut columns = v1::PositionColumns { base_time_ms, ..v1::PositionColumns::default() };
    for row in rows {
        columns.handle.push(row.driver);
        columns.latitude_e7.push(row.position.lat_e7());
        columns.longitude_e7.push(row.position.lon_e7());
        columns.sequence.push(row.sequence);
        columns.time_offset_ms.push((row.time_ms - base_time_ms) as u32);
        columns.heading_cdeg.push(heading_cdeg(row.heading_deg));
        columns.speed_cmps.push((row.speed_mps.max(0.0) * 100.0).round() as u32);
        columns.status.push(status_number(row.status));
    }
    v1::ReportPositionsRequest { drivers: Vec::new(), positions: Some(columns) }
}

/// One position as a driver's own stream carries it.
pub(super) fn update(row: &Row) -> v1::PositionUpdate {
    v1::PositionUpdate {
        sequence: row.sequence,
        time_ms: row.time_ms,
        latitude_deg: row.position.lat_deg(),
        longitude_deg: row.position.lon_deg(),
        heading_deg: Some(f64::from(heading_cdeg(row.heading_deg)) as f32 / 100.0),
        speed_mps: Some(row.speed_mps.max(0.0) as f32),
        status: status_number(row.status),
        ..v1::PositionUpdate::default()
    }
}

fn heading_cdeg(heading_deg: f64) -> u32 {
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
    fn every_action_is_known_again_by_the_name_in_its_result() {
        for (act, code, outcome) in [
            (Action::Accept, Code::Ok, Outcome::Taken),
            (Action::Decline, Code::FailedPrecondition, Outcome::Refused),
            (Action::Arrive, Code::Unavailable, Outcome::Again),
            (Action::PickUp, Code::NotFound, Outcome::Refused),
            (Action::DropOff, Code::DeadlineExceeded, Outcome::Again),
        ] {
            let name = action_name(&act.on("t".to_owned())).to_owned();
            let result = v1::ActionResult {
                trip_id: "t".to_owned(),
                action: name,
                code: code as i32,
                ..Default::default()
            };
            let News::Heard(Heard::Acted { action, outcome: found, .. }) = acted(3, result) else { panic!() };
            assert_eq!((action, found), (act, outcome));
        }
        let other = v1::ActionResult { action: "fly".to_owned(), ..Default::default() };
        assert!(matches!(acted(3, other), News::Fault(_)));
    }

    #[test]
    fn headings_stay_below_a_full_turn() {
        assert_eq!([0.0, 359.999, -90.0, 720.5].map(heading_cdeg), [0, 0, 27_000, 50]);
    }
}
