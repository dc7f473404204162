//! Batches that are encoded once and sent many times, each time with a new time. A batch costs one copy of
//! its bytes, so the generator leaves the cores to the node under load.

use bytes::{BufMut, Bytes};
use kerb_proto::v1::{PositionColumns, ReportPositionsRequest, ReportPositionsResponse};
use prost::Message;
use prost::encoding::{encode_varint, encoded_len_varint};
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};

/// `ReportPositionsRequest.positions`: field 2, a message.
const POSITIONS_TAG: u8 = 2 << 3 | 2;
/// `PositionColumns.base_time_ms`: field 5, a varint.
const BASE_TIME_TAG: u8 = 5 << 3;

/// One message of a gateway's stream.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// A message that the codec encodes as usual.
    Whole(Box<ReportPositionsRequest>),
    /// Encoded columns without a time, and the time to add.
    Columns(Bytes, u64),
}

/// Encodes columns without their time.
pub(crate) fn encode_columns(columns: &PositionColumns) -> Bytes {
    assert!(columns.base_time_ms == 0, "the time is written when the batch is sent");
    columns.encode_to_vec().into()
}

impl Request {
    fn encode(&self, out: &mut impl BufMut) -> Result<(), Status> {
        match self {
            Self::Whole(request) => request.encode(out).map_err(|e| Status::internal(e.to_string())),
            Self::Columns(columns, time_ms) => {
                // Fields of a message may come in any order, so the time goes last.
                out.put_u8(POSITIONS_TAG);
                encode_varint((columns.len() + 1 + encoded_len_varint(*time_ms)) as u64, out);
                out.put_slice(columns);
                out.put_u8(BASE_TIME_TAG);
                encode_varint(*time_ms, out);
                Ok(())
            }
        }
    }
}

/// A codec for such requests; responses are decoded as usual.
#[derive(Debug, Default)]
pub(crate) struct RawCodec;

impl Codec for RawCodec {
    type Encode = Request;
    type Decode = ReportPositionsResponse;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Request;
    type Error = Status;

    fn encode(&mut self, item: Request, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(out)
    }
}

impl Decoder for RawCodec {
    type Item = ReportPositionsResponse;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Self::Item>, Status> {
        ReportPositionsResponse::decode(from).map(Some).map_err(|e| Status::internal(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patched_bytes_are_the_message_with_the_time() {
        let columns = PositionColumns {
            handle: vec![0, 7, 1_048_575],
            latitude_e7: vec![1, -2, 900_000_000],
            longitude_e7: vec![0, 5, -1_800_000_000],
            ..Default::default()
        };
        for time_ms in [1, 127, 128, 1_800_000_000_000] {
            let mut out = Vec::new();
            Request::Columns(encode_columns(&columns), time_ms).encode(&mut out).unwrap();
            let read = ReportPositionsRequest::decode(&*out).unwrap();
            let expected = PositionColumns { base_time_ms: time_ms as i64, ..columns.clone() };
            assert_eq!(read, ReportPositionsRequest { drivers: Vec::new(), positions: Some(expected) });
        }
    }
}
