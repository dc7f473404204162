//! Every invalid value gets a status that names the field, the value and what would be valid. Other clients are not
//! disturbed.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use kerb_proto::v1::find_nearby_request::Search;
use kerb_proto::v1::{FindNearbyRequest, PolygonSearch, PositionUpdate, Register};
use tonic::{Code, Status};

use crate::support::driver::{DriverStream, register, update};
use crate::support::gateway::{batch, report};
use crate::support::process::Process;
use crate::support::search::{Truth, find_nearby, nearest, point, request, within};

fn node(dir: &tempfile::TempDir) -> Process {
    Process::start(dir.path(), &["serve", "--data-dir", "none"])
}

/// Asserts that the status has this code and contains these parts: the field, the value, and what would be valid.
fn assert_rejected(status: &Status, code: Code, parts: &[&str]) {
    assert_eq!(status.code(), code, "{status:?}");
    for part in parts {
        assert!(status.message().contains(part), "{part:?} is not in {:?}", status.message());
    }
}

#[tokio::test]
async fn an_invalid_position_is_rejected_and_no_stream_ends() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let mut neighbor = DriverStream::open(node.channel(), register("neighbor")).await.unwrap();
    // This stream is on the same connection, so that the test notices a broken connection.
    let channel = node.channel();
    let mut stream = DriverStream::open(channel.clone(), register("bad")).await.unwrap();
    let mut same_connection = DriverStream::open(channel, register("good")).await.unwrap();
    let now = stream.registered.server_time_ms;
    let with = |change: &dyn Fn(&mut PositionUpdate)| {
        let mut position = update(1, 1.0, 1.0);
        change(&mut position);
        position
    };
    let cases: Vec<(PositionUpdate, &str, &str, &str)> = vec![
        (with(&|p| p.latitude_deg = f64::NAN), "latitude_deg", "NaN", "-90"),
        (with(&|p| p.latitude_deg = 90.5), "latitude_deg", "90.5", "90"),
        (with(&|p| p.longitude_deg = f64::INFINITY), "longitude_deg", "inf", "180"),
        (with(&|p| p.longitude_deg = -180.1), "longitude_deg", "-180.1", "180"),
        (with(&|p| p.heading_deg = Some(360.0)), "heading_deg", "360", "0"),
        (with(&|p| p.speed_mps = Some(-1.0)), "speed_mps", "-1", "200"),
        (with(&|p| p.accuracy_m = Some(f32::NAN)), "accuracy_m", "NaN", "100000"),
        (with(&|p| p.time_ms = now + 3_600_000), "time_ms", "", "10000"),
        (with(&|p| p.time_ms = now - 3_600_000), "time_ms", "", "60000"),
        (with(&|p| p.status = 99), "status", "99", "4"),
        (with(&|p| p.status = -1), "status", "-1", "4"),
    ];
    for (sequence, (mut bad, field, value, valid)) in cases.into_iter().enumerate() {
        let sequence = 10 + sequence as u64;
        bad.sequence = sequence;
        let rejection = stream.rejection(bad).await;
        assert_eq!(rejection.sequence, sequence);
        let [error] = &rejection.errors[..] else { panic!("{rejection:?}") };
        assert!(error.field.ends_with(field), "{error:?}");
        let digits = error.description.replace([',', '_'], "");
        assert!(digits.contains(value) && digits.contains(valid), "{field}: {error:?}");
        neighbor.report(update(sequence, 2.0, 2.0)).await.unwrap();
    }
    stream.report(update(100, 1.0, 1.0)).await.unwrap();
    same_connection.report(update(1, 1.0, 1.0)).await.unwrap();
}

