//! The stream of one gateway: it binds handles to drivers, applies columns of positions, and sums up what became of them.
//! Synchronous; its loop is in `grpc`.

use std::sync::Arc;

use kerb_ports::Slot;
use kerb_proto::convert::{Columns, Report};
use kerb_proto::v1::{
    FleetDriver, FleetNotice, FleetRejection, Notice, PositionColumns, ReportPositionsRequest,
    ReportPositionsResponse,
};
use kerb_types::{DriverStatus, FieldError};

use super::fleet_notices::{FleetNotices, NOTICES_MAX};
use super::notices::is_old;
use super::offer_return::return_open_offer;
use super::stream_context::StreamContext;
use super::validate::{self, TimeWindow};
use crate::error::IngestError;
use crate::replication::resume_token::ResumeToken;
use crate::table::RegisteredDriver;
use crate::table::update::UpdateOutcome;

/// Maximum handles of one stream: 32 MiB.
pub const HANDLES_MAX: usize = 1 << 20;
/// Maximum rejections that the response names.
pub const REJECTIONS_NAMED_MAX: usize = 100;

/// Rows whose entries are prefetched together.
const GROUP_ROWS: usize = 64;

/// The stream of a gateway, over gRPC or in this process.
pub struct FleetStream {
    context: Arc<StreamContext>,
    /// The driver of each handle; `None` for a handle without one.
    drivers: Vec<Option<RegisteredDriver>>,
    /// Number of the current request, from 0.
    request: u64,
    summary: ReportPositionsResponse,
    notices: FleetNotices,
    /// The part of the summary that the metrics have already: received, applied, late, rate, rejected.
    counted: [u64; 5],
    /// The current group of rows; empty between calls. A field, because it keeps its memory.
    group: Vec<(u32, Result<Report, FieldError>)>,
}

impl FleetStream {
    pub(crate) fn new(context: Arc<StreamContext>) -> Self {
        Self {
            context,
            drivers: Vec::new(),
            request: 0,
            summary: ReportPositionsResponse::default(),
            notices: FleetNotices::default(),
            counted: [0; 5],
            group: Vec::new(),
        }
    }

    /// Handles one request as a whole. [`IngestError::Overloaded`] when the table is full: the stream ends.
    pub fn take(&mut self, request: ReportPositionsRequest) -> Result<(), IngestError> {
        self.register_drivers(&request.drivers)?;
        if let Some(columns) = request.positions.and_then(|wire| self.validate_columns(wire)) {
            self.apply_rows(0, &mut columns.rows(), columns.len())?;
        }
        self.end_request();
        Ok(())
    }

