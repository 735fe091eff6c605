//! Arrivals, concurrency and cold starts of one function: the numbers of docs/scale.md.
//!
//! `cargo run --release -p bench --bin scale`. The same seed gives the same table. Calls arrive at random (Poisson); API
//! Gateway lets so many a second through, Lambda ten for each environment that an account may run. A call then takes an
//! environment that is free, or starts one: a function's concurrency grows by 1,000 every 10 s, and to the account's
//! limit. What is rejected on the way tries again a second later, as a client does.

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
/// Lambda: how many synchronous calls a second an account may make for each environment it may run, however short they are.
const CALLS_OF_AN_ENVIRONMENT: u64 = 10;
/// API Gateway: how many calls may come at once beyond its rate.
const BURST: f64 = 5000.0;
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
    quotas: Quotas,
    /// `DynamoDB`'s reads and writes of one call.
    units: [u64; 2],
    /// Environments that are there already.
    running: usize,
}

/// What AWS lets an account do in one region; both are raised on request.
#[derive(Clone, Copy)]
struct Quotas {
    /// Environments of Lambda at once, or those that are reserved for the function.
    concurrency: usize,
    /// Requests a second of API Gateway.
    gateway: f64,
}

const DEFAULT: Quotas = Quotas { concurrency: 1000, gateway: 10_000.0 };
const RAISED: Quotas = Quotas { concurrency: 3000, gateway: 20_000.0 };
const RAISED_MUCH: Quotas = Quotas { concurrency: 10_000, gateway: 100_000.0 };

/// So many a second, and as many more at once as have been left over.
struct Bucket {
    rate: f64,
    most: f64,
    level: f64,
    filled_at: Time,
}

impl Bucket {
    fn full(rate: f64, most: f64) -> Self {
        Self { rate, most, level: most, filled_at: 0 }
    }

    /// Whether there is one at `now`; it is for the caller to [`Self::take`].
    fn has_one(&mut self, now: Time) -> bool {
        let gained = self.rate * (now - self.filled_at) as f64 / SECOND as f64;
        (self.level, self.filled_at) = ((self.level + gained).min(self.most), now);
        self.level >= 1.0
    }

    fn take(&mut self) {
        self.level -= 1.0;
    }
}

#[derive(Debug, Default, PartialEq)]
struct Outcome {
    calls: u64,
    cold: u64,
    rejected: u64,
    most_at_once: usize,
    /// Seconds until no call is cold or rejected any more.
    settled: u64,
    /// `DynamoDB`'s reads and writes in the busiest second; a start reads once more.
    units: [u64; 2],
}

fn simulate(load: &Load, seed: u64) -> Outcome {
    let mut random = Shuffle::seeded(seed);
    let mut outcome = Outcome::default();
    // When each busy environment is free again; a start takes longer.
    let mut busy: BinaryHeap<Reverse<Time>> = BinaryHeap::new();
    let (mut free, mut environments) = (load.running, load.running);
    let (mut growth, mut gateway) = (
        Bucket::full(GROWTH * SECOND as f64 / GROWTH_TIME, GROWTH),
        Bucket::full(load.quotas.gateway, BURST),
    );
    let mut again: VecDeque<Time> = VecDeque::new();
    // Calls that ran, and environments that started, in each second.
    let mut seconds = vec![[0_u64; 2]; (RUN / SECOND) as usize];
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
        let Some([calls, starts]) = seconds.get_mut((now / SECOND) as usize) else { break };
        outcome.calls += 1;
        while busy.peek().is_some_and(|Reverse(end)| *end <= now) {
            busy.pop();
            free += 1;
        }
        let through = gateway.has_one(now);
        if through {
            gateway.take();
        }
        let may_run = through && *calls < CALLS_OF_AN_ENVIRONMENT * load.quotas.concurrency as u64;
        if may_run && free > 0 {
            free -= 1;
            busy.push(Reverse(now + load.warm));
        } else if may_run && environments < load.quotas.concurrency && growth.has_one(now) {
            growth.take();
            environments += 1;
            busy.push(Reverse(now + load.start + load.warm));
            (outcome.cold, outcome.settled) = (outcome.cold + 1, now / SECOND + 1);
            *starts += 1;
        } else {
            again.push_back(now + SECOND);
            (outcome.rejected, outcome.settled) = (outcome.rejected + 1, now / SECOND + 1);
            continue;
        }
        *calls += 1;
        outcome.most_at_once = outcome.most_at_once.max(busy.len());
    }
    let [reads, writes] = load.units;
    outcome.units = [
        seconds.iter().map(|[calls, starts]| calls * reads + starts).max().unwrap_or(0),
        seconds.iter().map(|[calls, _]| calls * writes).max().unwrap_or(0),
    ];
    outcome
}

