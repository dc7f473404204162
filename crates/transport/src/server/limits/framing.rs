//! Finds where the messages of a request begin and end, without keeping their bytes.

/// Bytes in front of each message: the compression flag and the length.
const HEADER_BYTES: usize = 5;

/// The position within the messages of a request.
#[derive(Debug, Default)]
pub(super) struct MessageBoundaries {
    /// Bytes of the next header that have arrived: below [`HEADER_BYTES`], and 0 within a message.
    header_bytes: usize,
    /// The length field of the header, as far as it has arrived.
    length: u32,
    /// Bytes of the current message that have not arrived.
    missing: u64,
    /// Whole length of the current message with its header; 0 between messages.
    message_bytes: u64,
}

impl MessageBoundaries {
    /// Reads the next bytes. Returns how many messages have ended in them.
    pub(super) fn read(&mut self, mut bytes: &[u8]) -> usize {
        let mut ended = 0;
        while !bytes.is_empty() {
            if self.message_bytes == 0 {
                let Some(rest) = self.read_header(bytes) else { break };
                bytes = rest;
            }
            // At most the length of a slice, so the cast keeps it.
            let taken = self.missing.min(bytes.len() as u64) as usize;
            bytes = &bytes[taken..];
            self.missing -= taken as u64;
            if self.missing == 0 && self.message_bytes > 0 {
                self.message_bytes = 0;
                ended += 1;
            }
        }
        ended
    }

    /// Reads the rest of a header. Returns the bytes after it; `None` if the header is not complete.
    fn read_header<'a>(&mut self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        for (i, byte) in bytes.iter().enumerate() {
            // The first byte is the flag.
            if self.header_bytes > 0 {
                self.length = self.length << 8 | u32::from(*byte);
            }
            self.header_bytes += 1;
            if self.header_bytes == HEADER_BYTES {
                self.missing = u64::from(std::mem::take(&mut self.length));
                self.message_bytes = self.missing + HEADER_BYTES as u64;
                self.header_bytes = 0;
                return Some(&bytes[i + 1..]);
            }
        }
        None
    }

    /// Returns the whole length of the incomplete message, as its header states it; 0 between messages. The receiver
    /// allocates this length at the header.
    pub(super) fn incomplete_bytes(&self) -> u64 {
        self.message_bytes.max(self.header_bytes as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u32) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend(length.to_be_bytes());
        bytes.resize(HEADER_BYTES + length as usize, 7);
        bytes
    }

    #[test]
    fn messages_are_counted_at_any_split() {
        let bytes = [message(0), message(3), message(300), message(0)].concat();
        for size in [1, 2, 4, 5, 6, 7, 64, bytes.len()] {
            let mut framing = MessageBoundaries::default();
            let ended: usize = bytes.chunks(size).map(|chunk| framing.read(chunk)).sum();
            assert_eq!((ended, framing.incomplete_bytes()), (4, 0), "chunks of {size}");
        }
    }

    #[test]
    fn an_incomplete_message_counts_with_its_whole_length() {
        let mut framing = MessageBoundaries::default();
        assert_eq!(framing.read(&message(1_000)[..3]), 0);
        assert_eq!(framing.incomplete_bytes(), 3);
        assert_eq!(framing.read(&message(1_000)[3..9]), 0);
        assert_eq!(framing.incomplete_bytes(), 1_005);
        assert_eq!(framing.read(&message(1_000)[9..]), 1);
        assert_eq!(framing.incomplete_bytes(), 0);
    }
}
