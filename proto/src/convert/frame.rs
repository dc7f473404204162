//! The steps of a session between an ingest node and an index server, there and back.

use kerb_ports::{Batch, Control, Frame, SourceRegistration};
use kerb_types::{FieldError, NodeId};

use super::field::{required, shard_numbers, shards};
use crate::internal::v1::SourceRegistration as WireRegister;
use crate::internal::v1::position_control::Control as WireControl;
use crate::internal::v1::position_frame::Frame as WireFrame;
use crate::internal::v1::{PositionControl, PositionFrame, ShardList, SnapshotBegin, SnapshotEnd};

/// What comes up the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum FromSource {
    /// Right only as the first message.
    Register(SourceRegistration),
    /// Right only after the register.
    Frame(Frame),
}

/// What comes down the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSink {
    /// All frames up to this number (from 0, the register not counted) are visible to searches.
    Applied(u64),
    /// A wish.
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

impl TryFrom<PositionFrame> for FromSource {
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

impl From<&FromSink> for PositionControl {
    fn from(message: &FromSink) -> Self {
        let control = match message {
            FromSink::Applied(frames) => WireControl::AppliedFrames(*frames),
            FromSink::Control(Control::Resync(shards)) => {
                WireControl::Resync(ShardList { shards: shard_numbers(shards) })
            }
        };
        Self { control: Some(control) }
    }
}

impl TryFrom<PositionControl> for FromSink {
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