    /// Registers the drivers of new handles. [`IngestError::Overloaded`] when the table is full.
    pub(crate) fn register_drivers(&mut self, drivers: &[FleetDriver]) -> Result<(), IngestError> {
        for (i, driver) in drivers.iter().enumerate() {
            match self.register_driver(driver) {
                Ok(()) => {}
                Err(IngestError::Invalid(errors)) => {
                    let path = format!("drivers[{i}]");
                    self.reject(i, errors.into_iter().map(|error| error.within(&path)).collect());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn register_driver(&mut self, wire: &FleetDriver) -> Result<(), IngestError> {
        let handle = wire.handle as usize;
        if handle >= HANDLES_MAX {
            return Err(FieldError::new("handle", format!("{handle}, must be below {HANDLES_MAX}")).into());
        }
        if handle >= self.drivers.len() {
            self.drivers.resize(handle + 1, None);
        }
        // A rejected driver leaves the handle without one: its rows must not reach the handle's last driver.
        self.drivers[handle] = None;
        self.notices.rebind(wire.handle);
        let catalog = &self.context.catalog;
        let profile = validate::profile(catalog, &wire.driver_id, &wire.vehicle_class, &wire.capabilities);
        let profile = profile.map_err(IngestError::Invalid)?;
        let token = ResumeToken::decode(&wire.resume_token, &profile.id)?;
        let driver = self.context.table.register(&profile, |_| ())?;
        self.context.take_token(&driver, token.as_ref());
        self.drivers[handle] = Some(driver);
        Ok(())
    }

    /// Validates the columns as a whole. Columns of different lengths are rejected with all of their rows.
    pub(crate) fn validate_columns(&mut self, wire: PositionColumns) -> Option<Columns> {
        let rows = wire.handle.len() as u64;
        self.summary.received += rows;
        let reject = |error: FieldError| {
            self.summary.rejected += rows;
            self.name_rejection(0, vec![error.within("positions")]);
        };
        Columns::try_from(wire).map_err(reject).ok()
    }

    /// Applies the next `count` rows; `row` is the number of the first. [`IngestError::Overloaded`] when the table is full
    /// and a retired driver must register again.
    pub(crate) fn apply_rows(
        &mut self,
        mut row: usize,
        rows: &mut impl Iterator<Item = (u32, Result<Report, FieldError>)>,
        count: usize,
    ) -> Result<(), IngestError> {
        let window = self.context.window();
        let mut group = std::mem::take(&mut self.group);
        for start in (0..count).step_by(GROUP_ROWS) {
            group.extend(rows.take(GROUP_ROWS.min(count - start)));
            self.prefetch(&group);
            for (handle, report) in group.drain(..) {
                let report = report.and_then(|report| window.check(&report).map(|()| report));
                match report {
                    Ok(report) => self.apply_row(row, handle, &report, window)?,
                    Err(error) => self.reject(row, vec![error.within("positions")]),
                }
                row += 1;
            }
        }
        self.group = group;
        self.count();
        Ok(())
    }

    /// Prefetches the entries of all rows of a group before the first is applied. So their cache misses overlap, which the
    /// entries' locks would forbid. At 1 M drivers the misses are most of an update's time.
    fn prefetch(&self, group: &[(u32, Result<Report, FieldError>)]) {
        let mut slots = [Slot::default(); GROUP_ROWS];
        for (slot, (handle, _)) in slots.iter_mut().zip(group) {
            let driver = self.drivers.get(*handle as usize).and_then(Option::as_ref);
            *slot = driver.map_or(Slot::default(), |driver| driver.slot);
        }
        self.context.table.prefetch(&slots[..group.len()]);
    }

    #[inline]
    fn apply_row(
        &mut self,
        row: usize,
        handle: u32,
        report: &Report,
        window: TimeWindow,
    ) -> Result<(), IngestError> {
        let Some(Some(driver)) = self.drivers.get_mut(handle as usize) else {
            let text = format!("{handle}, must be one that this stream has given a driver");
            self.reject(row, vec![FieldError::new("positions.handle", text)]);
            return Ok(());
        };
        let table = &self.context.table;
        let result = loop {
            match table.apply(driver, report, window.now, self.context.fleet_limit) {
                Ok(result) => break result,
                Err(_stale) => *driver = table.register_again(driver)?,
            }
        };
        match result.outcome {
            UpdateOutcome::Newest(_) => {
                if report.status.is_some_and(|status| status != DriverStatus::Available) {
                    return_open_offer(&self.context, driver.slot);
                }
                self.summary.applied += 1;
                let old_after = self.context.options.stale_after_ms();
                let old = is_old(report, window.now, old_after);
                self.summary.applied_old += u64::from(old);
                if self.notices.watches(handle, old) {
                    let notice = self.notices.applied(handle, report, window.now, old_after);
                    self.push_notice(row, handle, notice);
                }
            }
            UpdateOutcome::Late => {
                self.summary.dropped_late += 1;
                if let Some(newest) = &result.state {
                    let notice = self.notices.late(handle, report, newest, window.now);
                    self.push_notice(row, handle, notice);
                }
            }
            UpdateOutcome::TooFast => self.summary.dropped_rate += 1,
            UpdateOutcome::Ahead { sequence_max } => {
                let (sequence, last) = (report.update_version.sequence, result.state.as_ref());
                let error = validate::sequence_ahead(sequence, sequence_max, last, 0);
                self.reject(row, vec![error.within("positions")]);
            }
        }
        Ok(())
    }

    /// Ends a request: the next one has the next number.
    pub(crate) fn end_request(&mut self) {
        self.count();
        self.request += 1;
    }

    /// Returns the sums so far.
    pub fn summary_so_far(&self) -> &ReportPositionsResponse {
        &self.summary
    }

    /// Ends the stream and returns its sums.
    pub fn into_summary(self) -> ReportPositionsResponse {
        self.summary
    }

    #[cold]
    fn reject(&mut self, row: usize, errors: Vec<FieldError>) {
        self.summary.rejected += 1;
        self.name_rejection(row, errors);
    }

    fn name_rejection(&mut self, row: usize, errors: Vec<FieldError>) {
        if self.summary.rejections.len() < REJECTIONS_NAMED_MAX {
            let errors = validate::to_wire(errors);
            // Cannot lose: a message has fewer rows than bytes.
            self.summary.rejections.push(FleetRejection { request: self.request, row: row as u32, errors });
        }
    }

    fn push_notice(&mut self, row: usize, handle: u32, notice: Option<Notice>) {
        let driver = self.drivers.get(handle as usize).and_then(Option::as_ref);
        let (Some(driver), Some(notice)) = (driver, notice) else { return };
        // A handle that is bound again may get further notices, so the sum needs a limit of its own.
        if self.summary.notices.len() >= NOTICES_MAX {
            return;
        }
        // Cannot lose: a message has fewer rows than bytes.
        let (request, row, driver_id) = (self.request, row as u32, driver.id.to_string());
        self.summary.notices.push(FleetNotice { driver_id, request, row, notice: Some(notice) });
    }

    /// Adds what is new in the summary to the metrics.
    fn count(&mut self) {
        let ReportPositionsResponse { received, applied, dropped_late, dropped_rate, rejected, .. } =
            self.summary;
        let metrics = &self.context.metrics;
        let now = [received, applied, dropped_late, dropped_rate, rejected];
        let counters = [
            &metrics.received,
            &metrics.applied,
            &metrics.dropped_late,
            &metrics.dropped_rate,
            &metrics.rejected,
        ];
        for ((counter, now), before) in counters.into_iter().zip(now).zip(self.counted) {
            counter.add(now - before);
        }
        self.counted = now;
    }
}
