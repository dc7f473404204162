//! `NearbyService`: a hand-written tonic service, because its responses are already encoded.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes};
use futures::FutureExt;
use futures::future::BoxFuture;
use h3o::Resolution;
use kerb_ports::{Cursor, Neighbor, Search};
use kerb_proto::codec::check_elements;
use kerb_proto::deadline::timeout_of;
use kerb_proto::status::status_of;
use kerb_proto::v1::find_nearby_request::Search as WireSearch;
use kerb_proto::v1::nearby_service_server::SERVICE_NAME;
use kerb_proto::v1::{FindNearbyBatchRequest, FindNearbyRequest};
use kerb_types::limits::MESSAGE_BYTES_MAX;
use kerb_types::run_blocking;
use prost::Message;
use tokio::time::Instant;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::{Body, Service, StdError, http};
use tonic::server::{NamedService, UnaryService};
use tonic::{Request, Response, Status};

use super::encode::{self, Presenter, Travel};
use crate::batch::run_all;
use crate::error::AggregatorError;
use crate::handle::Aggregator;
use crate::merge::Coverage;
use crate::page_token;
use crate::query::SearchResult;
use crate::validate::{Page, ValidatedRequest, validate, validate_batch};

/// A batch with more vertices is validated on a blocking thread.
const INLINE_VERTICES_MAX: usize = 1_000;

/// The service for searches. Cheap to clone.
#[derive(Clone)]
pub struct Nearby(Aggregator);

impl Nearby {
    pub(super) fn new(aggregator: Aggregator) -> Self {
        Self(aggregator)
    }

    /// Handles `FindNearby`; returns an encoded `FindNearbyResponse`.
    pub async fn find_nearby(&self, request: Request<FindNearbyRequest>) -> Result<Response<Bytes>, Status> {
        let Self(aggregator) = self;
        let deadline = aggregator.options().deadline(timeout_of(request.metadata()), Instant::now());
        let checked = validate(request.into_inner(), aggregator.catalog(), aggregator.options());
        let checked = checked.map_err(|error| status_of(&error))?;
        let answer = answer(aggregator, checked, deadline).await;
        answer.map(|bytes| Response::new(bytes.into())).map_err(|error| status_of(&error))
    }

    /// Handles `FindNearbyBatch`; returns an encoded `FindNearbyBatchResponse`.
    pub async fn find_nearby_batch(
        &self,
        request: Request<FindNearbyBatchRequest>,
    ) -> Result<Response<Bytes>, Status> {
        let timeout = timeout_of(request.metadata());
        let searches = request.into_inner().searches;
        let deadline = self.0.options().batch_deadline(searches.len(), timeout, Instant::now());
        let _permit = self.0.admit_batch(deadline).await.map_err(|error| status_of(&error))?;
        let answers = answer_all(&self.0, searches, deadline).await.map_err(|error| status_of(&error))?;
        Ok(Response::new(encode::batch(&answers).into()))
    }
}

/// Returns the encoded answers to the searches of a batch. An answer that was not complete in time is partial.
async fn answer_all(
    aggregator: &Aggregator,
    searches: Vec<FindNearbyRequest>,
    deadline: Instant,
) -> Result<Vec<Vec<u8>>, AggregatorError> {
    let checked = check_all(aggregator, searches).await?;
    let shared = aggregator.clone();
    let ask = move |checked: ValidatedRequest| {
        let aggregator = shared.clone();
        async move {
            let h3 = checked.h3;
            match answer(&aggregator, checked, deadline).await {
                Err(AggregatorError::DeadlineExceeded(_)) => Ok(no_answer(&aggregator, h3)),
                answer => answer,
            }
        }
    };
    run_all(checked, aggregator.batch_lane(), ask).await
}

/// Validates the searches of a batch: on a blocking thread if they have many vertices, which take 300 ns each.
async fn check_all(
    aggregator: &Aggregator,
    searches: Vec<FindNearbyRequest>,
) -> Result<Vec<ValidatedRequest>, AggregatorError> {
    let check = |aggregator: &Aggregator, searches| {
        validate_batch(searches, aggregator.catalog(), aggregator.options())
    };
    if searches.iter().map(vertex_count).sum::<usize>() <= INLINE_VERTICES_MAX {
        return check(aggregator, searches);
    }
    // The lane bounds how many batches are validated at a time.
    let permit = Arc::clone(aggregator.batch_lane()).acquire_owned().await;
    let (permit, shared) = (permit.expect("it is never closed"), aggregator.clone());
    let checked = run_blocking(move || {
        let _permit = permit;
        check(&shared, searches)
    });
    let failed = |error| AggregatorError::Internal(format!("a batch was not validated: {error}"));
    checked.await.map_err(failed)?
}

fn vertex_count(request: &FindNearbyRequest) -> usize {
    match &request.search {
        Some(WireSearch::WithinPolygon(polygon)) => {
            polygon.vertices.len() + polygon.holes.iter().map(|hole| hole.vertices.len()).sum::<usize>()
        }
        _ => 0,
    }
}

