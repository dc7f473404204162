//! The bytes of a table: unpacked when they are gzip, and checked to end with a whole line.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// What follows the last row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLine {
    /// The last row ends with a line break. Otherwise a file that was cut inside its last number would be believed.
    MustEnd,
    /// The last row may end with the file.
    MayBeOpen,
}

/// A table's text.
pub(super) struct Source<R: Read> {
    unpacked: Unpacked<R>,
    last_line: LastLine,
    last_byte: u8,
}

enum Unpacked<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Source<R> {
    /// Looks at the first bytes: gzip has a magic number that no CSV begins with.
    pub(super) fn new(source: R, last_line: LastLine) -> io::Result<Self> {
        let mut source = BufReader::new(source);
        let unpacked = match source.fill_buf()? {
            [0x1f, 0x8b, ..] => Unpacked::Gzip(Box::new(MultiGzDecoder::new(source))),
            _ => Unpacked::Plain(source),
        };
        Ok(Self { unpacked, last_line, last_byte: b'\n' })
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.unpacked {
            Unpacked::Plain(source) => source.read(buffer)?,
            Unpacked::Gzip(source) => source.read(buffer)?,
        };
        match buffer[..count].last() {
            Some(last) => self.last_byte = *last,
            // No bytes for a buffer with room: this is the end.
            None if !buffer.is_empty() && self.last_line == LastLine::MustEnd && self.last_byte != b'\n' => {
                return Err(io::Error::new(
                    io::ErrorKind::UnexpectedEof,
                    "the last line has no end: it was cut",
                ));
            }
            None => {}
        }
        Ok(count)
    }
}
