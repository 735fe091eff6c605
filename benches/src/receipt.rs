//! What is printed and what README shows: figures, and ratios within this run.

use std::{fmt::Write, path::Path};

use bench::{
    Authority, AwsStandIn, Scenario, Table, Target, cold::Starts, floors::Floors, valgrind, warm::Calls,
};
use token::Algorithm;

use crate::{
    COLD_BUDGET, COLD_GOAL,
    build::{Options, Targets},
};

/// Calls between two counts, of which one call is the difference.
const COUNTED_CALLS: u64 = 50;

/// All that was measured, by the names of the targets.
pub(crate) struct Measured {
    pub(crate) cold: Vec<(&'static str, Starts)>,
    pub(crate) warm: Vec<(&'static str, Calls)>,
    pub(crate) floors: Floors,
    /// The bytes that a login has resident at most: after a hundred, and after many.
    pub(crate) login_memory: [u64; 2],
    pub(crate) counts: Option<Counts>,
}

/// What Valgrind counts.
pub(crate) struct Counts {
    /// With a key of HS256, which costs next to nothing itself.
    cold_of_hs256: u64,
    cold_refresh: u64,
    cold_lean: u64,
    warm_refresh: u64,
    warm_login: u64,
    warm_verify: u64,
    allocations: u64,
    allocated: u64,
}

impl Counts {
    /// The instructions from exec to the first token refreshed with HS256.
    pub(crate) fn cold_of_hs256(
        targets: &Targets,
        authority: &Authority,
        bundle: &str,
        folder: &Path,
    ) -> u64 {
        let scenario = Scenario::of(Algorithm::HS256);
        let aws = AwsStandIn::start(authority, scenario.secret, scenario.row);
        let refresh = Target { event: scenario.refresh_event, ..targets.refresh.clone() };
        // A busy machine makes connections time out under Valgrind, and be tried again: such a run does not count.
        let mut least = u64::MAX;
        for _ in 0..10 {
            least = least.min(valgrind::instructions(&refresh, &aws, bundle, 1, folder));
            if least <= COLD_BUDGET {
                break;
            }
        }
        least
    }

    pub(crate) fn count(
        targets: &Targets,
        authority: &Authority,
        aws: &AwsStandIn,
        bundle: &str,
        folder: &Path,
    ) -> Self {
        let instructions =
            |target: &Target, events| valgrind::instructions(target, aws, bundle, events, folder);
        let refresh = &targets.refresh;
        let cold_refresh = instructions(refresh, 1);
        let warm = |target: &Target, cold| {
            instructions(target, 1 + COUNTED_CALLS).saturating_sub(cold) / COUNTED_CALLS
        };
        let allocations = |events| valgrind::allocations(refresh, aws, bundle, events, folder);
        let (first, all) = (allocations(1), allocations(1 + COUNTED_CALLS));
        Self {
            cold_of_hs256: Self::cold_of_hs256(targets, authority, bundle, folder),
            cold_refresh,
            cold_lean: instructions(&targets.lean, 1),
            warm_refresh: warm(refresh, cold_refresh),
            warm_login: warm(&targets.login, instructions(&targets.login, 1)),
            warm_verify: warm(&targets.verify, instructions(&targets.verify, 1)),
            allocations: all.0.saturating_sub(first.0) / COUNTED_CALLS,
            allocated: all.1.saturating_sub(first.1) / COUNTED_CALLS,
        }
    }
}

impl Measured {
    fn cold(&self, name: &str) -> Option<&Starts> {
        self.cold.iter().find(|(other, _)| *other == name).map(|(_, starts)| starts)
    }

    fn warm(&self, name: &str) -> Option<&Calls> {
        self.warm.iter().find(|(other, _)| *other == name).map(|(_, calls)| calls)
    }

    fn first_answer(&self, name: &str) -> Option<f64> {
        self.cold(name).map(|starts| bench::median(&starts.to_answer))
    }

    fn p50(&self, name: &str) -> Option<f64> {
        self.warm(name).map(|calls| calls.p50)
    }
}

/// What README.md beside the receipt shows: figures beside what cannot be beaten and what one has without care.
pub(crate) fn summary(targets: &Targets, measured: &Measured) -> String {
    let mut table = Table::new(&["", "Latchkey", "the floor", "SDK defaults"]);
    let mut line = |what: &str, values: [Option<f64>; 3], digits: usize| {
        let cells = values.map(|value| value.map_or_else(String::new, |value| format!("{value:.digits$}")));
        table.row(&[what.to_owned()].into_iter().chain(cells).collect::<Vec<_>>());
    };
    let (lean, [refresh, login]) = ("lean refresh", ["refresh, SDK defaults", "login, SDK defaults"]);
    let (cold, warm) = (|name| measured.first_answer(name), |name| measured.p50(name));
    let (thousandth, floors) = (|value: Option<f64>| Some(value? / 1e3), measured.floors);
    let memory = |name| measured.warm(name).map(|calls| calls.memory as f64 / 1e6);
    let zip = |target: &Target| Some(target.sizes().1 as f64 / 1e6);
    line("from exec to the first refreshed token, ms", [cold("refresh"), cold(lean), cold(refresh)], 1);
    line("from exec to the first login, ms", [cold("login"), None, cold(login)], 1);
    line("a refresh, ms", ["refresh", lean, refresh].map(|name| thousandth(warm(name))), 2);
    line("a login, ms", [warm("login"), Some(floors.hash), warm(login)].map(thousandth), 2);
    line("a verify, ms", [warm("verify"), warm("bare loop"), None].map(thousandth), 2);
    line(
        "an RS256 token, ms",
        [Some(floors.rs256_issue), Some(floors.raw_rs256_sign), None].map(thousandth),
        2,
    );
    line("memory of refresh, MB", ["refresh", lean, refresh].map(memory), 0);
    line("memory of login, MB", [Some(measured.login_memory[1] as f64 / 1e6), None, memory(login)], 0);
    let defaults = targets.defaults.as_ref().and_then(|[refresh, _]| zip(refresh));
    line("the zip of refresh, MB", [zip(&targets.refresh), zip(&targets.lean), defaults], 1);
    let note = "one run, targets in turn, TLS to stand-ins of AWS on the same machine. [The receipt](receipt.md) has all of it \
                and the bounds we set ourselves; this page says what each line is and why some bounds do not hold.";
    format!("{}\nMedians on {}; {note}", table.text(), processor())
}

/// All of it.
pub(crate) fn write(targets: &Targets, measured: &Measured, options: &Options) -> String {
    let mut text = "# The receipt\n\nWritten by `cargo run --release -p bench`.\n\n".to_owned();
    writeln!(text, "{}", ratios(targets, measured).text()).unwrap();
    writeln!(text, "Cold starts, medians of {} each, TLS to both services:\n", options.starts).unwrap();
    writeln!(text, "{}", cold_table(measured).text()).unwrap();
    writeln!(text, "Warm calls, {} rounds, medians of the rounds:\n", options.rounds).unwrap();
    writeln!(text, "{}", warm_table(measured).text()).unwrap();
    let [few, many] = measured.login_memory.map(|bytes| bytes as f64 / 1e6);
    let logins = options.logins;
    writeln!(text, "One `login` has {few:.1} MB resident after 100 logins and {many:.1} after {logins}.\n")
        .unwrap();
    writeln!(text, "Calls to AWS:\n").unwrap();
    writeln!(text, "{}", traffic_table(measured).text()).unwrap();
    writeln!(
        text,
        "Measured on {}; one run, targets in turn. [README](README.md) says what each line is.",
        processor()
    )
    .unwrap();
    text
}

/// Each bound, and what it came to.
fn ratios(targets: &Targets, measured: &Measured) -> Table {
    let mut table = Table::new(&["what", "measured", "bound"]);
    let mut line = |what: &str, value: Option<f64>, at_most: f64| {
        if let Some(value) = value {
            table.row(&[what.to_owned(), format!("{value:.2}"), format!("{at_most:.2}")]);
        }
    };
    let over = |above: Option<f64>, below: Option<f64>| Some(above? / below?);
    let (cold, warm) = (|name| measured.first_answer(name), |name| measured.p50(name));
    line("cold refresh / lean", over(cold("refresh"), cold("lean refresh")), 1.5);
    line("cold refresh / SDK defaults", over(cold("refresh"), cold("refresh, SDK defaults")), 1.0 / 6.5);
    line("cold login / SDK defaults", over(cold("login"), cold("login, SDK defaults")), 0.2);
    line("verify / bare loop", over(warm("verify"), warm("bare loop")), 1.6);
    line("refresh / lean", over(warm("refresh"), warm("lean refresh")), 2.0);
    line("refresh / SDK defaults", over(warm("refresh"), warm("refresh, SDK defaults")), 0.45);
    line("login / SDK defaults", over(warm("login"), warm("login, SDK defaults")), 0.35);
    let floors = measured.floors;
    line("login / bare Argon2 hash", over(warm("login"), Some(floors.hash)), 1.1);
    line("RS256 issue / signature", Some(floors.rs256_issue / floors.raw_rs256_sign), 1.05);
    line("HS256 issue and verify / bare", Some(floors.hs256_round / floors.raw_hs256_round), 2.0);
    if let Some(counts) = &measured.counts {
        let millions = |count| Some(count as f64 / 1e6);
        line(
            "cold refresh with HS256, million instructions",
            millions(counts.cold_of_hs256),
            COLD_GOAL as f64 / 1e6,
        );
    }
    let megabytes = |bytes: u64| Some(bytes as f64 / 1e6);
    for target in [&targets.refresh, &targets.login, &targets.verify] {
        line(&format!("{}, zip in MB", target.name), megabytes(target.sizes().1), 3.0);
    }
    let memory = |name| measured.warm(name).and_then(|calls| megabytes(calls.memory));
    line("refresh, resident MB", memory("refresh"), 12.0);
    let [few, many] = measured.login_memory;
    line("login, resident MB", megabytes(many), 30.0);
    line("login, resident after all logins / after 100", Some(many as f64 / few as f64), 1.05);
    table
}

fn cold_table(measured: &Measured) -> Table {
    let mut table =
        Table::new(&["", "first poll, ms", "first answer, ms", "p90", "processor, ms", "resident, MB"]);
    for (name, starts) in &measured.cold {
        table.row(&[
            (*name).to_owned(),
            format!("{:.2}", bench::median(&starts.to_poll)),
            format!("{:.2}", bench::median(&starts.to_answer)),
            format!("{:.2}", bench::quantile(&starts.to_answer, 0.9)),
            format!("{:.2}", bench::median(&starts.processor)),
            format!("{:.1}", starts.memory as f64 / 1e6),
        ]);
    }
    table
}

fn warm_table(measured: &Measured) -> Table {
    let mut table = Table::new(&["", "p50, µs", "p99", "max", "processor, µs", "resident, MB"]);
    for (name, calls) in &measured.warm {
        table.row(&[
            (*name).to_owned(),
            format!("{:.0}", calls.p50),
            format!("{:.0}", calls.p99),
            format!("{:.0}", calls.max),
            format!("{:.0}", calls.processor),
            format!("{:.1}", calls.memory as f64 / 1e6),
        ]);
    }
    let floors = measured.floors;
    for (name, value) in [
        ("RS256 signature alone", floors.raw_rs256_sign),
        ("RS256 token", floors.rs256_issue),
        ("Argon2id hash alone", floors.hash),
    ] {
        let blank = || String::new();
        table.row(&[name.to_owned(), format!("{value:.0}"), blank(), blank(), blank(), blank()]);
    }
    if let Some(counts) = &measured.counts {
        let cells = |what: &str, value: String| {
            [what.to_owned(), value, String::new(), String::new(), String::new(), String::new()]
        };
        table.row(&cells("cold refresh, instructions", counts.cold_refresh.to_string()));
        table.row(&cells("refresh, instructions", counts.warm_refresh.to_string()));
        table.row(&cells("login, instructions", counts.warm_login.to_string()));
        table.row(&cells("verify, instructions", counts.warm_verify.to_string()));
        let allocations = format!("{} of {} bytes", counts.allocations, counts.allocated);
        table.row(&cells("refresh, allocations", allocations));
        table.row(&cells("lean cold refresh, instructions", counts.cold_lean.to_string()));
    }
    table
}

fn traffic_table(measured: &Measured) -> Table {
    let mut table = Table::new(&["", "calls", "bytes to AWS", "bytes from AWS"]);
    let of = |traffic: &bench::Traffic| {
        let calls: Vec<_> = traffic.calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
        [calls.join(", "), traffic.bytes_in.to_string(), traffic.bytes_out.to_string()]
    };
    for name in ["refresh", "login"] {
        if let Some(starts) = measured.cold(name) {
            let [calls, sent, received] = of(&starts.traffic);
            table.row(&[format!("{name}, cold"), calls, sent, received]);
        }
        if let Some(warm) = measured.warm(name) {
            let [calls, sent, received] = of(&warm.traffic);
            table.row(&[format!("{name}, warm"), calls, sent, received]);
        }
    }
    table
}

/// What the kernel calls it.
fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or(": a processor without a name");
    let count = std::thread::available_parallelism().map_or(1, usize::from);
    format!("{count} x {}", name.trim_start_matches(['\t', ' ', ':']))
}