#[tokio::test]
async fn an_invalid_registration_only_ends_its_own_stream() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let channel = node.channel();
    let mut neighbor = DriverStream::open(channel.clone(), register("neighbor")).await.unwrap();
    let class = Register { vehicle_class: "rocket".into(), ..register("x") };
    let capability = Register { capabilities: vec!["wings".into()], ..register("x") };
    let token = Register { resume_token: vec![1, 2, 3].into(), ..register("x") };
    for (register, wanted) in [
        (register(""), ["driver_id", "0 bytes", "1 to 64"]),
        (register(&"x".repeat(65)), ["driver_id", "65 bytes", "1 to 64"]),
        (class, ["vehicle_class", "rocket", "standard"]),
        (capability, ["capabilities", "wings", "wheelchair"]),
        (token, ["resume_token", "", ""]),
    ] {
        let status = DriverStream::open(channel.clone(), register).await.map(|_| ()).unwrap_err();
        assert_rejected(&status, Code::InvalidArgument, &wanted);
    }
    neighbor.report(update(1, 2.0, 2.0)).await.unwrap();
    DriverStream::open(channel, register(&"x".repeat(64))).await.unwrap();
}

#[tokio::test]
async fn an_invalid_search_is_rejected() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let channel = node.channel();
    let at = (1.0, 1.0);
    let polygon = |corners: &[(f64, f64)]| {
        Search::WithinPolygon(PolygonSearch {
            vertices: corners.iter().map(|(lat, lon)| point(*lat, *lon)).collect(),
            holes: Vec::new(),
        })
    };
    let bow_tie = polygon(&[(0.0, 0.0), (1.0, 1.0), (0.0, 1.0), (1.0, 0.0)]);
    let circle: Vec<_> = (0..1_002).map(|i| (f64::from(i) / 1_002.0).sin_cos()).collect();
    let with = |change: &dyn Fn(&mut FindNearbyRequest)| {
        let mut request = request(nearest(at, 1, 1.0));
        change(&mut request);
        request
    };
    let mut big_page = request(within(at, 1.0));
    big_page.page_size = 10_001;
    let cases: Vec<(FindNearbyRequest, Vec<&str>)> = vec![
        (request(nearest(at, 0, 1.0)), vec!["k", "0", "1000"]),
        (request(nearest(at, 1_001, 1.0)), vec!["k", "1001", "1000"]),
        (request(nearest(at, 1, 0.0)), vec!["radius_m", "0", "20037508"]),
        (request(nearest(at, 1, -5.0)), vec!["radius_m", "-5", "20037508"]),
        (request(within(at, f64::NAN)), vec!["radius_m", "NaN"]),
        (request(within(at, 3e7)), vec!["radius_m", "30000000", "20037508"]),
        (request(nearest((91.0, 0.0), 1, 1.0)), vec!["point.latitude_deg", "91", "90"]),
        (request(nearest((0.0, f64::NEG_INFINITY), 1, 1.0)), vec!["point.longitude_deg", "inf", "180"]),
        (request(bow_tie), vec!["vertices", "cross"]),
        (request(polygon(&[(0.0, 0.0), (1.0, 1.0)])), vec!["vertices", "2", "3"]),
        (request(polygon(&circle)), vec!["vertices", "1002", "1001"]),
        (FindNearbyRequest::default(), vec!["search"]),
        (big_page, vec!["page_size", "10001", "10000"]),
        (with(&|r| r.page_token = "garbage".into()), vec!["page_token"]),
        (with(&|r| r.h3_resolution = Some(16)), vec!["h3_resolution", "16", "15"]),
        (with(&|r| r.filter.as_mut().unwrap().statuses = vec![0]), vec!["statuses", "0", "1 to 4"]),
        (with(&|r| r.filter.as_mut().unwrap().statuses = vec![77]), vec!["statuses", "77", "1 to 4"]),
        (
            with(&|r| r.filter.as_mut().unwrap().vehicle_classes = vec!["rocket".into()]),
            vec!["vehicle_classes", "rocket", "standard"],
        ),
        (
            with(&|r| r.filter.as_mut().unwrap().position_age_max_ms = 60_001),
            vec!["position_age_max_ms", "60001", "60000"],
        ),
    ];
    for (request, wanted) in cases {
        let status = find_nearby(&channel, request).await.unwrap_err();
        assert_rejected(&status, Code::InvalidArgument, &wanted);
    }
    find_nearby(&channel, request(nearest(at, 1, 1.0))).await.unwrap();
}

