//! The codec of the generated services: protobuf with small buffers, and a limit on the elements of a message.
//!
//! Each open call has a buffer in each direction, from its start on. Most calls are streams of phones whose messages have less
//! than 100 bytes, and a node holds many that are silent for long. A buffer grows for a message that needs more.

use std::marker::PhantomData;

use prost::Message;
use prost::bytes::Buf;
use prost::encoding::DecodeContext;
use prost::encoding::{WireType, decode_key, skip_field};
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstDecoder};

/// Bytes of a new buffer.
const BUFFER_BYTES: usize = 1_024;
/// Encoded messages are sent together up to this number of bytes.
const YIELD_BYTES: usize = 32 * 1024;

/// A message with fewer elements is always decoded.
const ELEMENTS_FREE: usize = 65_552;
/// Bytes that an element of a message with more elements has at least, on average. An empty element has 2 bytes on the wire and
/// up to 200 in memory.
const ELEMENT_BYTES_MIN: usize = 12;

/// Encodes `T` and decodes `U`.
#[derive(Debug)]
pub struct SmallBufferCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for SmallBufferCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for SmallBufferCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = LimitedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::new(BUFFER_BYTES, YIELD_BYTES))
    }

    fn decoder(&mut self) -> Self::Decoder {
        LimitedDecoder(ProstDecoder::new(BufferSettings::new(BUFFER_BYTES, YIELD_BYTES)))
    }
}

/// Decodes a message, unless it has too many elements.
#[derive(Debug)]
pub struct LimitedDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for LimitedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        check_elements(from.chunk())?;
        self.0.decode(from)
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// Rejects an encoded message that would take far more memory than it has bytes, because it has very many tiny elements.
pub fn check_elements(message: &[u8]) -> Result<(), Status> {
    // A smaller message cannot have that many.
    if message.len() < 2 * ELEMENTS_FREE {
        return Ok(());
    }
    let elements = count_elements(message);
    if elements > ELEMENTS_FREE && message.len() / elements < ELEMENT_BYTES_MIN {
        let text = format!("{elements} elements in {} bytes, must be at most {ELEMENTS_FREE}", message.len());
        return Err(Status::invalid_argument(text));
    }
    Ok(())
}

/// Counts the fields of a message that may be elements of a list. Stops at bytes that are not a message: the decoder names
/// them.
fn count_elements(mut message: &[u8]) -> usize {
    let mut elements = 0;
    while message.has_remaining() {
        let Ok((tag, wire_type)) = decode_key(&mut message) else { break };
        elements += usize::from(wire_type == WireType::LengthDelimited);
        if skip_field(wire_type, tag, &mut message, DecodeContext::default()).is_err() {
            break;
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{FindNearbyBatchRequest, FindNearbyRequest, SetSpeedsRequest, StreetSpeed};

    #[test]
    fn a_list_of_empty_elements_is_not_decoded() {
        let batch = |count| FindNearbyBatchRequest { searches: vec![FindNearbyRequest::default(); count] };
        assert!(
            check_elements(&batch(65_536).encode_to_vec()).is_ok(),
            "the service names the limit of its list"
        );
        let error = check_elements(&batch(70_000).encode_to_vec()).unwrap_err();
        assert_eq!(error.code(), tonic::Code::InvalidArgument);
        assert!(error.message().contains("70000 elements in 140000 bytes"), "{error}");
    }

    #[test]
    fn a_long_list_of_rows_is_decoded() {
        let rows = (0..200_000).map(|i| StreetSpeed {
            direction: Some(crate::v1::street_speed::Direction::Number(crate::v1::SegmentNumber {
                segment: i,
                ..Default::default()
            })),
            speed_kmh: 30.0,
            ..StreetSpeed::default()
        });
        let request = SetSpeedsRequest { speeds: rows.collect(), ..SetSpeedsRequest::default() };
        assert!(check_elements(&request.encode_to_vec()).is_ok());
    }
}
