//! Cold starts: from exec to the first poll, and to the first answer.

use std::time::Instant;

use stand_ins::RuntimeApi;

use crate::{AwsStandIn, Shuffle, Target, Traffic};

/// What many starts of one target took.
#[derive(Clone, Debug, Default)]
pub struct Starts {
    /// Milliseconds from exec to the first poll.
    pub to_poll: Vec<f64>,
    /// Milliseconds from exec to the first answer.
    pub to_answer: Vec<f64>,
    /// Milliseconds of processor time up to there.
    pub processor: Vec<f64>,
    /// The bytes resident after the first answer.
    pub memory: u64,
    /// Of the last start.
    pub traffic: Traffic,
}

/// Starts all targets so many times, in another order in each round.
pub fn measure(targets: &[&Target], aws: &AwsStandIn, bundle: &str, rounds: usize) -> Vec<Starts> {
    let mut starts = vec![Starts::default(); targets.len()];
    let mut shuffle = Shuffle::seeded(1);
    for round in 0..=rounds {
        for index in shuffle.order(targets.len()) {
            let one = start_once(targets[index], aws, bundle);
            // The first start of each fills the page cache.
            if round > 0 {
                let all = &mut starts[index];
                all.to_poll.extend(one.to_poll);
                all.to_answer.extend(one.to_answer);
                all.processor.extend(one.processor);
                all.memory = all.memory.max(one.memory);
                all.traffic = one.traffic;
            }
        }
    }
    starts
}

fn start_once(target: &Target, aws: &AwsStandIn, bundle: &str) -> Starts {
    let api = RuntimeApi::start();
    aws.take_traffic();
    let began = Instant::now();
    let process = target.start(&api, aws, bundle, &[]);
    let since = |at: Instant| (at - began).as_secs_f64() * 1e3;
    let polled = api.first_poll();
    api.send(&target.event);
    let answer = api.answer();
    let processor = process.processor_time() as f64 / 1e6;
    assert_is_success(target, answer.response());
    // The event is sent a moment after the poll, when this thread has heard of it: no time of the function's.
    let waited = (answer.event_sent - polled).as_secs_f64() * 1e3;
    Starts {
        to_poll: vec![since(polled)],
        to_answer: vec![since(answer.at) - waited],
        processor: vec![processor],
        memory: process.peak_memory(),
        traffic: aws.take_traffic(),
    }
}

pub(crate) fn assert_is_success(target: &Target, answer: &[u8]) {
    assert!(is_success(answer), "{} answered {}", target.name, String::from_utf8_lossy(answer));
}

pub(crate) fn is_success(answer: &[u8]) -> bool {
    String::from_utf8_lossy(answer).contains(r#""statusCode":200"#)
}
