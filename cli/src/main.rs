//! `latchkey`: manage users and sessions, and explain a token.

use std::process::ExitCode;

use clap::Parser;
use cli::{Console, Options};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    let json = options.json;
    let mut console = Console;
    match Box::pin(cli::run(options, &mut console, edge::clock::now)).await {
        Ok(report) => console.print(&report, json),
        Err(failure) => console.complain(&failure),
    }
}