/// Encodes the answer to a search whose travel times were not computed in time: no drivers, and every shard missing.
fn no_answer(aggregator: &Aggregator, h3: Option<Resolution>) -> Vec<u8> {
    let missing: Vec<_> = aggregator.all_shards().collect();
    // At most `SHARDS_MAX` shards, so the cast cannot lose.
    let coverage = Coverage { searched: missing.len() as u32, missing };
    let travel = Travel { etas: &[], ranking_incomplete: true };
    encode::answer(&present(aggregator, h3), &[], travel, &coverage, "")
}

async fn answer(
    aggregator: &Aggregator,
    checked: ValidatedRequest,
    deadline: Instant,
) -> Result<Vec<u8>, AggregatorError> {
    if let (true, &Search::Nearest { circle, k }) = (checked.by_travel_time, &checked.query.search) {
        let ranked = aggregator.find_nearest_by_eta(&checked.query, circle, k, deadline).await?;
        let present = present(aggregator, checked.h3);
        let travel = Travel { etas: &ranked.etas, ranking_incomplete: !ranked.exact };
        return Ok(encode::answer(&present, &ranked.neighbors, travel, &ranked.coverage, ""));
    }
    let by_id = matches!(checked.query.search, Search::WithinPolygon { .. });
    let found = aggregator.find(checked.query, deadline).await?;
    let (shown, next_page_token) = cut_to_page(&found, checked.page, by_id);
    let etas = match checked.eta_to {
        Some(point) => aggregator.etas(shown.iter().collect(), point, deadline).await?,
        None => Vec::new(),
    };
    let travel = Travel { etas: &etas, ranking_incomplete: false };
    Ok(encode::answer(&present(aggregator, checked.h3), shown, travel, &found.coverage, &next_page_token))
}

fn present(aggregator: &Aggregator, h3: Option<Resolution>) -> Presenter<'_> {
    Presenter { catalog: aggregator.catalog(), now: aggregator.now(), h3 }
}

/// Returns the drivers of the page, and the token of the next page if there is one.
fn cut_to_page(found: &SearchResult, page: Option<Page>, by_id: bool) -> (&[Neighbor], String) {
    match page {
        Some(page) if found.neighbors.len() > page.size as usize => {
            let shown = &found.neighbors[..page.size as usize];
            let last = shown.last().expect("a page has at least one driver");
            let hav = if by_id { 0.0 } else { last.hav };
            let cursor = Cursor { hav, id: last.profile.id.clone() };
            (shown, page_token::encode(page.fingerprint, &cursor))
        }
        _ => (&found.neighbors, String::new()),
    }
}

impl NamedService for Nearby {
    const NAME: &'static str = SERVICE_NAME;
}

impl<B> Service<http::Request<B>> for Nearby
where
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    type Response = http::Response<tonic::body::Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        let method = request.uri().path().strip_prefix('/').and_then(|path| path.strip_prefix(SERVICE_NAME));
        match method {
            Some("/FindNearby") => {
                let nearby = self.clone();
                let find = move |request| {
                    let nearby = nearby.clone();
                    async move { nearby.find_nearby(request).await }.boxed()
                };
                unary(Method(find), request)
            }
            Some("/FindNearbyBatch") => {
                let nearby = self.clone();
                let find = move |request| {
                    let nearby = nearby.clone();
                    async move { nearby.find_nearby_batch(request).await }.boxed()
                };
                unary(Method(find), request)
            }
            _ => async { Ok(Status::unimplemented("").into_http()) }.boxed(),
        }
    }
}

type Answer = BoxFuture<'static, Result<Response<Bytes>, Status>>;

/// Adapts a closure to the trait that tonic dispatches to.
struct Method<F>(F);

impl<F: Fn(Request<M>) -> Answer, M> UnaryService<M> for Method<F> {
    type Response = Bytes;
    type Future = Answer;

    fn call(&mut self, request: Request<M>) -> Answer {
        self.0(request)
    }
}

fn unary<F, M, B>(
    method: Method<F>,
    request: http::Request<B>,
) -> BoxFuture<'static, Result<http::Response<tonic::body::Body>, Infallible>>
where
    F: Fn(Request<M>) -> Answer + Send + 'static,
    M: Message + Default + 'static,
    B: Body + Send + 'static,
    B::Error: Into<StdError> + Send + 'static,
{
    let codec = EncodedAnswers(PhantomData);
    let mut grpc =
        tonic::server::Grpc::new(codec).apply_max_message_size_config(Some(MESSAGE_BYTES_MAX), None);
    async move { Ok(grpc.unary(method, request).await) }.boxed()
}

/// A codec that decodes requests with prost and passes encoded responses through.
struct EncodedAnswers<M>(PhantomData<fn() -> M>);

impl<M: Message + Default + 'static> Codec for EncodedAnswers<M> {
    type Encode = Bytes;
    type Decode = M;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self(PhantomData)
    }

    fn decoder(&mut self) -> Self {
        Self(PhantomData)
    }
}

impl<M> Encoder for EncodedAnswers<M> {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        out.reserve(item.len());
        out.put(item);
        Ok(())
    }
}

impl<M: Message + Default> Decoder for EncodedAnswers<M> {
    type Item = M;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<M>, Status> {
        check_elements(from.chunk())?;
        M::decode(from).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}
