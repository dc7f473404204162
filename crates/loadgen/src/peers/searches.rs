//! Searches as fast as answers come, one at a time on each connection. Answers are scanned without decoding, so
//! that the generator costs little, for every system alike.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::{Buf, Bytes};
use kerb_geometry::LatLng;
use kerb_proto::v1::{self, FindNearbyRequest, FindNearbyResponse};
use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::fleet::{Kind, Query, driver_of};
use super::measure::{SearchMeasurement, timed};
use super::process::Process;
use super::resp_peer::RespPeer;
use super::wire::url_of;
use crate::connect::channel;
use crate::query::lat_lng;

/// Drivers of a page of Kerb's answer: the server's maximum.
const PAGE: u32 = kerb_types::limits::PAGE_SIZE_MAX;
/// Maximum bytes of an answer.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// Searches Kerb for `span`.
pub(super) async fn kerb(
    process: &Process,
    queries: &[Query],
    connections: u32,
    span: Duration,
) -> Result<SearchMeasurement, String> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut client = Client::open(process.address())?;
        client.pages(&queries[0]).await?;
        clients.push(client);
    }
    let over = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for (lane, mut client) in clients.into_iter().enumerate() {
        let (queries, over) = (lane_of(queries, lane), over.clone());
        tasks.spawn(async move {
            let mut searched = SearchMeasurement::default();
            for query in queries.iter().cycle() {
                let began = Instant::now();
                searched.drivers += client.pages(query).await?;
                searched.answered += 1;
                searched.latency_us.add(began.elapsed().as_micros() as u64);
                if over.is_cancelled() {
                    break;
                }
            }
            Ok(searched)
        });
    }
    run(process, span, &over, tasks).await
}

/// Searches a peer for `span`.
pub(super) async fn resp(
    peer: &RespPeer,
    queries: &[Query],
    connections: u32,
    span: Duration,
) -> Result<SearchMeasurement, String> {
    let dialect = peer.dialect();
    let mut opened = Vec::new();
    for _ in 0..connections {
        opened.push(peer.connect().await?);
    }
    let over = CancellationToken::new();
    let mut tasks = JoinSet::new();
    for (lane, mut connection) in opened.into_iter().enumerate() {
        let queries = lane_of(queries, lane);
        let commands: Vec<Vec<u8>> = queries.iter().map(|query| dialect.query(query)).collect();
        let over = over.clone();
        tasks.spawn(async move {
            let mut searched = SearchMeasurement::default();
            for command in commands.iter().cycle() {
                let began = Instant::now();
                let count = |reply: super::resp::Reply<'_>| {
                    searched.drivers += dialect.ids(&reply).map_or(0, <[_]>::len) as u64;
                };
                connection.ask(command, 1, count).await?;
                searched.answered += 1;
                searched.latency_us.add(began.elapsed().as_micros() as u64);
                if over.is_cancelled() {
                    break;
                }
            }
            Ok(searched)
        });
    }
    run(peer.process(), span, &over, tasks).await
}

/// Rotates the queries, so that connections begin at different ones.
fn lane_of(queries: &[Query], lane: usize) -> Vec<Query> {
    let at = lane * 61 % queries.len();
    [&queries[at..], &queries[..at]].concat()
}

async fn run(
    process: &Process,
    span: Duration,
    over: &CancellationToken,
    tasks: JoinSet<Result<SearchMeasurement, String>>,
) -> Result<SearchMeasurement, String> {
    let lanes = async { Ok(tasks.join_all().await) };
    let (lanes, took) = timed(process, Some(span), over, lanes).await?;
    let mut all = SearchMeasurement { took, ..SearchMeasurement::default() };
    for lane in lanes {
        all.add(&lane?);
    }
    Ok(all)
}

/// Returns the drivers of Kerb's answer.
pub(super) async fn kerb_answer(address: SocketAddr, query: &Query) -> Result<Vec<u32>, String> {
    let mut client = Client::open(address)?;
    let (mut drivers, mut token) = (Vec::new(), String::new());
    loop {
        let bytes = client.page(query, token).await?;
        let answer = FindNearbyResponse::decode(bytes).map_err(|e| e.to_string())?;
        for driver in &answer.drivers {
            let known = driver_of(driver.driver_id.as_bytes());
            drivers.push(known.ok_or_else(|| format!("{} is none of the fleet", driver.driver_id))?);
        }
        token = answer.next_page_token;
        if token.is_empty() {
            return Ok(drivers);
        }
    }
}

/// Whether Kerb's answer shows the driver at this position.
pub(super) async fn shows(
    address: SocketAddr,
    query: &Query,
    driver: u32,
    place: LatLng,
) -> Result<bool, String> {
    let bytes = Client::open(address)?.page(query, String::new()).await?;
    let answer = FindNearbyResponse::decode(bytes).map_err(|e| e.to_string())?;
    let is_there = |found: &v1::NearbyDriver| {
        let at = found.position.as_ref().and_then(|position| position.location.as_ref());
        let at = at.and_then(|at| LatLng::new(at.latitude_deg, at.longitude_deg).ok());
        driver_of(found.driver_id.as_bytes()) == Some(driver) && at == Some(place)
    };
    Ok(answer.drivers.iter().any(is_there))
}

