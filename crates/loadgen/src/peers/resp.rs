//! RESP, the protocol of Redis, Valkey and Tile38 (version 2): commands out, replies in.

use std::io::Write;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Bytes of one read from the socket.
const READ_BYTES: usize = 64 << 10;

/// A reply, borrowed from the read buffer.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Reply<'a> {
    /// A whole number.
    Integer(i64),
    /// A string, simple or bulk.
    Text(&'a [u8]),
    /// A null reply.
    Nil,
    /// An array of replies.
    Array(Vec<Self>),
    /// An error reply with its text.
    Error(&'a str),
}

/// Appends a command with these arguments.
pub(super) fn encode(words: &[&[u8]], out: &mut Vec<u8>) {
    let why = "a vector takes all that is written";
    write!(out, "*{}\r\n", words.len()).expect(why);
    for word in words {
        write!(out, "${}\r\n", word.len()).expect(why);
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// Parses the first reply and returns it with its length; `None` while it is incomplete.
pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Reply<'_>, usize)>, String> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else { return Ok(None) };
    let (head, used) = (&bytes[..end], end + 2);
    let Some((kind, rest)) = head.split_first() else { return Err("an empty line for a reply".to_owned()) };
    let line = std::str::from_utf8(rest).map_err(|e| e.to_string())?;
    let number = || line.parse::<i64>().map_err(|e| format!("{line:?}: {e}"));
    match kind {
        b'+' => Ok(Some((Reply::Text(rest), used))),
        b'-' => Ok(Some((Reply::Error(line), used))),
        b':' => Ok(Some((Reply::Integer(number()?), used))),
        b'$' => bulk(number()?, bytes, used),
        b'*' => array(number()?, bytes, used),
        other => Err(format!("a reply begins with {:?}, must be one of + - : $ *", char::from(*other))),
    }
}

fn bulk(len: i64, bytes: &[u8], used: usize) -> Result<Option<(Reply<'_>, usize)>, String> {
    let Ok(len) = usize::try_from(len) else { return Ok(Some((Reply::Nil, used))) };
    if bytes.len() < used + len + 2 {
        return Ok(None);
    }
    if &bytes[used + len..used + len + 2] != b"\r\n" {
        return Err(format!("a string of {len} bytes does not end there"));
    }
    Ok(Some((Reply::Text(&bytes[used..used + len]), used + len + 2)))
}

fn array(len: i64, bytes: &[u8], mut used: usize) -> Result<Option<(Reply<'_>, usize)>, String> {
    let Ok(len) = usize::try_from(len) else { return Ok(Some((Reply::Nil, used))) };
    let mut replies = Vec::with_capacity(len.min(bytes.len()));
    for _ in 0..len {
        let Some((reply, more)) = parse(&bytes[used..])? else { return Ok(None) };
        replies.push(reply);
        used += more;
    }
    Ok(Some((Reply::Array(replies), used)))
}

/// A connection to a server.
pub(super) struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    at: usize,
}

impl Connection {
    pub(super) async fn open(address: std::net::SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await.map_err(|e| format!("{address}: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Self { stream, buffer: Vec::new(), at: 0 })
    }

    /// Sends commands, then passes each of the `count` replies to `each`. An error reply is an error.
    pub(super) async fn ask(
        &mut self,
        commands: &[u8],
        count: usize,
        mut each: impl FnMut(Reply<'_>),
    ) -> Result<(), String> {
        self.stream.write_all(commands).await.map_err(|e| e.to_string())?;
        for _ in 0..count {
            let used = loop {
                match parse(&self.buffer[self.at..])? {
                    Some((Reply::Error(reason), _)) => return Err(reason.to_owned()),
                    Some((reply, used)) => {
                        each(reply);
                        break used;
                    }
                    None => self.read().await?,
                }
            };
            self.at += used;
        }
        Ok(())
    }

    async fn read(&mut self) -> Result<(), String> {
        self.buffer.drain(..self.at);
        self.at = 0;
        self.buffer.reserve(READ_BYTES);
        match self.stream.read_buf(&mut self.buffer).await {
            Ok(0) => Err("the server closed the connection".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_arrays_of_strings() {
        let mut out = Vec::new();
        encode(&[b"GEOADD", b"fleet", b""], &mut out);
        assert_eq!(out, b"*3\r\n$6\r\nGEOADD\r\n$5\r\nfleet\r\n$0\r\n\r\n");
    }

    #[test]
    fn replies_are_read_when_they_are_whole() {
        let bytes = b"*4\r\n:-7\r\n$3\r\na\r\n\r\n*1\r\n+OK\r\n$-1\r\n:1\r\n";
        let inner = Reply::Array(vec![Reply::Text(b"OK")]);
        let whole = Reply::Array(vec![Reply::Integer(-7), Reply::Text(b"a\r\n"), inner, Reply::Nil]);
        let len = bytes.len() - 4;
        assert_eq!(parse(bytes), Ok(Some((whole, len))));
        for cut in 0..len {
            assert_eq!(parse(&bytes[..cut]), Ok(None), "{cut} bytes");
        }
        assert_eq!(parse(b"-ERR no\r\n"), Ok(Some((Reply::Error("ERR no"), 9))));
    }

    #[test]
    fn what_is_no_reply_is_refused() {
        for bytes in [&b"!x\r\n"[..], b"\r\n", b":x\r\n", b"$1\r\nabc\r\n", b"*1\r\n!\r\n"] {
            assert!(parse(bytes).is_err(), "{bytes:?}");
        }
    }
}
