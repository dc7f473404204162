use std::time::Duration;

use bytes::Bytes;
use kerb_aggregator::grpc::Grpc;
use kerb_aggregator::{Aggregator, Options};
use kerb_proto::v1::admin_service_server::AdminService;
use kerb_proto::v1::driver_query_service_server::DriverQueryService;
use kerb_proto::v1::find_nearby_request::Search as Wire;
use kerb_proto::v1::{
    FindNearbyBatchRequest, FindNearbyBatchResponse, FindNearbyRequest, FindNearbyResponse, GetDriverRequest,
    LatLng, ListShardsRequest, NearbyDriver, NearestSearch, PolygonSearch, RadiusSearch, RankBy,
    RebuildRequest, TravelSource,
};
use prost::Message;
use tokio::time::Instant;
use tonic::{Code, Request, Response};

use crate::fakes::{Cluster, SHARDS, Script, neighbor};
use crate::simulated_time::pass;

const POINT: Option<LatLng> = Some(LatLng { latitude_deg: 52.52, longitude_deg: 13.405 });

fn of(search: Wire) -> FindNearbyRequest {
    FindNearbyRequest { search: Some(search), ..FindNearbyRequest::default() }
}

fn radius() -> FindNearbyRequest {
    of(Wire::WithinRadius(RadiusSearch { point: POINT, radius_m: 5_000.0 }))
}

fn decoded<M: Message + Default>(response: Response<Bytes>) -> M {
    M::decode(response.into_inner()).unwrap()
}

async fn find(aggregator: &Aggregator, request: FindNearbyRequest) -> FindNearbyResponse {
    let nearby = Grpc::new(aggregator.clone()).nearby();
    decoded(nearby.find_nearby(Request::new(request)).await.unwrap())
}

