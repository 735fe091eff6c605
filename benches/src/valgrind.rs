//! Instructions and allocations, which Valgrind counts: they do not depend on the machine's speed or load.
//!
//! Counted is all that the program executes in user space, in all its threads, the dynamic linker included; not what
//! the kernel does for it. Valgrind shows programs a processor with AVX2 and without AVX-512.

use std::{fs, path::Path, process::Command};

use stand_ins::RuntimeApi;

use crate::{AwsStandIn, Target, cold::is_success};

/// The file of the last count of instructions, in the folder that was given.
pub const PROFILE: &str = "callgrind.out";

/// Whether it is installed.
pub fn is_there() -> bool {
    Command::new("valgrind").arg("--version").output().is_ok()
}

/// The instructions from exec until so many events have been answered.
pub fn instructions(target: &Target, aws: &AwsStandIn, bundle: &str, events: u64, folder: &Path) -> u64 {
    let output = folder.join(PROFILE);
    let options = ["--tool=callgrind", &format!("--callgrind-out-file={}", output.display())];
    run(target, aws, bundle, events, &options);
    let text = fs::read_to_string(&output).unwrap();
    let total = text.lines().find_map(|line| line.strip_prefix("totals: ")).expect("totals of callgrind");
    total.trim().parse().unwrap()
}

/// The allocations, and their bytes, until so many events have been answered.
pub fn allocations(
    target: &Target,
    aws: &AwsStandIn,
    bundle: &str,
    events: u64,
    folder: &Path,
) -> (u64, u64) {
    let output = folder.join("memcheck.log");
    let log = format!("--log-file={}", output.display());
    run(target, aws, bundle, events, &["--tool=memcheck", "--undef-value-errors=no", &log]);
    let text = fs::read_to_string(&output).unwrap();
    let line =
        text.lines().find(|line| line.contains("total heap usage")).expect("the heap summary of memcheck");
    let mut numbers = line.split_once("usage:").unwrap().1.split(',').collect::<Vec<_>>().join("");
    numbers.retain(|c| c.is_ascii_digit() || c == ' ');
    let numbers: Vec<u64> = numbers.split_whitespace().map(|number| number.parse().unwrap()).collect();
    (numbers[0], numbers[2])
}

/// How often a run begins anew in which a call to AWS took longer than a function waits: Valgrind makes it many times
/// slower, and on a busy machine slower still.
const TRIES: usize = 20;

fn run(target: &Target, aws: &AwsStandIn, bundle: &str, events: u64, options: &[&str]) {
    for _ in 0..TRIES {
        let api = RuntimeApi::start();
        let under: Vec<_> = ["valgrind"].iter().chain(options).map(|&word| word.to_owned()).collect();
        let process = target.start(&api, aws, bundle, &under);
        api.first_poll();
        api.send_times(&target.event, events as usize);
        let answers: Vec<_> = (0..events).map(|_| api.answer()).collect();
        process.terminate();
        if answers.iter().all(|answer| is_success(answer.response())) {
            return;
        }
    }
    panic!("{} does not succeed under Valgrind", target.name);
}
