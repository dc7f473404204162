//! The bytes of a table: decompresses gzip, and checks that the last line is complete.

use std::io::{self, BufRead, BufReader, Read};

use flate2::bufread::MultiGzDecoder;

/// How a table must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastLine {
    /// The last row must end with a line break. Without this rule, a file that was cut inside its last number would be
    /// read with a wrong number.
    MustEnd,
    /// The last row may end with the file.
    MayBeOpen,
}

/// The text of a table.
pub(super) struct Source<R: Read> {
    text: TextReader<R>,
    last_line: LastLine,
    last_byte: u8,
}

enum TextReader<R: Read> {
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
}

impl<R: Read> Source<R> {
    /// Detects gzip by its magic number, with which no CSV starts.
    pub(super) fn new(source: R, last_line: LastLine) -> io::Result<Self> {
        let mut source = BufReader::new(source);
        let text = match source.fill_buf()? {
            [0x1f, 0x8b, ..] => TextReader::Gzip(Box::new(MultiGzDecoder::new(source))),
            _ => TextReader::Plain(source),
        };
        Ok(Self { text, last_line, last_byte: b'\n' })
    }
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = match &mut self.text {
            TextReader::Plain(source) => source.read(buffer)?,
            TextReader::Gzip(source) => source.read(buffer)?,
        };
        match buffer[..count].last() {
            Some(last) => self.last_byte = *last,
            // A read of 0 bytes into a buffer with room is the end of the source.
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
