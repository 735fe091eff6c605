//! Warm calls: one event after the other to a function that runs.

use stand_ins::RuntimeApi;

use crate::{AwsStandIn, Shuffle, Target, Traffic, cold::assert_is_success, median, quantile};

/// What many calls of one target took: the medians of its rounds.
#[derive(Clone, Debug, Default)]
pub struct Calls {
    /// Microseconds from the event sent to the answer read.
    pub p50: f64,
    pub p99: f64,
    pub max: f64,
    /// Microseconds of processor time a call.
    pub processor: f64,
    /// The bytes resident at most.
    pub memory: u64,
    /// Of one call.
    pub traffic: Traffic,
}

/// Calls all targets: each round starts all anew, in another order, and calls each `events` times after as many to warm up.
pub fn measure(targets: &[(&Target, u64)], aws: &AwsStandIn, bundle: &str, rounds: usize) -> Vec<Calls> {
    let mut all = vec![Vec::new(); targets.len()];
    let mut shuffle = Shuffle::seeded(2);
    for _ in 0..rounds {
        for index in shuffle.order(targets.len()) {
            let (target, events) = targets[index];
            all[index].push(call(target, aws, bundle, events));
        }
    }
    all.iter().map(|rounds| typical(rounds)).collect()
}

fn call(target: &Target, aws: &AwsStandIn, bundle: &str, events: u64) -> Calls {
    let api = RuntimeApi::start();
    let process = target.start(&api, aws, bundle, &[]);
    api.send_times(&target.event, (events / 4 + 1) as usize);
    for _ in 0..=events / 4 {
        assert_is_success(target, api.answer().response());
    }
    aws.take_traffic();
    let before = process.processor_time();
    api.send_times(&target.event, events as usize);
    let answers: Vec<_> = (0..events).map(|_| api.answer()).collect();
    let processor = (process.processor_time() - before) as f64 / 1e3 / events as f64;
    let times: Vec<_> = answers.iter().map(|one| (one.at - one.event_sent).as_secs_f64() * 1e6).collect();
    let mut traffic = aws.take_traffic();
    traffic.calls.values_mut().for_each(|count| *count /= events);
    (traffic.bytes_in, traffic.bytes_out) = (traffic.bytes_in / events, traffic.bytes_out / events);
    Calls {
        p50: median(&times),
        p99: quantile(&times, 0.99),
        max: quantile(&times, 1.0),
        processor,
        memory: process.peak_memory(),
        traffic,
    }
}

/// The bytes that one process has had resident at most, after each of these numbers of calls.
pub fn memory(target: &Target, aws: &AwsStandIn, bundle: &str, calls: [u64; 2]) -> [u64; 2] {
    let api = RuntimeApi::start();
    let process = target.start(&api, aws, bundle, &[]);
    let mut done = 0;
    calls.map(|until| {
        api.send_times(&target.event, (until - done) as usize);
        (done..until).for_each(|_| assert_is_success(target, api.answer().response()));
        done = until;
        process.peak_memory()
    })
}

fn typical(rounds: &[Calls]) -> Calls {
    let of = |value: fn(&Calls) -> f64| median(&rounds.iter().map(value).collect::<Vec<_>>());
    Calls {
        p50: of(|round| round.p50),
        p99: of(|round| round.p99),
        max: of(|round| round.max),
        processor: of(|round| round.processor),
        memory: rounds.iter().map(|round| round.memory).max().unwrap_or(0),
        traffic: rounds.last().cloned().unwrap_or_default().traffic,
    }
}
