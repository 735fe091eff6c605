//! Whether the time of a rejected login tells unknown, disabled and wrong-password users apart.
//!
//! `cargo run -p tests --example login_timing` makes 1,000 interleaved tries of each class and prints the area under
//! the ROC curve for each two of them: 0.5 is a coin's, and 0.45 to 0.55 passes. Takes two minutes or so; run it on a
//! machine that does nothing else.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a measurement for the terminal"
)]

use std::{
    process::ExitCode,
    time::{Duration, Instant},
};

use harness::{LOGIN_AT, World};

const TRIES: usize = 1000;
const CLASSES: [&str; 3] = ["unknown", "disabled", "wrong-password"];
/// So far apart that no try hears of the failures before it.
const DAY: u64 = 86_400;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let world = World::new().await;
    for name in ["disabled", "wrong-password"] {
        world.create(name, "correct horse battery").await;
    }
    world.users.disable(&"disabled".parse().unwrap()).await.unwrap();
    let mut times = [const { Vec::new() }; 3];
    for round in 0..TRIES {
        for turn in 0..CLASSES.len() {
            // Each class is first, second and third equally often.
            let class = (round + turn) % CLASSES.len();
            let now = LOGIN_AT + DAY * round as u64;
            let began = Instant::now();
            let rejected = world.log_in(CLASSES[class], "wrong", now).await;
            times[class].push(began.elapsed());
            assert_eq!(rejected.code(), "invalid_credentials");
        }
    }
    let mut passes = true;
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        let area = area_under_curve(&times[one], &times[other]);
        passes &= (0.45..=0.55).contains(&area);
        println!("{} against {}: {area:.3}", CLASSES[one], CLASSES[other]);
    }
    println!("{}", if passes { "The time does not tell them apart." } else { "The time tells them apart." });
    if passes { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// How likely a time of `one` is longer than a time of `other`; equal ones count half.
#[expect(clippy::cast_precision_loss, reason = "a million pairs")]
fn area_under_curve(one: &[Duration], other: &[Duration]) -> f64 {
    let longer = |time: &Duration| {
        let pairs = other.iter().map(|against| match time.cmp(against) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        });
        pairs.sum::<f64>()
    };
    one.iter().map(longer).sum::<f64>() / (one.len() * other.len()) as f64
}
