//! The least that a Lambda function does: asks for events, and gives the same answer to all of them.

#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a floor to measure against, not to deploy"
)]

use std::{
    io::{Read, Write},
    net::TcpStream,
};

const ID: &[u8] = b"lambda-runtime-aws-request-id: ";

fn main() {
    let api = std::env::var("AWS_LAMBDA_RUNTIME_API").unwrap();
    let mut stream = TcpStream::connect(&api).unwrap();
    stream.set_nodelay(true).unwrap();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let ask = format!("GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nhost: {api}\r\n\r\n");
        stream.write_all(ask.as_bytes()).unwrap();
        let event = read(&mut stream, &mut buffer);
        let at = event.windows(ID.len()).position(|bytes| bytes == ID).unwrap() + ID.len();
        let id = std::str::from_utf8(&event[at..at + 36]).unwrap();
        let body = r#"{"statusCode":200,"headers":{},"body":"{}","isBase64Encoded":false}"#;
        let path = format!("/2018-06-01/runtime/invocation/{id}/response");
        let answer =
            format!("POST {path} HTTP/1.1\r\nhost: {api}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(answer.as_bytes()).unwrap();
        read(&mut stream, &mut buffer);
    }
}

/// One message, whose head ends with its `content-length`, as the stand-in writes it.
fn read<'b>(stream: &mut TcpStream, buffer: &'b mut [u8]) -> &'b [u8] {
    let mut filled = 0;
    loop {
        let count = stream.read(&mut buffer[filled..]).unwrap();
        if count == 0 {
            std::process::exit(0);
        }
        filled += count;
        let Some(end) = buffer[..filled].windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = std::str::from_utf8(&buffer[..end]).unwrap();
        let length: usize = head.rsplit_once(": ").unwrap().1.parse().unwrap();
        if filled >= end + 4 + length {
            return &buffer[..filled];
        }
    }
}
