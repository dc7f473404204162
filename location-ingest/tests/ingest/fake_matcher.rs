//! A matcher for tests: it records every call, and the test decides when and with what it answers.

use std::sync::Arc;

use futures::FutureExt;
use futures::future::ready;
use kerb_ports::{DriverAction, DriverEvents, DriverEventsError, DriverNotification, PortFuture};
use kerb_trips::{TripId, TripState};
use kerb_types::DriverId;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, watch};

use crate::fixture::eventually;

/// A call to the matcher.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Call {
    Act(String, String, DriverAction),
    Connected(String),
    Disconnected(String),
    Unavailable(String, String),
}

type Outcome = Box<dyn Fn(&TripId, &DriverAction) -> Result<TripState, DriverEventsError> + Send + Sync>;

pub(crate) struct FakeMatcher {
    calls: Mutex<Vec<Call>>,
    outcome: Outcome,
    /// The notification for a driver that connects.
    pub(crate) notification: Mutex<Option<DriverNotification>>,
    /// Number of the next [`DriverEvents::connected`] calls that fail.
    pub(crate) failures: Mutex<usize>,
    /// Number of the next [`DriverEvents::unavailable`] calls that fail.
    pub(crate) return_failures: Mutex<usize>,
    /// Permits for answers to actions.
    pub(crate) actions: Semaphore,
    /// [`DriverEvents::connected`] and [`DriverEvents::disconnected`] answer while it is true.
    pub(crate) open: watch::Sender<bool>,
}

impl FakeMatcher {
    /// A matcher that answers every action at once.
    pub(crate) fn new(
        outcome: impl Fn(&TripId, &DriverAction) -> Result<TripState, DriverEventsError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            calls: Mutex::default(),
            outcome: Box::new(outcome),
            notification: Mutex::default(),
            failures: Mutex::default(),
            return_failures: Mutex::default(),
            actions: Semaphore::new(Semaphore::MAX_PERMITS),
            open: watch::Sender::new(true),
        })
    }

    /// A matcher that answers an action only with a permit.
    pub(crate) fn slow() -> Arc<Self> {
        let matcher = Self::new(|_, _| Ok(TripState::EnRoute));
        matcher.actions.forget_permits(Semaphore::MAX_PERMITS);
        matcher
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().clone()
    }

    pub(crate) fn acts(&self) -> usize {
        self.calls.lock().iter().filter(|call| matches!(call, Call::Act(..))).count()
    }

    /// Waits until `count` calls have come.
    pub(crate) async fn called(&self, count: usize) {
        eventually("the matcher is called", || self.calls.lock().len() >= count).await;
    }
}

impl DriverEvents for FakeMatcher {
    fn act(
        &self,
        driver: DriverId,
        trip: TripId,
        action: DriverAction,
    ) -> PortFuture<'_, TripState, DriverEventsError> {
        async move {
            let outcome = (self.outcome)(&trip, &action);
            self.calls.lock().push(Call::Act(driver.as_str().to_owned(), trip.to_string(), action));
            self.actions.acquire().await.unwrap().forget();
            outcome
        }
        .boxed()
    }

    fn connected(&self, driver: DriverId) -> PortFuture<'_, Option<DriverNotification>, DriverEventsError> {
        async move {
            self.calls.lock().push(Call::Connected(driver.as_str().to_owned()));
            let fails = {
                let mut failures = self.failures.lock();
                let fails = *failures > 0;
                *failures = failures.saturating_sub(1);
                fails
            };
            self.open.subscribe().wait_for(|open| *open).await.unwrap();
            if fails {
                return Err(DriverEventsError::DeadlineExceeded("scripted".to_owned()));
            }
            Ok(self.notification.lock().clone())
        }
        .boxed()
    }

    fn unavailable(&self, driver: DriverId, trip: TripId) -> PortFuture<'_, (), DriverEventsError> {
        self.calls.lock().push(Call::Unavailable(driver.as_str().to_owned(), trip.to_string()));
        let mut failures = self.return_failures.lock();
        let fails = *failures > 0;
        *failures = failures.saturating_sub(1);
        let error = || Err(DriverEventsError::DeadlineExceeded("scripted".to_owned()));
        ready(if fails { error() } else { Ok(()) }).boxed()
    }

    fn disconnected(&self, driver: DriverId) -> PortFuture<'_, (), DriverEventsError> {
        async move {
            self.calls.lock().push(Call::Disconnected(driver.as_str().to_owned()));
            self.open.subscribe().wait_for(|open| *open).await.unwrap();
            Ok(())
        }
        .boxed()
    }
}
