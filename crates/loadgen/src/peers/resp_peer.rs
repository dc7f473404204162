//! Redis, Valkey and Tile38 under measurement: one server each, nothing on disk, commands in pipelines.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use kerb_geometry::LatLng;
use tempfile::TempDir;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::fleet::{Fleet, Kind, Query, REST, driver_of, id_of};
use super::measure::{Load, Signals, UpdateMeasurement, timed};
use super::process::{Process, free_address};
use super::resp::{Connection, Reply, encode};
use super::wire::BEHIND_MAX;

/// The key that holds all drivers.
const KEY: &[u8] = b"fleet";
/// Commands in a pipeline when a fleet is loaded.
const LOADING: usize = 1_000;

/// The dialect of commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Redis and its commands.
    Redis,
    /// Redis's fork with the same commands.
    Valkey,
    /// Tile38 and its own commands.
    Tile38,
}

/// A running server that speaks RESP.
pub(super) struct RespPeer {
    dialect: Dialect,
    process: Process,
    /// The folder of its files; the measurement turns persistence off.
    _folder: TempDir,
    /// Updates of all runs so far: each run continues where the one before ended.
    count: Arc<AtomicU64>,
}

impl Dialect {
    pub(super) const ALL: [Self; 3] = [Self::Redis, Self::Valkey, Self::Tile38];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Redis => "redis",
            Self::Valkey => "valkey",
            Self::Tile38 => "tile38",
        }
    }

    pub(super) fn program(self) -> &'static str {
        match self {
            Self::Redis => "redis-server",
            Self::Valkey => "valkey-server",
            Self::Tile38 => "tile38-server",
        }
    }

    fn arguments(self, port: u16, folder: &Path) -> Vec<String> {
        let folder = folder.display().to_string();
        let words = match self {
            Self::Redis | Self::Valkey => {
                format!("--port {port} --bind 127.0.0.1 --appendonly no --daemonize no --dir {folder} --save")
            }
            Self::Tile38 => format!("-h 127.0.0.1 -p {port} -d {folder} -appendonly no -q"),
        };
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        if self != Self::Tile38 {
            words.push(String::new());
        }
        words
    }

    /// Appends the command that moves a driver.
    pub(super) fn update(self, driver: u32, place: LatLng, out: &mut Vec<u8>) {
        let (lat, lon, id) = (degrees(place.lat_e7()), degrees(place.lon_e7()), id_of(driver));
        let (lat, lon, id) = (lat.as_bytes(), lon.as_bytes(), id.as_bytes());
        match self {
            Self::Redis | Self::Valkey => encode(&[b"GEOADD", KEY, lon, lat, id], out),
            Self::Tile38 => encode(&[b"SET", KEY, id, b"POINT", lat, lon], out),
        }
    }

    /// Appends the search command. The answer holds ids alone, which is the cheapest form.
    pub(super) fn query(self, query: &Query) -> Vec<u8> {
        let (lat, lon) = (degrees(query.point.lat_e7()), degrees(query.point.lon_e7()));
        let (radius_m, limit) = (query.kind.radius_m().to_string(), query.kind.limit());
        let count = limit.unwrap_or(u32::MAX as usize).to_string();
        let (lat, lon, radius_m) = (lat.as_bytes(), lon.as_bytes(), radius_m.as_bytes());
        let mut words: Vec<&[u8]> = match (self, query.kind) {
            (Self::Redis | Self::Valkey, _) => {
                vec![b"GEOSEARCH", KEY, b"FROMLONLAT", lon, lat, b"BYRADIUS", radius_m, b"m"]
            }
            (Self::Tile38, Kind::Nearest) => {
                vec![b"NEARBY", KEY, b"LIMIT", count.as_bytes(), b"IDS", b"POINT"]
            }
            (Self::Tile38, Kind::Within) => {
                vec![b"WITHIN", KEY, b"LIMIT", count.as_bytes(), b"IDS", b"CIRCLE"]
            }
        };
        match self {
            Self::Redis | Self::Valkey if limit.is_some() => {
                words.extend([&b"ASC"[..], b"COUNT", count.as_bytes()]);
            }
            Self::Redis | Self::Valkey => {}
            Self::Tile38 => words.extend([lat, lon, radius_m]),
        }
        let mut out = Vec::new();
        encode(&words, &mut out);
        out
    }

    /// Returns the ids of an answer. Tile38 puts a cursor before them.
    pub(super) fn ids<'r, 'a>(self, reply: &'r Reply<'a>) -> Option<&'r [Reply<'a>]> {
        match (self, reply) {
            (Self::Redis | Self::Valkey, Reply::Array(ids)) => Some(ids),
            (Self::Tile38, Reply::Array(parts)) => match parts.as_slice() {
                [_, Reply::Array(ids)] => Some(ids),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Formats a coordinate exactly, with seven decimals.
fn degrees(e7: i32) -> String {
    let sign = if e7 < 0 { "-" } else { "" };
    format!("{sign}{}.{:07}", e7.unsigned_abs() / 10_000_000, e7.unsigned_abs() % 10_000_000)
}

impl RespPeer {
    pub(super) async fn start(dialect: Dialect, program: &Path) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
        let address = free_address()?;
        let mut command = Command::new(program);
        command.args(dialect.arguments(address.port(), folder.path()));
        let process = Process::start(command, address).await?;
        let count = Arc::new(AtomicU64::new(0));
        Ok(Self { dialect, process, _folder: folder, count })
    }

    pub(super) fn dialect(&self) -> Dialect {
        self.dialect
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) async fn connect(&self) -> Result<Connection, String> {
        Connection::open(self.process.address()).await
    }

    /// As [`super::system::System::load`].
    pub(super) async fn load(&self, fleet: &Fleet) -> Result<(), String> {
        let mut connection = self.connect().await?;
        let mut commands = Vec::new();
        for first in (0..fleet.len()).step_by(LOADING) {
            commands.clear();
            let drivers = first..fleet.len().min(first + LOADING as u32);
            let count = drivers.len();
            for turn in drivers {
                let driver = fleet.turn(u64::from(turn));
                self.dialect.update(driver, fleet.place(driver, REST), &mut commands);
            }
            connection.ask(&commands, count, |_| ()).await?;
        }
        Ok(())
    }

    /// As [`super::system::System::update`].
    pub(super) async fn update(
        &self,
        fleet: &Fleet,
        load: &Load,
        signals: &Signals,
    ) -> Result<UpdateMeasurement, String> {
        let mut connections = Vec::new();
        for _ in 0..load.connections {
            connections.push(self.connect().await?);
        }
        signals.opened.cancel();
        let over = &signals.over;
        let work = connections.into_iter().map(|connection| self.pipeline(connection, fleet, load, over));
        let (applied, took) =
            timed(&self.process, load.span, over, futures::future::try_join_all(work)).await?;
        Ok(UpdateMeasurement { applied: applied.into_iter().sum(), took })
    }

    async fn pipeline(
        &self,
        mut connection: Connection,
        fleet: &Fleet,
        load: &Load,
        over: &CancellationToken,
    ) -> Result<u64, String> {
        let rows = u64::from(load.in_flight);
        let rate = load.per_s.map(|per_s| f64::from(per_s) / f64::from(load.connections));
        let period = rate.map(|rate| Duration::from_secs_f64(rows as f64 / rate));
        let (mut next, mut applied, mut commands) = (Instant::now(), 0, Vec::new());
        while !over.is_cancelled() {
            if let Some(period) = period {
                sleep_until(next).await;
                next = (next + period).max(Instant::now() - BEHIND_MAX);
            }
            commands.clear();
            let first = self.count.fetch_add(rows, Ordering::Relaxed);
            for count in first..first + rows {
                let (driver, step) = (fleet.turn(count), count / u64::from(fleet.len()));
                self.dialect.update(driver, fleet.place(driver, step + 1), &mut commands);
            }
            connection.ask(&commands, load.in_flight as usize, |_| ()).await?;
            applied += rows;
        }
        Ok(applied)
    }

    /// As [`super::system::System::answer`].
    pub(super) async fn answer(&self, query: &Query) -> Result<Vec<u32>, String> {
        let (mut drivers, mut strange) = (Vec::new(), None);
        let dialect = self.dialect;
        self.connect()
            .await?
            .ask(&dialect.query(query), 1, |reply| {
                let ids = dialect.ids(&reply).unwrap_or_default().iter();
                let ids = ids.map(|id| if let Reply::Text(id) = id { driver_of(id) } else { None });
                match ids.collect::<Option<Vec<u32>>>() {
                    Some(found) if dialect.ids(&reply).is_some() => drivers = found,
                    _ => strange = Some(format!("{reply:?}")),
                }
            })
            .await?;
        strange.map_or(Ok(drivers), |reply| Err(format!("{} answered {reply}", dialect.name())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(bytes: &[u8]) -> String {
        let Ok(Some((Reply::Array(words), used))) = super::super::resp::parse(bytes) else {
            panic!("{bytes:?}")
        };
        assert_eq!(used, bytes.len());
        let text = |word: &Reply<'_>| match word {
            Reply::Text(word) => String::from_utf8_lossy(word).into_owned(),
            other => panic!("{other:?}"),
        };
        words.iter().map(text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn commands_are_in_the_words_of_their_server() {
        let place = LatLng::from_e7(377_700_001, -5).unwrap();
        let update = |dialect: Dialect| {
            let mut out = Vec::new();
            dialect.update(7, place, &mut out);
            words(&out)
        };
        assert_eq!(update(Dialect::Redis), "GEOADD fleet -0.0000005 37.7700001 driver-00000007");
        assert_eq!(update(Dialect::Tile38), "SET fleet driver-00000007 POINT 37.7700001 -0.0000005");
        let ask = |dialect: Dialect, kind| words(&dialect.query(&Query { kind, point: place }));
        assert_eq!(
            ask(Dialect::Valkey, Kind::Nearest),
            "GEOSEARCH fleet FROMLONLAT -0.0000005 37.7700001 BYRADIUS 5000 m ASC COUNT 10"
        );
        assert_eq!(
            ask(Dialect::Redis, Kind::Within),
            "GEOSEARCH fleet FROMLONLAT -0.0000005 37.7700001 BYRADIUS 1000 m"
        );
        assert_eq!(
            ask(Dialect::Tile38, Kind::Nearest),
            "NEARBY fleet LIMIT 10 IDS POINT 37.7700001 -0.0000005 5000"
        );
        assert_eq!(
            ask(Dialect::Tile38, Kind::Within),
            "WITHIN fleet LIMIT 4294967295 IDS CIRCLE 37.7700001 -0.0000005 1000"
        );
    }

    #[test]
    fn ids_stand_where_the_dialect_puts_them() {
        let ids = Reply::Array(vec![Reply::Text(b"driver-00000001")]);
        assert_eq!(Dialect::Redis.ids(&ids).map(<[_]>::len), Some(1));
        assert_eq!(Dialect::Tile38.ids(&ids), None);
        let cursor = Reply::Array(vec![Reply::Integer(0), ids]);
        assert_eq!(Dialect::Tile38.ids(&cursor).map(<[_]>::len), Some(1));
        assert_eq!(Dialect::Redis.ids(&Reply::Nil), None);
    }
}
