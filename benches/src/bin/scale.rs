//! Arrivals, concurrency and cold starts of one function: the numbers of docs/scale.md.
//!
//! `cargo run --release -p bench --bin scale`. The same seed gives the same table. Calls arrive at random (Poisson); each
//! takes an environment that is free, or starts one: Lambda lets a function's concurrency grow by 1,000 every 10 s
//! and an account's to its limit; a call beyond that is refused with 429, and tries again a second later, as a client does.

#![expect(
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a table for the terminal"
)]

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, VecDeque},
};

use bench::{Shuffle, Table};

/// Microseconds.
type Time = u64;
const SECOND: Time = 1_000_000;
/// Lambda: how many environments a function may add in 10 s, at once or one after the other.
const GROWTH: f64 = 1000.0;
const GROWTH_TIME: f64 = 10.0 * SECOND as f64;
/// Lambda keeps an idle environment for minutes; a run here is shorter.
const RUN: Time = 60 * SECOND;

struct Load {
    name: &'static str,
    /// Calls a second, from the first second on.
    rate: f64,
    /// How long a warm call takes.
    warm: Time,
    /// How much longer the first call of an environment takes: its start.
    start: Time,
    /// The account's limit.
    concurrency: usize,
    /// Environments that are there already.
    running: usize,
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    calls: u64,
    cold: u64,
    refused: u64,
    most_at_once: usize,
    /// Seconds until no call is cold or refused any more.
    settled: u64,
    /// DynamoDB reads in the busiest second: one a call, and one of half a unit for each start.
    reads: u64,
}

fn simulate(load: &Load, seed: u64) -> Outcome {
    let mut random = Shuffle::seeded(seed);
    let mut outcome = Outcome::default();
    // When each busy environment is free again; a start takes longer.
    let mut busy: BinaryHeap<Reverse<Time>> = BinaryHeap::new();
    let (mut free, mut environments) = (load.running, load.running);
    let (mut may_start, mut credited) = (GROWTH, 0);
    let mut again: VecDeque<Time> = VecDeque::new();
    let mut reads = vec![0; (RUN / SECOND) as usize + 2];
    let mut next = arrival(0, load.rate, &mut random);
    loop {
        let now = match again.front() {
            Some(&time) if time < next => again.pop_front().unwrap_or(next),
            _ => {
                let time = next;
                next = arrival(time, load.rate, &mut random);
                time
            }
        };
        if now >= RUN {
            break;
        }
        outcome.calls += 1;
        may_start = (may_start + GROWTH * (now - credited) as f64 / GROWTH_TIME).min(GROWTH);
        credited = now;
        while busy.peek().is_some_and(|Reverse(end)| *end <= now) {
            busy.pop();
            free += 1;
        }
        let second = (now / SECOND) as usize;
        if free > 0 {
            free -= 1;
            busy.push(Reverse(now + load.warm));
        } else if environments < load.concurrency && may_start >= 1.0 {
            (environments, may_start) = (environments + 1, may_start - 1.0);
            busy.push(Reverse(now + load.start + load.warm));
            (outcome.cold, outcome.settled) = (outcome.cold + 1, now / SECOND + 1);
            count(&mut reads, second);
        } else {
            again.push_back(now + SECOND);
            (outcome.refused, outcome.settled) = (outcome.refused + 1, now / SECOND + 1);
            continue;
        }
        count(&mut reads, second);
        outcome.most_at_once = outcome.most_at_once.max(busy.len());
    }
    outcome.reads = reads.into_iter().max().unwrap_or(0);
    outcome
}

fn count(reads: &mut [u64], second: usize) {
    if let Some(number) = reads.get_mut(second) {
        *number += 1;
    }
}

/// The next arrival of a Poisson process.
fn arrival(after: Time, rate: f64, random: &mut Shuffle) -> Time {
    let gap = -(1.0 - random.fraction()).ln() / rate * SECOND as f64;
    after + gap.round() as Time
}

fn loads() -> Vec<Load> {
    let refresh =
        |name, rate, running| Load { name, rate, warm: 7_000, start: 60_000, concurrency: 1000, running };
    let login = |name, rate, concurrency, running| Load {
        name,
        rate,
        warm: 40_000,
        start: 90_000,
        concurrency,
        running,
    };
    vec![
        refresh("refresh, 10,000/s, warm", 10_000.0, 200),
        refresh("refresh, 10,000/s, from nothing", 10_000.0, 0),
        refresh("refresh, 50,000/s, from nothing", 50_000.0, 0),
        refresh("refresh, 10,000/s, DynamoDB slow: 100 ms", 10_000.0, 200).taking(100_000),
        refresh("refresh, 10,000/s, DynamoDB slow: 1 s", 10_000.0, 200).taking(1_000_000),
        login("login, 1,000/s, from nothing", 1_000.0, 1000, 0),
        login("login, 10,000/s, from nothing", 10_000.0, 1000, 0),
        login("login, 10,000/s, LoginReservedConcurrency=100", 10_000.0, 100, 0),
    ]
}

impl Load {
    fn taking(mut self, warm: Time) -> Self {
        self.warm = warm;
        self
    }
}

fn main() {
    let heads =
        ["load", "calls in 60 s", "cold", "refused", "most at once", "settled after, s", "reads/s at most"];
    let mut table = Table::new(&heads);
    for load in loads() {
        let outcome = simulate(&load, 7);
        table.row(&[
            load.name.to_owned(),
            outcome.calls.to_string(),
            outcome.cold.to_string(),
            outcome.refused.to_string(),
            outcome.most_at_once.to_string(),
            outcome.settled.to_string(),
            outcome.reads.to_string(),
        ]);
    }
    println!("{}", table.text());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        Load { name: "", rate: 1000.0, warm: 10_000, start: 50_000, concurrency: 1000, running: 0 }
    }

    #[test]
    fn the_same_seed_gives_the_same_outcome() {
        assert_eq!(simulate(&load(), 1), simulate(&load(), 1));
        assert_ne!(simulate(&load(), 1), simulate(&load(), 2));
    }

    #[test]
    fn as_many_are_busy_as_little_s_law_says() {
        let warm = simulate(&Load { running: 1000, ..load() }, 1);
        assert_eq!((warm.cold, warm.refused), (0, 0));
        // On average 10; a Poisson variable of that mean stays below 40.
        assert!((10..40).contains(&warm.most_at_once), "{warm:?}");
        assert!(warm.calls.abs_diff(60_000) < 1500, "{warm:?}");
    }

    #[test]
    fn beyond_the_limit_calls_are_refused_and_no_more_environments_start() {
        let outcome = simulate(&Load { concurrency: 5, ..load() }, 1);
        assert_eq!((outcome.cold, outcome.most_at_once), (5, 5));
        assert!(outcome.refused > 10_000, "{outcome:?}");
    }
}
