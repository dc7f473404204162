//! Invalid inputs of an engine, and the smallest valid ones.

use kerb_geometry::LatLng;
use kerb_routing::engine::{Engine, PhantomNode, Streets, StreetsError};

fn here() -> LatLng {
    LatLng::new(10.0, 20.0).expect("a place")
}

type Parts = (Vec<LatLng>, Vec<u32>, Vec<u32>, Vec<f32>, Vec<u32>);

/// Two nodes at one position with a two-way street between them.
fn pair() -> Parts {
    (vec![here(), here()], vec![0, 1, 2], vec![1, 0], vec![100.0, 100.0], vec![10, 20])
}

fn rejection(change: impl FnOnce(&mut Parts)) -> String {
    let mut parts = pair();
    change(&mut parts);
    let (nodes, first_out, head, length_m, time_ms) = &parts;
    let streets = Streets { nodes, first_out, head, length_m, time_ms };
    Engine::new(&streets).expect_err("no network").to_string()
}

#[test]
fn errors_name_the_wrong_entry() {
    assert_eq!(rejection(|parts| parts.0.clear()), "no nodes: a network has at least one");
    assert_eq!(rejection(|parts| parts.1.push(2)), "first_out: 4 entries, 3 are right");
    assert_eq!(rejection(|parts| parts.3.push(1.0)), "length_m: 3 entries, 2 are right");
    assert_eq!(rejection(|parts| parts.4.truncate(1)), "time_ms: 1 entries, 2 are right");
    let rows = "is not between the values before and after it";
    assert_eq!(rejection(|parts| parts.1 = vec![0, 3, 2]), format!("first_out of node 1: 3 {rows}"));
    assert_eq!(rejection(|parts| parts.1 = vec![1, 1, 2]), format!("first_out of node 0: 1 {rows}"));
    assert_eq!(rejection(|parts| parts.1 = vec![0, 1, 1]), format!("first_out of node 2: 1 {rows}"));
    assert_eq!(rejection(|parts| parts.2[1] = 2), "head of arc 1: 2 is no node, there are 2");
    assert_eq!(
        rejection(|parts| parts.3[0] = f32::NAN),
        "length of arc 0: NaN m is not a finite number from 0"
    );
    assert_eq!(rejection(|parts| parts.3[1] = -1.0), "length of arc 1: -1 m is not a finite number from 0");
}

#[test]
fn an_order_names_every_node_once() {
    let (nodes, first_out, head, length_m, time_ms) = &pair();
    let streets = Streets { nodes, first_out, head, length_m, time_ms };
    let error = |order: &[u32]| Engine::with_order(&streets, order).expect_err("no order");
    assert_eq!(error(&[0]), StreetsError::Length { what: "order", got: 1, want: 2 });
    assert_eq!(error(&[1, 1]), StreetsError::Order { place: 1, node: 1 });
    assert_eq!(error(&[0, 2]), StreetsError::Order { place: 1, node: 2 });
}

#[test]
fn smallest_networks_are_valid() {
    let alone = Streets { nodes: &[here()], first_out: &[0, 0], head: &[], length_m: &[], time_ms: &[] };
    let router = Engine::new(&alone).expect("a node").router();
    assert_eq!(router.matrix::<PhantomNode>(&[], &[]).row(0), &[] as &[u32]);
    let ring =
        Streets { nodes: &[here()], first_out: &[0, 1], head: &[0], length_m: &[9.0], time_ms: &[100] };
    let router = Engine::new(&ring).expect("a loop").router();
    let at = |fraction| [PhantomNode { arc: 0, fraction }];
    assert_eq!(router.travel_time_ms(&at(0.25), &at(0.75)), Some(50));
    assert_eq!(router.travel_time_ms(&at(0.75), &at(0.25)), Some(50), "round the loop");
    assert_eq!(router.route(&at(0.75), &at(0.25)).map(|route| route.arc_segments.len()), Some(2));
}

#[test]
fn fractions_outside_an_arc_are_clamped() {
    let (nodes, first_out, head, length_m, time_ms) = &pair();
    let streets = Streets { nodes, first_out, head, length_m, time_ms };
    let router = Engine::new(&streets).expect("a street").router();
    let time_ms = |fraction| {
        router.travel_time_ms(&[PhantomNode { arc: 0, fraction }], &[PhantomNode { arc: 1, fraction: 1.0 }])
    };
    assert_eq!([-3.0, 0.0, f64::NAN].map(time_ms), [Some(30); 3]);
    assert_eq!([1.0, 7.0, f64::INFINITY].map(time_ms), [Some(20); 3]);
}