fn ids(response: &FindNearbyResponse) -> Vec<&str> {
    response.drivers.iter().map(|driver| driver.driver_id.as_str()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_answer_carries_distance_age_cell_and_coverage() {
    let cluster = Cluster::new(2, 2);
    cluster.put(3, &neighbor("cab", 10, 4));
    cluster.clock.advance(1_234);
    let nearest = NearestSearch { point: POINT, k: 5, radius_m: 1_000.0 };
    let request = FindNearbyRequest { h3_resolution: Some(9), ..of(Wire::Nearest(nearest)) };
    let response = find(&cluster.aggregator(Options::default()), request).await;
    let [driver] = response.drivers.as_slice() else { panic!("{response:?}") };
    assert_eq!((driver.driver_id.as_str(), driver.position_age_ms, driver.status), ("cab", 1_234, 1));
    assert!((driver.distance_m - 111.195).abs() < 0.01, "a thousandth of a degree: {}", driver.distance_m);
    assert_eq!(driver.position.as_ref().unwrap().sequence, 4);
    assert_eq!((driver.vehicle_class.as_str(), driver.h3_cell.len()), ("standard", 15));
    let coverage = response.coverage.unwrap();
    assert_eq!((coverage.shards_queried, coverage.shards_answered), (u32::from(SHARDS), u32::from(SHARDS)));
    assert_eq!(response.next_page_token, "");
}

#[tokio::test(start_paused = true)]
async fn travel_times_come_with_their_sources_and_rank_on_request() {
    let cluster = Cluster::new(2, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let line = of(Wire::Nearest(NearestSearch { point: POINT, k: 4, radius_m: 5_000.0 }));
    let plain = find(&aggregator, line.clone()).await;
    assert_eq!(ids(&plain), ["d00", "d01", "d02", "d03"]);
    assert!(plain.drivers.iter().all(|driver| driver.pickup_eta_s.is_none() && driver.travel_source == 0));
    assert_eq!((plain.travel_source(), plain.ranking_incomplete), (TravelSource::Unspecified, false));

    let timed = find(&aggregator, FindNearbyRequest { include_eta: true, ..line.clone() }).await;
    assert_eq!(ids(&timed), ids(&plain), "by distance as before");
    let etas: Vec<_> = timed.drivers.iter().map(|driver| driver.pickup_eta_s.unwrap()).collect();
    // Steps of 11.1 m at 10 m/s; the odd ones are over the bridge.
    assert_eq!(etas, [0, 602, 3, 604]);
    let sources: Vec<_> = timed.drivers.iter().map(NearbyDriver::travel_source).collect();
    let (roads, straight) = (TravelSource::Roads, TravelSource::StraightLine);
    assert_eq!(
        (sources, timed.travel_source()),
        (vec![roads, straight, roads, straight], TravelSource::Mixed)
    );

    let by_time = FindNearbyRequest { rank_by: RankBy::TravelTime.into(), ..line };
    let ranked = find(&aggregator, by_time.clone()).await;
    assert_eq!(ids(&ranked), ["d00", "d02", "d04", "d06"]);
    assert_eq!((ranked.travel_source(), ranked.ranking_incomplete), (roads, false));
    assert_eq!(ranked.coverage.unwrap().shards_answered, u32::from(SHARDS));
    assert_eq!(ranked.next_page_token, "");

    // Too few are looked at to know: said, and not hidden.
    let few = cluster.aggregator(Options { timed_drivers_max: 5, ..Options::default() });
    let ranked = find(&few, by_time.clone()).await;
    assert_eq!(ids(&ranked), ["d00", "d02", "d04", "d01"]);
    assert!(ranked.ranking_incomplete);

    let batch = FindNearbyBatchRequest { searches: vec![by_time; 3] };
    let answers = Grpc::new(aggregator).nearby().find_nearby_batch(Request::new(batch)).await.unwrap();
    let answers = decoded::<FindNearbyBatchResponse>(answers).answers;
    assert!(answers.iter().all(|answer| ids(answer) == ["d00", "d02", "d04", "d06"]), "{answers:?}");
}

#[tokio::test(start_paused = true)]
async fn a_ranking_by_time_names_the_shards_that_did_not_answer() {
    let cluster = Cluster::new(2, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::Silent);
    let nearest = of(Wire::Nearest(NearestSearch { point: POINT, k: 16, radius_m: 5_000.0 }));
    let request = FindNearbyRequest { rank_by: RankBy::TravelTime.into(), ..nearest };
    let aggregator = cluster.aggregator(Options::default());
    let nearby = Grpc::new(aggregator).nearby();
    let response: FindNearbyResponse = decoded(nearby.find_nearby(Request::new(request)).await.unwrap());
    let coverage = response.coverage.unwrap();
    assert!(!coverage.shards_missing.is_empty() && response.drivers.len() < 16);
}

/// All pages of a request.
async fn pages(aggregator: &Aggregator, request: FindNearbyRequest) -> Vec<Vec<String>> {
    let mut pages = Vec::new();
    let mut page_token = String::new();
    loop {
        let response = find(aggregator, FindNearbyRequest { page_token, ..request.clone() }).await;
        pages.push(ids(&response).into_iter().map(str::to_owned).collect());
        page_token = response.next_page_token;
        if page_token.is_empty() {
            return pages;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn pages_visit_everybody_once_and_end() {
    let cluster = Cluster::new(4, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let corners = [(52.0, 13.0), (52.0, 14.0), (53.0, 14.0), (53.0, 13.0)];
    let vertices =
        corners.map(|(latitude_deg, longitude_deg)| LatLng { latitude_deg, longitude_deg }).to_vec();
    let expected: Vec<_> = (0..16).map(|i| format!("d{i:02}")).collect();
    for request in [radius(), of(Wire::WithinPolygon(PolygonSearch { vertices, holes: Vec::new() }))] {
        for (size, count) in [(5, 4), (16, 1), (8, 2)] {
            let pages = pages(&aggregator, FindNearbyRequest { page_size: size, ..request.clone() }).await;
            assert_eq!((pages.concat(), pages.len()), (expected.clone(), count), "pages of {size}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_partial_page_says_what_is_missing_and_goes_on() {
    let cluster = Cluster::new(4, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    cluster.servers[2].set(Script::Fails);
    let missing = cluster.shards_of(2);
    let first = find(&aggregator, FindNearbyRequest { page_size: 5, ..radius() }).await;
    let coverage = first.coverage.unwrap();
    assert_eq!(coverage.shards_missing, missing.iter().map(|shard| u32::from(shard.0)).collect::<Vec<_>>());
    assert_eq!(coverage.shards_answered + missing.len() as u32, coverage.shards_queried);
    assert_eq!(first.drivers.len(), 5);

    cluster.servers[2].set(Script::Immediate);
    let request = FindNearbyRequest { page_size: 5, page_token: first.next_page_token, ..radius() };
    let second = find(&aggregator, request).await;
    assert!(second.coverage.unwrap().shards_missing.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_token_of_another_request_is_refused() {
    let cluster = Cluster::new(1, 1);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    let first = find(&aggregator, FindNearbyRequest { page_size: 5, ..radius() }).await;
    let other = FindNearbyRequest { page_size: 6, page_token: first.next_page_token, ..radius() };
    let status = Grpc::new(aggregator).nearby().find_nearby(Request::new(other)).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().starts_with("page_token: of another request"), "{}", status.message());
}

#[tokio::test(start_paused = true)]
async fn the_callers_own_deadline_holds_with_a_margin_for_the_way_back() {
    let cluster = Cluster::new(1, 1);
    cluster.servers[0].set(Script::Silent);
    let nearby = Grpc::new(cluster.aggregator(Options::default())).nearby();
    for (timeout_ms, took_ms) in [(50, 45), (1_000, 990), (60_000, 10_000)] {
        let mut request = Request::new(radius());
        request.set_timeout(Duration::from_millis(timeout_ms));
        let started = Instant::now();
        let response: FindNearbyResponse = decoded(nearby.find_nearby(request).await.unwrap());
        assert_eq!(started.elapsed(), Duration::from_millis(took_ms));
        assert_eq!(response.coverage.unwrap().shards_answered, 0);
    }
    let started = Instant::now();
    nearby.find_nearby(Request::new(radius())).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_millis(200), "the server's own without one");
}

#[tokio::test(start_paused = true)]
async fn drivers_shards_and_rebuilds_are_answered_in_their_words() {
    let cluster = Cluster::new(2, 2);
    let grpc = Grpc::new(cluster.aggregator(Options::default()));
    let unknown = GetDriverRequest { driver_id: "nobody".to_owned() };
    let status = grpc.get_driver(Request::new(unknown)).await.unwrap_err();
    assert_eq!((status.code(), status.message()), (Code::NotFound, "driver \"nobody\" is not known"));
    let status = grpc.get_driver(Request::new(GetDriverRequest::default())).await.unwrap_err();
    assert_eq!(status.code(), Code::InvalidArgument);

    cluster.servers[1].set(Script::Fails);
    cluster.set_live("index-1", false);
    let shards = grpc.list_shards(Request::new(ListShardsRequest {})).await.unwrap().into_inner();
    assert_eq!(shards.shards.len(), usize::from(SHARDS), "a server that does not answer has no rows");
    assert!(shards.shards.iter().all(|row| row.node_id == "index-0" && row.covered));
    let live: Vec<_> = shards.nodes.iter().map(|node| (node.node_id.as_str(), node.live)).collect();
    assert_eq!(live, [("index-0", true), ("index-1", false), ("ingest-0", true), ("ingest-1", true)]);

    let wrong = RebuildRequest { node_id: "index-0".to_owned(), shards: vec![1, 70_000] };
    let status = grpc.rebuild(Request::new(wrong)).await.err().unwrap();
    assert_eq!(status.message(), "shards[1]: 70000, must be below 16384");
}

async fn find_all(
    aggregator: &Aggregator,
    searches: Vec<FindNearbyRequest>,
) -> Result<Vec<FindNearbyResponse>, tonic::Status> {
    let nearby = Grpc::new(aggregator.clone()).nearby();
    let answered = nearby.find_nearby_batch(Request::new(FindNearbyBatchRequest { searches })).await;
    answered.map(|response| decoded::<FindNearbyBatchResponse>(response).answers)
}

fn neighbors(k: u32) -> FindNearbyRequest {
    of(Wire::Nearest(NearestSearch { point: POINT, k, radius_m: 50_000.0 }))
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_each_search_as_a_call_of_its_own() {
    let cluster = Cluster::new(3, 2);
    cluster.put_line();
    let aggregator = cluster.aggregator(Options::default());
    // Refetch than one task's share, of all kinds, with pages and their tokens.
    let token = find(&aggregator, FindNearbyRequest { page_size: 5, ..radius() }).await.next_page_token;
    let second_page = FindNearbyRequest { page_size: 5, page_token: token, ..radius() };
    let searches: Vec<_> = (0..900)
        .map(|i| match i % 3 {
            0 => neighbors(1 + i % 16),
            1 => FindNearbyRequest { page_size: 1 + i % 7, ..radius() },
            _ => second_page.clone(),
        })
        .collect();
    let answers = find_all(&aggregator, searches.clone()).await.unwrap();
    assert_eq!(answers.len(), searches.len());
    for (i, (search, answer)) in searches.into_iter().zip(&answers).enumerate() {
        assert!(!answer.drivers.is_empty());
        assert_eq!(*answer, find(&aggregator, search).await, "search {i}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_batch_is_refused_as_a_whole_with_every_wrong_field() {
    let cluster = Cluster::new(1, 1);
    let aggregator = cluster.aggregator(Options::default());
    for (searches, message) in [
        (vec![], "searches: 0 elements, must be 1 to 1000"),
        (vec![neighbors(1); 1_001], "searches: 1001 elements, must be 1 to 1000"),
        (vec![neighbors(1_000); 101], "searches: 101000 drivers in sum, must be at most 100000"),
        (vec![neighbors(1), neighbors(0)], "searches[1].nearest.k: 0"),
    ] {
        let status = find_all(&aggregator, searches).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert!(status.message().starts_with(message), "{}", status.message());
    }
    assert_eq!(cluster.queries_received(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_deadline_holds_for_all_of_a_batch() {
    let cluster = Cluster::new(2, 1);
    cluster.put_line();
    cluster.servers[0].set(Script::Silent);
    let aggregator = cluster.aggregator(Options::default());
    let started = Instant::now();
    let answers = find_all(&aggregator, vec![neighbors(16); 3]).await.unwrap();
    assert_eq!(started.elapsed(), Duration::from_millis(200));
    let partial = |answer: &FindNearbyResponse| !answer.coverage.as_ref().unwrap().shards_missing.is_empty();
    assert!(answers.iter().all(|answer| partial(answer) && !answer.drivers.is_empty()));
}

/// Polls a batch until it has queried the servers, and returns it unfinished.
async fn start_batch(
    cluster: &Cluster,
    aggregator: &Aggregator,
) -> impl Future<Output = Result<Vec<FindNearbyResponse>, tonic::Status>> {
    let before = cluster.queries_received();
    let aggregator = aggregator.clone();
    let mut batch = Box::pin(async move { find_all(&aggregator, vec![neighbors(16); 2]).await });
    while cluster.queries_received() == before {
        assert!(futures::poll!(&mut batch).is_pending(), "the servers are silent");
        tokio::task::yield_now().await;
    }
    batch
}

#[tokio::test(start_paused = true)]
async fn a_batch_over_the_limit_is_rejected_at_its_deadline() {
    let cluster = Cluster::new(2, 1);
    cluster.put_line();
    cluster.servers.iter().for_each(|server| server.set(Script::Silent));
    let aggregator = cluster.aggregator(Options { batches_max: 1, ..Options::default() });
    let first = start_batch(&cluster, &aggregator).await;
    let queries = cluster.queries_received();
    let status = find_all(&aggregator, vec![neighbors(16)]).await.unwrap_err();
    assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
    assert_eq!(cluster.queries_received(), queries, "the second batch queries no server");
    assert_eq!(first.await.unwrap().len(), 2, "the first one is not affected");
}

#[tokio::test(start_paused = true)]
async fn a_batch_whose_caller_gives_up_makes_room_and_queries_no_more() {
    let cluster = Cluster::new(2, 1);
    cluster.put_line();
    cluster.servers.iter().for_each(|server| server.set(Script::Silent));
    let aggregator = cluster.aggregator(Options { batches_max: 1, ..Options::default() });
    let given_up = start_batch(&cluster, &aggregator).await;
    drop(given_up);
    let queries = cluster.queries_received();
    pass(Duration::from_secs(2)).await;
    assert_eq!(cluster.queries_received(), queries, "nobody waits for its answer");
    cluster.servers.iter().for_each(|server| server.set(Script::Immediate));
    let started = Instant::now();
    assert_eq!(find_all(&aggregator, vec![neighbors(16)]).await.unwrap().len(), 1);
    assert_eq!(started.elapsed(), Duration::ZERO, "the next batch does not wait");
}