/// The next arrival of a Poisson process.
fn arrival(after: Time, rate: f64, random: &mut Shuffle) -> Time {
    let gap = -(1.0 - random.fraction()).ln() / rate * SECOND as f64;
    after + gap.round() as Time
}

/// With the times of docs/cost.md for arm64, the template's default.
fn loads() -> Vec<Load> {
    let refresh = |name, rate, quotas, running| Load {
        name,
        rate,
        warm: 9_000,
        start: 60_000,
        quotas,
        units: [1, 0],
        running,
    };
    let login = |name, rate, quotas| Load {
        name,
        rate,
        warm: 59_000,
        start: 90_000,
        quotas,
        units: [3, 1],
        running: 0,
    };
    let reserved = Quotas { concurrency: 100, ..RAISED };
    vec![
        refresh("refresh, 5,000/s, from nothing", 5_000.0, DEFAULT, 0),
        refresh("refresh, 10,000/s, warm", 10_000.0, DEFAULT, 200),
        refresh("refresh, 10,000/s, warm", 10_000.0, RAISED, 200),
        refresh("refresh, 10,000/s, from nothing", 10_000.0, RAISED, 0),
        refresh("refresh, 50,000/s, from nothing", 50_000.0, RAISED_MUCH, 0),
        refresh("refresh, 10,000/s, DynamoDB takes 100 ms", 10_000.0, RAISED, 200).taking(100_000),
        refresh("refresh, 10,000/s, DynamoDB takes 1 s", 10_000.0, RAISED, 200).taking(1_000_000),
        login("login, 1,000/s, from nothing", 1_000.0, DEFAULT),
        login("login, 10,000/s, from nothing", 10_000.0, RAISED),
        login("login, 10,000/s, LoginReservedConcurrency=100", 10_000.0, reserved),
    ]
}

impl Load {
    fn taking(mut self, warm: Time) -> Self {
        self.warm = warm;
        self
    }
}

fn main() {
    let mut table = Table::new(&[
        "load",
        "Lambda at once",
        "API Gateway/s",
        "calls in 60 s",
        "cold",
        "rejected",
        "busy at most",
        "settled after, s",
        "reads/s",
        "writes/s",
    ]);
    for load in loads() {
        let outcome = simulate(&load, 7);
        let numbers = [
            load.quotas.concurrency as u64,
            load.quotas.gateway as u64,
            outcome.calls,
            outcome.cold,
            outcome.rejected,
            outcome.most_at_once as u64,
            outcome.settled,
        ];
        let cells = numbers.into_iter().chain(outcome.units).map(|number| number.to_string());
        table.row(&[load.name.to_owned()].into_iter().chain(cells).collect::<Vec<_>>());
    }
    println!("{}", table.text());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load() -> Load {
        let (rate, warm, start) = (1000.0, 10_000, 50_000);
        Load { name: "", rate, warm, start, quotas: DEFAULT, units: [1, 0], running: 0 }
    }

    #[test]
    fn the_same_seed_gives_the_same_outcome() {
        assert_eq!(simulate(&load(), 1), simulate(&load(), 1));
        assert_ne!(simulate(&load(), 1), simulate(&load(), 2));
    }

    #[test]
    fn as_many_are_busy_as_little_s_law_says() {
        let warm = simulate(&Load { running: 1000, ..load() }, 1);
        assert_eq!((warm.cold, warm.rejected), (0, 0));
        // On average 10; a Poisson variable of that mean stays below 40.
        assert!((10..40).contains(&warm.most_at_once), "{warm:?}");
        assert!(warm.calls.abs_diff(60_000) < 1500, "{warm:?}");
    }

    #[test]
    fn beyond_the_limit_calls_are_rejected_and_no_more_environments_start() {
        let outcome = simulate(&Load { quotas: Quotas { concurrency: 5, ..DEFAULT }, ..load() }, 1);
        assert_eq!((outcome.cold, outcome.most_at_once), (5, 5));
        assert!(outcome.rejected > 10_000, "{outcome:?}");
    }

    #[test]
    fn lambda_runs_ten_calls_a_second_for_each_environment_that_the_account_may_have() {
        let quotas = Quotas { concurrency: 50, ..DEFAULT };
        let outcome = simulate(&Load { quotas, running: 50, ..load() }, 1);
        assert_eq!((outcome.units[0], outcome.cold), (500, 0), "10 are busy, and no more than 500 run");
        assert!(outcome.rejected > 10_000, "{outcome:?}");
    }

    #[test]
    fn api_gateway_lets_its_rate_through() {
        let quotas = Quotas { gateway: 100.0, ..DEFAULT };
        let outcome = simulate(&Load { rate: 1000.0, quotas, running: 100, ..load() }, 1);
        let ran = outcome.calls - outcome.rejected;
        assert!(ran.abs_diff(BURST as u64 + 60 * 100) < 200, "{outcome:?}");
    }
}