#[tokio::test]
async fn invalid_rows_of_a_gateway_are_counted_and_named_and_valid_rows_are_applied() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let truth: Truth = (0..10).map(|i| (format!("d{i}"), (f64::from(i), 1.0))).collect();
    let mut bad = batch(&truth, 1, true);
    let columns = bad.positions.as_mut().unwrap();
    columns.latitude_e7[3] = 900_000_001;
    columns.handle[5] = 77;
    let mut ragged = batch(&truth, 2, false);
    ragged.positions.as_mut().unwrap().longitude_e7.pop();
    let counted = report(node.channel(), vec![bad, ragged, batch(&truth, 3, false)]).await.unwrap();
    assert_eq!(counted.received, 30, "{counted:?}");
    assert_eq!(counted.applied, 18, "{counted:?}");
    assert_eq!(counted.rejected, 12, "{counted:?}");
    let named: Vec<_> = counted.rejections.iter().map(|r| (r.request, r.row)).collect();
    assert!(
        named.contains(&(0, 3)) && named.contains(&(0, 5)) && named.iter().any(|r| r.0 == 1),
        "{named:?}"
    );
}

#[tokio::test]
async fn an_oversized_message_is_rejected_with_the_limit() {
    let dir = tempfile::tempdir().unwrap();
    let node = node(&dir);
    let channel = node.channel();
    let mut neighbor = DriverStream::open(channel.clone(), register("neighbor")).await.unwrap();
    let huge = Register { resume_token: vec![7; 5 * 1024 * 1024].into(), ..register("huge") };
    let status = DriverStream::open(channel.clone(), huge).await.map(|_| ()).unwrap_err();
    assert!(
        matches!(status.code(), Code::OutOfRange | Code::ResourceExhausted | Code::InvalidArgument),
        "{status:?}"
    );
    assert!(status.message().contains("4194304"), "{status:?}");
    let mut search = request(nearest((1.0, 1.0), 1, 1.0));
    search.page_token = "x".repeat(5 * 1024 * 1024);
    let status = find_nearby(&channel, search).await.unwrap_err();
    assert!(status.message().contains("4194304"), "{status:?}");
    neighbor.report(update(1, 2.0, 2.0)).await.unwrap();
}

#[tokio::test]
async fn garbage_on_the_port_disturbs_no_other_client() {
    let dir = tempfile::tempdir().unwrap();
    let mut node = node(&dir);
    let mut neighbor = DriverStream::open(node.channel(), register("neighbor")).await.unwrap();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let after_preface: Vec<u8> = preface.iter().copied().chain((0..=255).cycle().take(4_096)).collect();
    let pieces: [Vec<u8>; 5] = [
        vec![0; 4_096],
        vec![0xff; 65_536],
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".to_vec(),
        preface,
        after_preface,
    ];
    for (sequence, bytes) in pieces.into_iter().enumerate() {
        let address = node.address.clone();
        let sent = tokio::task::spawn_blocking(move || send_garbage(&address, &bytes));
        sent.await.unwrap();
        neighbor.report(update(sequence as u64 + 1, 2.0, 2.0)).await.unwrap();
    }
    assert!(node.is_alive());
    find_nearby(&node.channel(), request(nearest((1.0, 1.0), 1, 1.0))).await.unwrap();
}

/// Writes the bytes, closes the sending side, and reads until the server closes the connection or the timeout is over.
fn send_garbage(address: &str, bytes: &[u8]) {
    let mut socket = TcpStream::connect(address).expect("the port is open");
    socket.set_read_timeout(Some(Duration::from_millis(200))).expect("a legal time");
    // The server may close the connection at any point.
    let _ = socket.write_all(bytes);
    let _ = socket.shutdown(std::net::Shutdown::Write);
    let _ = socket.read_to_end(&mut Vec::new());
}