/// A connection to Kerb.
struct Client(tonic::client::Grpc<Channel>);

impl Client {
    fn open(address: SocketAddr) -> Result<Self, String> {
        let grpc = tonic::client::Grpc::new(channel(&url_of(address))?);
        Ok(Self(grpc.max_decoding_message_size(ANSWER_BYTES_MAX)))
    }

    /// Requests all pages and returns the number of drivers on them.
    async fn pages(&mut self, query: &Query) -> Result<u64, String> {
        let (mut drivers, mut token) = (0, String::new());
        loop {
            let outline = outline(self.page(query, token).await?)?;
            drivers += outline.drivers;
            token = outline.next_page_token;
            if token.is_empty() {
                return Ok(drivers);
            }
        }
    }

    async fn page(&mut self, query: &Query, page_token: String) -> Result<Bytes, String> {
        let request = FindNearbyRequest { page_token, ..request_of(query) };
        self.0.ready().await.map_err(|e| e.to_string())?;
        let path = PathAndQuery::from_static("/kerb.v1.NearbyService/FindNearby");
        let answer = self.0.unary(Request::new(request), path, RawResponseCodec).await;
        answer
            .map(tonic::Response::into_inner)
            .map_err(|s| format!("a search: {}: {}", s.code(), s.message()))
    }
}

fn request_of(query: &Query) -> FindNearbyRequest {
    let (point, radius_m) = (Some(lat_lng(query.point)), query.kind.radius_m());
    let (search, page_size) = match query.kind {
        Kind::Nearest => {
            let k = query.kind.limit().unwrap_or_default() as u32;
            (v1::find_nearby_request::Search::Nearest(v1::NearestSearch { point, k, radius_m }), 0)
        }
        Kind::Within => {
            (v1::find_nearby_request::Search::WithinRadius(v1::RadiusSearch { point, radius_m }), PAGE)
        }
    };
    FindNearbyRequest { search: Some(search), page_size, ..FindNearbyRequest::default() }
}

/// The parts of an answer that are needed without decoding it.
#[derive(Debug, Default, PartialEq)]
struct Outline {
    drivers: u64,
    next_page_token: String,
}

/// Field numbers of `FindNearbyResponse`.
const DRIVERS: u32 = 1;
const COVERAGE: u32 = 2;
const NEXT_PAGE_TOKEN: u32 = 3;

/// Rejects an answer that lacks a shard.
fn outline(mut bytes: Bytes) -> Result<Outline, String> {
    let mut outline = Outline::default();
    while bytes.has_remaining() {
        let (tag, wire_type) = decode_key(&mut bytes).map_err(|e| e.to_string())?;
        if tag != COVERAGE && tag != NEXT_PAGE_TOKEN || wire_type != WireType::LengthDelimited {
            outline.drivers += u64::from(tag == DRIVERS);
            skip_field(wire_type, tag, &mut bytes, DecodeContext::default()).map_err(|e| e.to_string())?;
            continue;
        }
        let len = decode_varint(&mut bytes).map_err(|e| e.to_string())? as usize;
        if bytes.remaining() < len {
            return Err("an answer ends in the middle of a field".to_owned());
        }
        let field = bytes.split_to(len);
        if tag == COVERAGE {
            let coverage = v1::Coverage::decode(field).map_err(|e| e.to_string())?;
            if !coverage.shards_missing.is_empty() {
                return Err(format!("an answer without shards {:?}", coverage.shards_missing));
            }
        } else {
            outline.next_page_token = String::from_utf8(field.to_vec()).map_err(|e| e.to_string())?;
        }
    }
    Ok(outline)
}

/// A codec that encodes requests and leaves answers as bytes.
#[derive(Clone, Copy, Debug, Default)]
struct RawResponseCodec;

impl Codec for RawResponseCodec {
    type Encode = FindNearbyRequest;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawResponseCodec {
    type Item = FindNearbyRequest;
    type Error = Status;

    fn encode(&mut self, item: FindNearbyRequest, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(out).map_err(|e| Status::internal(e.to_string()))
    }
}

impl Decoder for RawResponseCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(missing: &[u32]) -> FindNearbyResponse {
        FindNearbyResponse {
            drivers: vec![v1::NearbyDriver { driver_id: "a".repeat(200), ..v1::NearbyDriver::default() }; 3],
            coverage: Some(v1::Coverage { shards_missing: missing.to_vec(), ..v1::Coverage::default() }),
            next_page_token: "next".to_owned(),
            ..FindNearbyResponse::default()
        }
    }

    #[test]
    fn an_outline_is_that_of_the_answer() {
        let bytes = Bytes::from(answer(&[]).encode_to_vec());
        let expected = Outline { drivers: 3, next_page_token: "next".to_owned() };
        assert_eq!(outline(bytes.clone()), Ok(expected));
        assert_eq!(outline(Bytes::new()), Ok(Outline::default()));
        assert!(outline(bytes.slice(..bytes.len() - 1)).is_err());
        assert!(outline(answer(&[7]).encode_to_vec().into()).is_err());
    }
}
