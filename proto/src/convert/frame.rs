//! The steps of a session between an ingest node and an index server, there and back.

use kerb_fleet::{Batch, Control, FieldError, Frame, NodeId, SourceHello};

use super::field::{required, shard_numbers, shards};
use crate::internal::v1::SourceHello as WireHello;
use crate::internal::v1::position_control::Control as WireControl;
use crate::internal::v1::position_frame::Frame as WireFrame;
use crate::internal::v1::{FullBegin, FullEnd, PositionControl, PositionFrame, ShardList};

/// What comes up the stream.
#[derive(Clone, Debug, PartialEq)]
pub enum FromSource {
    /// Right only as the first message.
    Hello(SourceHello),
    /// Right only after the hello.
    Frame(Frame),
}

/// What comes down the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSink {
    /// All frames up to this number (from 0, the hello not counted) are visible to searches.
    Applied(u64),
    /// A wish.
    Control(Control),
}

impl From<&SourceHello> for PositionFrame {
    fn from(hello: &SourceHello) -> Self {
        let node_id = hello.node.as_str().to_owned();
        let settings_fingerprint = hello.settings_fingerprint;
        Self { frame: Some(WireFrame::Hello(WireHello { node_id, settings_fingerprint })) }
    }
}

impl From<&Frame> for PositionFrame {
    fn from(frame: &Frame) -> Self {
        let frame = match frame {
            Frame::FullBegin { round, shards } => {
                WireFrame::FullBegin(FullBegin { round: *round, shards: shard_numbers(shards) })
            }
            Frame::Batch(batch) => WireFrame::Batch(batch.into()),
            Frame::FullEnd { round } => WireFrame::FullEnd(FullEnd { round: *round }),
        };
        Self { frame: Some(frame) }
    }
}

impl TryFrom<PositionFrame> for FromSource {
    type Error = FieldError;

    fn try_from(wire: PositionFrame) -> Result<Self, FieldError> {
        Ok(match required("frame", wire.frame)? {
            WireFrame::Hello(hello) => Self::Hello(SourceHello {
                node: NodeId::new(&hello.node_id).map_err(|error| error.within("hello"))?,
                settings_fingerprint: hello.settings_fingerprint,
            }),
            WireFrame::FullBegin(begin) => Self::Frame(Frame::FullBegin {
                round: begin.round,
                shards: shards("full_begin.shards", &begin.shards)?,
            }),
            WireFrame::Batch(batch) => {
                Self::Frame(Frame::Batch(Batch::try_from(batch).map_err(|error| error.within("batch"))?))
            }
            WireFrame::FullEnd(end) => Self::Frame(Frame::FullEnd { round: end.round }),
        })
    }
}

impl From<&FromSink> for PositionControl {
    fn from(message: &FromSink) -> Self {
        let control = match message {
            FromSink::Applied(frames) => WireControl::AppliedFrames(*frames),
            FromSink::Control(Control::Refill(shards)) => {
                WireControl::Refill(ShardList { shards: shard_numbers(shards) })
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
            WireControl::Refill(list) => {
                Self::Control(Control::Refill(shards("refill.shards", &list.shards)?))
            }
        })
    }
}
