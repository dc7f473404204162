//! A system under measurement: Kerb or a peer.

use std::path::PathBuf;
use std::time::Duration;

use ::kerb::terminal::note;

use super::fleet::{Fleet, Query};
use super::kerb::Kerb;
use super::measure::{Load, SearchMeasurement, Signals, UpdateMeasurement};
use super::options::PeersOptions;
use super::process::{Process, find_program, version_of};
use super::resp_peer::{Dialect, RespPeer};
use super::searches;

/// A system and the program that serves it.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    /// `None` stands for Kerb.
    dialect: Option<Dialect>,
    program: PathBuf,
}

/// A server that runs.
pub(super) enum System {
    Kerb(Kerb),
    Resp(RespPeer),
}

impl Kind {
    /// Returns Kerb and the peers whose servers are on this machine.
    pub(super) fn found(options: &PeersOptions) -> Result<Vec<Self>, String> {
        let names: Vec<_> = Dialect::ALL.iter().map(|dialect| dialect.name()).collect();
        if let Some(unknown) = options.without.iter().find(|name| !names.contains(&name.as_str())) {
            return Err(format!("--without {unknown}: must be one of {}", names.join(", ")));
        }
        let mut kinds = vec![Self { dialect: None, program: kerb_program(options)? }];
        let wanted = Dialect::ALL.into_iter().filter(|d| options.without.iter().all(|name| name != d.name()));
        for dialect in wanted {
            match find_program(dialect.program()) {
                Some(program) => kinds.push(Self { dialect: Some(dialect), program }),
                None => note(format_args!("{} is not on this machine: left out", dialect.program())),
            }
        }
        Ok(kinds)
    }

    pub(super) fn name(&self) -> &'static str {
        self.dialect.map_or(super::kerb::NAME, Dialect::name)
    }

    pub(super) fn program(&self) -> &PathBuf {
        &self.program
    }

    pub(super) fn version(&self) -> String {
        version_of(&self.program)
    }
}

fn kerb_program(options: &PeersOptions) -> Result<PathBuf, String> {
    if let Some(program) = &options.kerb {
        return Ok(program.clone());
    }
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let next_to = own.with_file_name("kerb");
    if next_to.is_file() {
        return Ok(next_to);
    }
    Err(format!("{} is not there: build it, or name it with --kerb", next_to.display()))
}

impl System {
    pub(super) async fn start(kind: &Kind) -> Result<Self, String> {
        match kind.dialect {
            None => Kerb::start(&kind.program).await.map(Self::Kerb),
            Some(dialect) => RespPeer::start(dialect, &kind.program).await.map(Self::Resp),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Kerb(_) => super::kerb::NAME,
            Self::Resp(peer) => peer.dialect().name(),
        }
    }

    pub(super) fn process(&self) -> &Process {
        match self {
            Self::Kerb(kerb) => kerb.process(),
            Self::Resp(peer) => peer.process(),
        }
    }

    /// Moves every driver to rest and waits until searches show it.
    pub(super) async fn load(&self, fleet: &Fleet) -> Result<(), String> {
        match self {
            Self::Kerb(kerb) => kerb.load(fleet).await,
            Self::Resp(peer) => peer.load(fleet).await,
        }
    }

    /// Sends updates as fast as the server accepts them, or at a steady rate.
    pub(super) async fn update(
        &self,
        fleet: &Fleet,
        load: &Load,
        signals: &Signals,
    ) -> Result<UpdateMeasurement, String> {
        match self {
            Self::Kerb(kerb) => kerb.update(fleet, load, signals).await,
            Self::Resp(peer) => peer.update(fleet, load, signals).await,
        }
    }

    /// Searches for `span`, one at a time on each connection.
    pub(super) async fn search(
        &self,
        queries: &[Query],
        connections: u32,
        span: Duration,
    ) -> Result<SearchMeasurement, String> {
        match self {
            Self::Kerb(kerb) => searches::kerb(kerb.process(), queries, connections, span).await,
            Self::Resp(peer) => searches::resp(peer, queries, connections, span).await,
        }
    }

    /// Returns the drivers of one answer.
    pub(super) async fn answer(&self, query: &Query) -> Result<Vec<u32>, String> {
        match self {
            Self::Kerb(kerb) => searches::kerb_answer(kerb.process().address(), query).await,
            Self::Resp(peer) => peer.answer(query).await,
        }
    }
}
