//! `cargo run -p local`.

use std::process::ExitCode;

use clap::Parser;
use local::{AwsStandIn, Options, Server, demo, stand_in};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    match serve(&options).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            complain(problem.as_ref());
            ExitCode::FAILURE
        }
    }
}

async fn serve(options: &Options) -> Result<(), Box<dyn std::error::Error>> {
    if options.aws_only {
        let stand_in = AwsStandIn::start(options).await?;
        greet(&stand_in::greeting(&stand_in.url(), options));
        return Ok(stand_in.serve().await?);
    }
    let server = Server::start(options).await?;
    greet(&demo::greeting(&server.url()?, options));
    Ok(server.serve().await?)
}

#[expect(clippy::print_stdout, reason = "this is a program for a terminal")]
fn greet(greeting: &str) {
    println!("{greeting}");
}

#[expect(clippy::print_stderr, reason = "this is a program for a terminal")]
fn complain(problem: &dyn std::error::Error) {
    eprintln!("error: {problem}");
}
