//! The errors of starting a node.

use std::io;
use std::path::PathBuf;

use kerb_cluster::FileError;
use kerb_journal::JournalError;
use kerb_routing::RoadsError;
use kerb_transport::{SECRET_BYTES_MAX, SECRET_BYTES_MIN, SecretError};
use kerb_types::FieldError;

use kerb_traffic::SpeedFileError;

/// The reason why a node does not start, worded for an operator.
#[expect(missing_docs, reason = "the fields are named like the values in the messages")]
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Settings are out of range.
    #[error("{}", join(.0))]
    Settings(Vec<FieldError>),
    /// The membership file is invalid.
    #[error("membership file: {0}")]
    Membership(#[from] FileError),
    /// The membership file gives this node other roles.
    #[error("the membership file gives node {node} the roles {listed}, but it was started as {started}")]
    Roles { node: String, listed: String, started: String },
    /// The file of the cluster's secret is invalid.
    #[error("cluster secret: {0} (cluster.secret_file)")]
    Secret(#[from] SecretError),
    /// A node of a cluster listens to the network and has no secret.
    #[error(
        "a node of a cluster that listens on {address} needs the cluster's secret: name a file with {SECRET_BYTES_MIN} to \
         {SECRET_BYTES_MAX} bytes, the same for all nodes (cluster.secret_file)"
    )]
    NoSecret { address: String },
    /// A single role was started without a membership file.
    #[error("a node of one role needs the others: give the membership file (cluster.file, --cluster-file)")]
    Alone,
    /// The port cannot be bound.
    #[error("cannot listen on {address}: {reason} (node.listen, --listen)")]
    Listen { address: String, reason: io::Error },
    /// The index server does not start.
    #[error("index-server: {0}")]
    IndexServer(kerb_ports::ReplicationError),
    /// The ingest node does not start.
    #[error("location-ingest: {0} (node.data_dir, --data-dir)")]
    LocationIngest(#[from] kerb_location_ingest::StartError),
    /// The trip journal cannot be opened.
    #[error("matcher: {0} (node.data_dir, --data-dir)")]
    Journal(JournalError),
    /// The road network cannot be opened.
    #[error("{}: {reason} (roads.file)", file.display())]
    Roads { file: PathBuf, reason: RoadsError },
    /// A file of speeds is invalid.
    #[error(transparent)]
    Speeds(#[from] SpeedFileError),
    /// The matcher does not start.
    #[error("matcher: {0}")]
    Matcher(#[from] kerb_matcher::StartError),
}

impl From<FieldError> for StartError {
    fn from(error: FieldError) -> Self {
        Self::Settings(vec![error])
    }
}

fn join(errors: &[FieldError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
