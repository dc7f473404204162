//! The messages of a replication stream between an ingest node and an index server.

use kerb_ports::{Batch, Control, Frame, SourceRegistration};
use kerb_types::{FieldError, NodeId};

use super::field::{required, shard_numbers, shards};
use crate::internal::v1::SourceRegistration as WireRegister;
use crate::internal::v1::position_control::Control as WireControl;
use crate::internal::v1::position_frame::Frame as WireFrame;
use crate::internal::v1::{PositionControl, PositionFrame, ShardList, SnapshotBegin, SnapshotEnd};

/// A message from the ingest node.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceMessage {
    /// The registration, which is the first message and no other.
    Register(SourceRegistration),
    /// A frame after the registration.
    Frame(Frame),
}

/// A message from the index server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SinkMessage {
    /// Searches see all frames up to this number. Numbers start at 0 with the first frame after the registration.
    Applied(u64),
    /// A request of the index server.
    Control(Control),
}

impl From<&SourceRegistration> for PositionFrame {
    fn from(register: &SourceRegistration) -> Self {
        let node_id = register.node.as_str().to_owned();
        let settings_fingerprint = register.settings_fingerprint;
        Self { frame: Some(WireFrame::Register(WireRegister { node_id, settings_fingerprint })) }
    }
}

impl From<&Frame> for PositionFrame {
    fn from(frame: &Frame) -> Self {
        let frame = match frame {
            Frame::SnapshotBegin { round, shards } => {
                WireFrame::SnapshotBegin(SnapshotBegin { round: *round, shards: shard_numbers(shards) })
            }
            Frame::Batch(batch) => WireFrame::Batch(batch.into()),
            Frame::SnapshotEnd { round } => WireFrame::SnapshotEnd(SnapshotEnd { round: *round }),
        };
        Self { frame: Some(frame) }
    }
}

impl TryFrom<PositionFrame> for SourceMessage {
    type Error = FieldError;

    fn try_from(wire: PositionFrame) -> Result<Self, FieldError> {
        Ok(match required("frame", wire.frame)? {
            WireFrame::Register(register) => Self::Register(SourceRegistration {
                node: NodeId::new(&register.node_id).map_err(|error| error.within("register"))?,
                settings_fingerprint: register.settings_fingerprint,
            }),
            WireFrame::SnapshotBegin(begin) => Self::Frame(Frame::SnapshotBegin {
                round: begin.round,
                shards: shards("snapshot_begin.shards", &begin.shards)?,
            }),
            WireFrame::Batch(batch) => {
                Self::Frame(Frame::Batch(Batch::try_from(batch).map_err(|error| error.within("batch"))?))
            }
            WireFrame::SnapshotEnd(end) => Self::Frame(Frame::SnapshotEnd { round: end.round }),
        })
    }
}

impl From<&SinkMessage> for PositionControl {
    fn from(message: &SinkMessage) -> Self {
        let control = match message {
            SinkMessage::Applied(frames) => WireControl::AppliedFrames(*frames),
            SinkMessage::Control(Control::Resync(shards)) => {
                WireControl::Resync(ShardList { shards: shard_numbers(shards) })
            }
        };
        Self { control: Some(control) }
    }
}

impl TryFrom<PositionControl> for SinkMessage {
    type Error = FieldError;

    fn try_from(wire: PositionControl) -> Result<Self, FieldError> {
        Ok(match required("control", wire.control)? {
            WireControl::AppliedFrames(frames) => Self::Applied(frames),
            WireControl::Resync(list) => {
                Self::Control(Control::Resync(shards("resync.shards", &list.shards)?))
            }
        })
    }
}
