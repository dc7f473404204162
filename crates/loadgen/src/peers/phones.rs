//! Drivers' own streams, one on each connection: an update, its acknowledgement, the next update.

use kerb_geometry::LatLng;
use kerb_proto::v1;
use kerb_types::{Clock, SystemClock};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::CENTER_E7;
use super::measure::{Load, Signals, UpdateMeasurement, timed};
use super::process::Process;
use super::wire::url_of;
use crate::connect::channel;
use crate::driver_stream::{DriverStream, Event};

/// Offset of the phones from the city, so that no search of the comparison sees them.
const AWAY_E7: i32 = 30_000_000;

/// Sends updates until `over`.
pub(super) async fn run(
    process: &Process,
    load: &Load,
    signals: &Signals,
) -> Result<UpdateMeasurement, String> {
    let mut phones = Vec::new();
    for number in 0..load.connections {
        phones.push(Phone::open(&url_of(process.address()), number).await?);
    }
    signals.opened.cancel();
    let work = async {
        let mut tasks = JoinSet::new();
        for phone in phones {
            tasks.spawn(phone.run(signals.over.clone()));
        }
        tasks.join_all().await.into_iter().sum::<Result<u64, String>>()
    };
    let (applied, took) = timed(process, load.span, &signals.over, work).await?;
    Ok(UpdateMeasurement { applied, took })
}

struct Phone {
    stream: DriverStream,
    number: u32,
    sequence: u64,
}

impl Phone {
    async fn open(url: &str, number: u32) -> Result<Self, String> {
        let register = v1::Register {
            driver_id: format!("phone-{number}"),
            vehicle_class: "standard".to_owned(),
            ..v1::Register::default()
        };
        let opened = DriverStream::open(channel(url)?, register).await;
        let (stream, registered) =
            opened.map_err(|s| format!("phone {number}: {}: {}", s.code(), s.message()))?;
        Ok(Self { stream, number, sequence: registered.last_sequence })
    }

    async fn run(mut self, over: CancellationToken) -> Result<u64, String> {
        let mut applied = 0;
        while !over.is_cancelled() {
            self.sequence += 1;
            let update = self.update();
            let room = self.stream.room().ok_or("a phone's stream has ended")?;
            room.send(update);
            applied += self.acknowledged().await?;
        }
        Ok(applied)
    }

    fn update(&self) -> v1::PositionUpdate {
        let place = LatLng::from_e7(
            CENTER_E7.0 + AWAY_E7 + (self.sequence % 4) as i32 * 1_600,
            CENTER_E7.1 + self.number as i32 * 1_600,
        );
        let place = place.expect("the town is far from any edge");
        v1::PositionUpdate {
            sequence: self.sequence,
            time_ms: SystemClock.now().as_millis(),
            latitude_deg: place.lat_deg(),
            longitude_deg: place.lon_deg(),
            status: v1::DriverStatus::Available.into(),
            ..v1::PositionUpdate::default()
        }
    }

    /// Waits for the newest update's acknowledgement and returns how many were applied.
    async fn acknowledged(&mut self) -> Result<u64, String> {
        let mut applied = 0;
        loop {
            match self.stream.next().await {
                Ok(Event::Acknowledged(tally)) => {
                    applied += tally.acknowledged - tally.late - tally.rate;
                    if tally.sequence >= self.sequence {
                        return Ok(applied);
                    }
                }
                Ok(Event::Interval(_) | Event::Trip(_)) => {}
                Ok(Event::Refused { reason, .. }) => return Err(format!("an update was refused: {reason}")),
                Err(status) => return Err(format!("a phone: {}: {}", status.code(), status.message())),
            }
        }
    }
}
