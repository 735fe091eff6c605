//! `cargo run -p local`.

use std::process::ExitCode;

use clap::Parser;
use local::{AwsStandIn, Options, ReadyFile, Server, demo, stand_in};
use local_data::DataFolder;
use serde_json::Value;

/// With the C library's a refresh takes 11 % more processor time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let ready_file = options.ready_file.as_deref().map(ReadyFile::new).transpose()?;
    let announce = |greeting: &str, ready: &Value| {
        greet(greeting);
        ready_file.as_ref().map_or(Ok(()), |file| file.write(ready))
    };
    if options.aws_only {
        let stand_in = AwsStandIn::start(options).await?;
        let (url, credentials) = (stand_in.url(), stand_in.credentials());
        warn(stand_in.folder());
        announce(&stand_in::greeting(&url, credentials, options), &stand_in::ready(&url, credentials))?;
        return Ok(stand_in.serve().await?);
    }
    let server = Server::start(options).await?;
    let url = server.url()?;
    warn(server.folder());
    announce(&demo::greeting(&url, options), &demo::ready(&url))?;
    Ok(server.serve().await?)
}

/// Says what was open to other accounts until now.
#[expect(clippy::print_stderr, reason = "this is a program for a terminal")]
fn warn(folder: &DataFolder) {
    for path in folder.tightened() {
        eprintln!("warning: {} was open to other accounts; now only you can read it", path.display());
    }
}

#[expect(clippy::print_stdout, reason = "this is a program for a terminal")]
fn greet(greeting: &str) {
    println!("{greeting}");
}

#[expect(clippy::print_stderr, reason = "this is a program for a terminal")]
fn complain(problem: &dyn std::error::Error) {
    eprintln!("error: {problem}");
}
