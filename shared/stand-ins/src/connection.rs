//! HTTP/1.1 with `Content-Length` and nothing else, for peers that are known.

use std::io::{self, Read, Write};

/// A request or an answer.
#[derive(Debug)]
pub struct Message {
    /// The request line or the status line.
    pub start: String,
    /// Names and values in the order in which they came.
    pub headers: Vec<(String, String)>,
    /// As many bytes as `Content-Length` says.
    pub body: Vec<u8>,
}

impl Message {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut same = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        same.next().map(|(_, value)| value.as_str())
    }
}

/// One side of a connection, with what was read and not yet used.
pub struct Connection<S> {
    /// The connection itself.
    pub stream: S,
    unread: Vec<u8>,
}

impl<S: Read + Write> Connection<S> {
    /// A connection over `stream` on which nothing has been read.
    pub fn new(stream: S) -> Self {
        Self { stream, unread: Vec::with_capacity(8192) }
    }

    /// The next message; none when the other side has closed the connection.
    pub fn read(&mut self) -> io::Result<Option<Message>> {
        let head_end = loop {
            if let Some(at) = self.unread.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill()? {
                return Ok(None);
            }
        };
        let head: Vec<u8> = self.unread.drain(..head_end).collect();
        let head = String::from_utf8_lossy(&head);
        let mut lines = head.trim_end().split("\r\n");
        let start = lines.next().unwrap_or_default().to_owned();
        let headers: Vec<_> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let mut message = Message { start, headers, body: Vec::new() };
        let length = message.header("content-length").map_or(0, |value| value.parse().unwrap_or(0));
        if message.header("transfer-encoding").is_some() {
            return Err(io::Error::other("Transfer-Encoding, where only Content-Length is read"));
        }
        while self.unread.len() < length {
            if !self.fill()? {
                return Ok(None);
            }
        }
        message.body = self.unread.drain(..length).collect();
        Ok(Some(message))
    }

    /// Sends a message in one write.
    pub fn send(&mut self, head: &str, body: &[u8]) -> io::Result<()> {
        let mut bytes = format!("{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
        bytes.extend_from_slice(body);
        self.stream.write_all(&bytes)?;
        self.stream.flush()
    }

    fn fill(&mut self) -> io::Result<bool> {
        let mut chunk = [0; 8192];
        let count = self.stream.read(&mut chunk)?;
        self.unread.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(count > 0)
    }
}
