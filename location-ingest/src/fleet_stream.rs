//! One gateway's stream: handles, columns, and an account at the end. Synchronous; the loop is in `grpc`.

use std::sync::Arc;

use kerb_ports::Error;
use kerb_proto::convert::{Columns, Report};
use kerb_proto::v1::{
    FleetDriver, FleetRejection, PositionColumns, ReportPositionsRequest, ReportPositionsResponse,
};
use kerb_types::FieldError;

use crate::node::IngestNode;
use crate::table::{Applied, Enrolled};
use crate::token::ResumeToken;
use crate::validate::{self, TimeWindow};

/// Handles of one stream, at most: 32 MiB.
pub const HANDLES_MAX: usize = 1 << 20;
/// Refusals that are named at the end, at most.
pub const REFUSALS_NAMED_MAX: usize = 100;

/// Rows whose memory is asked for at once.
const GROUP_ROWS: usize = 64;

/// A gateway's stream, also for a gateway in this process.
pub struct FleetStream {
    node: Arc<IngestNode>,
    handles: Vec<Option<Enrolled>>,
    /// Number of the request at hand, from 0.
    request: u64,
    account: ReportPositionsResponse,
    /// What the node's counters already have of the account: received, applied, late, rate, refused.
    counted: [u64; 5],
    /// The rows at hand; empty between calls.
    group: Vec<(u32, Result<Report, FieldError>)>,
}

impl FleetStream {
    pub(crate) fn new(node: Arc<IngestNode>) -> Self {
        Self {
            node,
            handles: Vec::new(),
            request: 0,
            account: ReportPositionsResponse::default(),
            counted: [0; 5],
            group: Vec::new(),
        }
    }

    /// Takes one request as a whole. [`Error::Overloaded`] when the table is full: the stream ends.
    pub fn take(&mut self, request: ReportPositionsRequest) -> Result<(), Error> {
        self.drivers(&request.drivers)?;
        if let Some(columns) = request.positions.and_then(|wire| self.columns(wire)) {
            self.rows(0, &mut columns.rows(), columns.len())?;
        }
        self.next_request();
        Ok(())
    }

