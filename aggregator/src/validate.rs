//! Validates a caller's request into a query that no code behind checks again. Pure.
//!
//! The error names every invalid field with its path, its value and what would be valid.

use std::sync::Arc;

use h3o::Resolution;
use kerb_geometry::{Circle, LatLng, Polygon};
use kerb_ports::search::origin_of;
use kerb_ports::{Cursor, Search};
use kerb_proto::convert::driver_filter;
use kerb_proto::v1::find_nearby_request::Search as WireSearch;
use kerb_proto::v1::{DriverFilter, FindNearbyRequest, RankBy};
use kerb_types::limits::{
    BATCH_DRIVERS_MAX, BATCH_SEARCHES_MAX, H3_RESOLUTION_MAX, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX,
};
use kerb_types::{Catalog, FieldError, Timestamp};

use crate::error::AggregatorError;
use crate::options::Options;
use crate::page_token;
use crate::query::Query;

/// A validated request.
#[derive(Clone, Debug, PartialEq)]
pub struct ValidatedRequest {
    /// The query. In a search by pages its limit is one more than the page size, which shows whether another page follows.
    pub query: Query,
    /// The page; `None` for a nearest search.
    pub page: Option<Page>,
    /// Resolution of the H3 cells in the response; `None` for no cells.
    pub h3: Option<Resolution>,
    /// The point to which the response states travel times; `None` for no travel times.
    pub eta_to: Option<LatLng>,
    /// Whether to rank by travel time instead of distance. Only in a nearest search with `eta_to`.
    pub by_travel_time: bool,
}

/// The page of a search by pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Maximum drivers on the page.
    pub size: u32,
    /// The fingerprint that binds the page token to the request.
    pub fingerprint: u64,
}

/// Validates a request. The error names all invalid fields.
pub fn validate(
    request: FindNearbyRequest,
    catalog: &Catalog,
    options: &Options,
) -> Result<ValidatedRequest, AggregatorError> {
    let mut errors = Vec::new();
    let page = keep(page_of(&request), &mut errors).flatten();
    let after = page.and_then(|page| keep(after(&request.page_token, page), &mut errors)).flatten();
    let (rank, with_eta) = (is_by_travel_time(&request), with_eta(&request));
    let search = keep(search_of(request.search, page, after), &mut errors);
    let filter = keep(filter_of(&request.filter.unwrap_or_default(), catalog, options), &mut errors);
    let h3 = keep(resolution(request.h3_resolution), &mut errors);
    let by_travel_time = keep(rank, &mut errors);
    let with_eta = keep(with_eta, &mut errors);
    match (search, filter, h3, by_travel_time, with_eta) {
        (Some(search), Some(filter), Some(h3), Some(by_travel_time), Some(with_eta)) if errors.is_empty() => {
            let eta_to = origin_of(&search).filter(|_| with_eta || by_travel_time);
            let query = Query {
                search,
                statuses: filter.statuses,
                vehicle_classes: filter.vehicle_classes,
                capabilities: filter.capabilities,
                // The filter was made for the moment 0.
                age_max_ms: (Timestamp::default() - filter.time_min_ms).to_u32(),
            };
            Ok(ValidatedRequest { query, page, h3, eta_to, by_travel_time })
        }
        _ => Err(AggregatorError::Invalid(errors)),
    }
}

/// Validates every search of a batch call as [`validate`] does, and the limits of the call as a whole.
pub fn validate_batch(
    searches: Vec<FindNearbyRequest>,
    catalog: &Catalog,
    options: &Options,
) -> Result<Vec<ValidatedRequest>, AggregatorError> {
    if !(1..=BATCH_SEARCHES_MAX).contains(&searches.len()) {
        let description = format!("{} elements, must be 1 to {BATCH_SEARCHES_MAX}", searches.len());
        return Err(FieldError::new("searches", description).into());
    }
    let mut errors = Vec::new();
    let mut checked = Vec::with_capacity(searches.len());
    for (i, search) in searches.into_iter().enumerate() {
        match validate(search, catalog, options) {
            Ok(search) => checked.push(search),
            Err(AggregatorError::Invalid(wrong)) => {
                errors.extend(wrong.into_iter().map(|error| error.within(format_args!("searches[{i}]"))));
            }
            Err(error) => return Err(error),
        }
    }
    let drivers: u64 = checked.iter().map(ValidatedRequest::drivers_max).sum();
    if drivers > BATCH_DRIVERS_MAX {
        let description = format!("{drivers} drivers in sum, must be at most {BATCH_DRIVERS_MAX}");
        errors.push(FieldError::new("searches", description));
    }
    if errors.is_empty() { Ok(checked) } else { Err(AggregatorError::Invalid(errors)) }
}

