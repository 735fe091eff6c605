//! JSON lines on standard output, which Lambda sends to CloudWatch.

use std::{cell::Cell, panic};

use lambda_http::tracing::{
    error,
    subscriber::{self, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt},
    warn,
};

use super::{log_output, notes::Notes};
use crate::Environment;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Starts logging at `AWS_LAMBDA_LOG_LEVEL`, INFO at most.
///
/// At DEBUG and TRACE the runtime and the SDK print whole events and requests, passwords and tokens among them. A release
/// does not even hold the code for it; a build for tests does, and this bound is all that stops it.
/// A panic becomes one line without its text, which may quote a request.
pub(crate) fn start(environment: &Environment<'_>) {
    subscriber::registry().with(Notes).with(level(environment)).init();
    panic::set_hook(Box::new(|info| {
        if QUIET.get() {
            return;
        }
        let place = info.location().map(|location| without_home(&location.to_string()).to_owned());
        error!(event = "panic", place, "a panic was caught");
    }));
}

/// Does `work`, whose panic is its caller's to tell: that of a library at an event which nobody should send.
pub(crate) fn without_panic_line<T>(work: impl FnOnce() -> T + panic::UnwindSafe) -> std::thread::Result<T> {
    QUIET.set(true);
    let done = panic::catch_unwind(work);
    QUIET.set(false);
    done
}

/// A place in the source, without the folder in which the builder keeps libraries.
fn without_home(place: &str) -> &str {
    let in_registry = place.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    in_registry.map_or(place, |(_, in_library)| in_library)
}

/// Says how many lines were dropped while nobody read the log, once somebody reads it again.
pub(crate) fn report_loss() {
    if let Some(lost) = log_output::stdout().take_lost() {
        warn!(event = "log", lost, "nobody read the log, so lines were dropped");
    }
}

/// The level that is asked for, INFO at most.
pub(crate) fn level(environment: &Environment<'_>) -> LevelFilter {
    let asked = environment.optional("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.parse().ok());
    asked.unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_nothing_of_the_machine_that_built_it() {
        let library =
            "/home/ada/.cargo/registry/src/index.crates.io-1949cf8c/lambda_http-1.3.2/src/request.rs:553:30";
        assert_eq!(without_home(library), "lambda_http-1.3.2/src/request.rs:553:30");
        assert_eq!(without_home("shared/edge/src/lib.rs:1:1"), "shared/edge/src/lib.rs:1:1");
    }
}