    /// Takes the drivers that later rows name. [`Error::Overloaded`] when the table is full.
    pub(crate) fn drivers(&mut self, drivers: &[FleetDriver]) -> Result<(), Error> {
        for (i, driver) in drivers.iter().enumerate() {
            match self.driver(driver) {
                Ok(()) => {}
                Err(Error::Invalid(errors)) => {
                    let path = format!("drivers[{i}]");
                    self.refuse(i, errors.into_iter().map(|error| error.within(&path)).collect());
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn driver(&mut self, wire: &FleetDriver) -> Result<(), Error> {
        let handle = wire.handle as usize;
        if handle >= HANDLES_MAX {
            return Err(FieldError::new("handle", format!("{handle}, must be below {HANDLES_MAX}")).into());
        }
        if handle >= self.handles.len() {
            self.handles.resize(handle + 1, None);
        }
        // A refused driver leaves the handle without one: its rows must not reach the handle's last driver.
        self.handles[handle] = None;
        let catalog = &self.node.catalog;
        let profile = validate::profile(catalog, &wire.driver_id, &wire.vehicle_class, &wire.capabilities);
        let profile = profile.map_err(Error::Invalid)?;
        let token = ResumeToken::decode(&wire.resume_token, &profile.id)?;
        let driver = self.node.table.enrol(&profile, |_| ())?;
        self.node.take_token(driver.slot, token.as_ref());
        self.handles[handle] = Some(driver);
        Ok(())
    }

    /// Checks the columns as a whole; a batch that does not hold together is refused as one.
    pub(crate) fn columns(&mut self, wire: PositionColumns) -> Option<Columns> {
        let rows = wire.handle.len() as u64;
        self.account.received += rows;
        let refused = |error: FieldError| {
            self.account.rejected += rows;
            self.name_refusal(0, vec![error.within("positions")]);
        };
        Columns::try_from(wire).map_err(refused).ok()
    }

    /// Applies the next `count` rows; `row` is the number of the first. [`Error::Overloaded`] when a forgotten
    /// driver finds no room any more.
    pub(crate) fn rows(
        &mut self,
        mut row: usize,
        rows: &mut impl Iterator<Item = (u32, Result<Report, FieldError>)>,
        count: usize,
    ) -> Result<(), Error> {
        let window = self.node.window();
        let mut group = std::mem::take(&mut self.group);
        for start in (0..count).step_by(GROUP_ROWS) {
            group.extend(rows.take(GROUP_ROWS.min(count - start)));
            self.fetch(&group);
            for (handle, report) in group.drain(..) {
                let taken = report.and_then(|mut report| {
                    window.check(&mut report)?;
                    Ok(report)
                });
                match taken {
                    Ok(report) => self.row(row, handle, &report, window)?,
                    Err(error) => self.refuse(row, vec![error.within("positions")]),
                }
                row += 1;
            }
        }
        self.group = group;
        self.count();
        Ok(())
    }

    /// Asks for the memory of all rows of a group before the first is applied: their cache misses overlap, which
    /// an entry's lock would forbid. At 1 M drivers that is most of an update's time.
    fn fetch(&self, group: &[(u32, Result<Report, FieldError>)]) {
        let mut slots = [0; GROUP_ROWS];
        for (slot, (handle, _)) in slots.iter_mut().zip(group) {
            *slot =
                self.handles.get(*handle as usize).and_then(Option::as_ref).map_or(0, |driver| driver.slot);
        }
        self.node.table.fetch(&slots[..group.len()]);
    }

    #[inline]
    fn row(&mut self, row: usize, handle: u32, report: &Report, window: TimeWindow) -> Result<(), Error> {
        let Some(Some(driver)) = self.handles.get_mut(handle as usize) else {
            let text = format!("{handle}, must be one that this stream has given a driver");
            self.refuse(row, vec![FieldError::new("positions.handle", text)]);
            return Ok(());
        };
        let table = &self.node.table;
        let applied = loop {
            match table.apply(driver, report, window.now_ms, self.node.fleet_limit) {
                Ok(applied) => break applied,
                Err(_stale) => *driver = table.enrol_again(driver)?,
            }
        };
        match applied {
            Applied::Newest(_) => self.account.applied += 1,
            Applied::Late => self.account.dropped_late += 1,
            Applied::TooFast => self.account.dropped_rate += 1,
        }
        Ok(())
    }

    /// Ends a request: the next has the next number.
    pub(crate) fn next_request(&mut self) {
        self.count();
        self.request += 1;
    }

    /// What became of the stream so far.
    pub fn so_far(&self) -> &ReportPositionsResponse {
        &self.account
    }

    /// What became of the stream.
    pub fn account(self) -> ReportPositionsResponse {
        self.account
    }

    #[cold]
    fn refuse(&mut self, row: usize, errors: Vec<FieldError>) {
        self.account.rejected += 1;
        self.name_refusal(row, errors);
    }

    fn name_refusal(&mut self, row: usize, errors: Vec<FieldError>) {
        if self.account.rejections.len() < REFUSALS_NAMED_MAX {
            let errors = validate::to_wire(errors);
            self.account.rejections.push(FleetRejection { request: self.request, row: row as u32, errors });
        }
    }

    /// Brings the node's counters up to the account.
    fn count(&mut self) {
        let ReportPositionsResponse { received, applied, dropped_late, dropped_rate, rejected, .. } =
            self.account;
        let counters = &self.node.counters;
        let now = [received, applied, dropped_late, dropped_rate, rejected];
        let all = [
            &counters.received,
            &counters.applied,
            &counters.dropped_late,
            &counters.dropped_rate,
            &counters.refused,
        ];
        for ((counter, now), before) in all.into_iter().zip(now).zip(self.counted) {
            counter.add(now - before);
        }
        self.counted = now;
    }
}