impl ValidatedRequest {
    /// Returns the maximum number of drivers in the response.
    fn drivers_max(&self) -> u64 {
        u64::from(self.page.map_or(self.query.search.limit(), |page| page.size))
    }
}

fn keep<T>(checked: Result<T, FieldError>, errors: &mut Vec<FieldError>) -> Option<T> {
    checked.map_err(|error| errors.push(error)).ok()
}

/// Returns the page of a search by pages. A nearest search has no page, so a page size there is an error.
fn page_of(request: &FindNearbyRequest) -> Result<Option<Page>, FieldError> {
    if matches!(request.search, Some(WireSearch::Nearest(_)) | None) {
        if request.page_size != 0 {
            let description =
                format!("{}, must be 0 in a nearest search: it has one page of k", request.page_size);
            return Err(FieldError::new("page_size", description));
        }
        if !request.page_token.is_empty() {
            return Err(FieldError::new("page_token", "given, must be empty in a nearest search"));
        }
        return Ok(None);
    }
    let size = match request.page_size {
        0 => PAGE_SIZE_DEFAULT,
        1..=PAGE_SIZE_MAX => request.page_size,
        size => {
            let description = format!("{size}, must be 1 to {PAGE_SIZE_MAX}, or 0 for {PAGE_SIZE_DEFAULT}");
            return Err(FieldError::new("page_size", description));
        }
    };
    Ok(Some(Page { size, fingerprint: page_token::fingerprint(request) }))
}

fn after(token: &str, page: Page) -> Result<Option<Cursor>, FieldError> {
    if token.is_empty() { Ok(None) } else { page_token::decode(token, page.fingerprint).map(Some) }
}

fn search_of(
    search: Option<WireSearch>,
    page: Option<Page>,
    after: Option<Cursor>,
) -> Result<Search, FieldError> {
    let search = search.ok_or_else(|| {
        FieldError::new("search", "absent, must be one of nearest, within_radius, within_polygon")
    })?;
    let limit = page.map_or(1, |page| page.size + 1);
    match search {
        WireSearch::Nearest(nearest) => Search::try_from(nearest).map_err(|error| error.within("nearest")),
        WireSearch::WithinRadius(within) => {
            let circle = Circle::try_from(within).map_err(|error| error.within("within_radius"))?;
            Ok(Search::WithinRadius { circle, limit, after })
        }
        WireSearch::WithinPolygon(within) => {
            let polygon = Polygon::try_from(within).map_err(|error| error.within("within_polygon"))?;
            Ok(Search::WithinPolygon { polygon: Arc::new(polygon), limit, after })
        }
    }
}

/// Converts the filter for the moment 0, so that its oldest time is the negated age.
fn filter_of(
    filter: &DriverFilter,
    catalog: &Catalog,
    options: &Options,
) -> Result<kerb_ports::DriverFilter, FieldError> {
    let ages = (options.stale_after_ms, options.position_ttl_ms);
    driver_filter(filter, catalog, ages, Timestamp::default()).map_err(|error| error.within("filter"))
}

/// Whether the request ranks by travel time. Pages are ordered by distance or by id only, because an order by travel time
/// has no cursor to continue from.
fn is_by_travel_time(request: &FindNearbyRequest) -> Result<bool, FieldError> {
    let reject = |description: &str| Err(FieldError::new("rank_by", description));
    match (RankBy::try_from(request.rank_by), &request.search) {
        (Ok(RankBy::Unspecified | RankBy::Distance), _) => Ok(false),
        (Ok(RankBy::TravelTime), Some(WireSearch::Nearest(_)) | None) => Ok(true),
        (Ok(RankBy::TravelTime), Some(_)) => {
            reject("RANK_BY_TRAVEL_TIME, must be RANK_BY_DISTANCE in a search by pages: ask for nearest")
        }
        (Err(_), _) => reject(&format!("{}, must be 0 to 2", request.rank_by)),
    }
}

fn with_eta(request: &FindNearbyRequest) -> Result<bool, FieldError> {
    if request.include_eta && matches!(request.search, Some(WireSearch::WithinPolygon(_))) {
        let description = "true, must be false in a search within a polygon: it has no point to drive to";
        return Err(FieldError::new("include_eta", description));
    }
    Ok(request.include_eta)
}

fn resolution(wanted: Option<u32>) -> Result<Option<Resolution>, FieldError> {
    let Some(number) = wanted else { return Ok(None) };
    let resolution = u8::try_from(number).ok().and_then(|number| Resolution::try_from(number).ok());
    let out_of_range =
        || FieldError::new("h3_resolution", format!("{number}, must be 0 to {H3_RESOLUTION_MAX}, or absent"));
    resolution.map(Some).ok_or_else(out_of_range)
}
