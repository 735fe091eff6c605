//! A function that panics, or never answers at `/hang`: for scenarios that need a bug in a real process.
#![expect(clippy::panic, reason = "that is what it is for")]

use edge::{Endpoint, Rejection, Request, Response};
use http::Method;
use token::Timestamp;

struct Faulty;

impl Endpoint for Faulty {
    const NAME: &'static str = "faulty";
    const METHODS: &'static [Method] = &[Method::POST];

    async fn handle(&self, request: &Request, _: Timestamp) -> Result<Response, Rejection> {
        if request.path() == "/hang" {
            std::future::pending::<()>().await;
        }
        panic!("a bug")
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = edge::start(|_, _| Ok(Faulty)).await {
        panic!("{error}");
    }
}
