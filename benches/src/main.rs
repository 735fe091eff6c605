//! `cargo run --release -p bench`: builds what is measured, measures it, prints it and writes the table of benches/README.md.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a measurement for the terminal"
)]

mod build;
mod receipt;

use bench::{Authority, AwsStandIn, Scenario, cold, floors, table, valgrind, warm};

use crate::{
    build::{Options, Targets},
    receipt::{Counts, Measured},
};

/// The instructions from exec to the first refreshed token that we are after.
const COLD_GOAL: u64 = 7_000_000;
/// The most that CI takes: 10 million today. The system's roots would add 20 million,
/// jitter entropy 400.
const COLD_BUDGET: u64 = 12_000_000;

/// After so many logins memory should have grown to what it stays at.
const FEW_LOGINS: u64 = 100;

fn main() {
    let options = Options::from_arguments();
    let scenario = Scenario::new();
    let targets = Targets::build(&options, &scenario);
    let authority = Authority::new();
    let aws = AwsStandIn::start(&authority, scenario.secret.clone(), scenario.row.clone());
    let folder = tempfile::tempdir().unwrap();
    let bundle = folder.path().join("roots.pem");
    authority.write_bundle(&bundle);
    let bundle = bundle.to_str().unwrap();

    if options.budget {
        let count = Counts::cold_of_hs256(&targets, &authority, bundle, folder.path());
        if let Some(file) = &options.profile {
            std::fs::copy(folder.path().join(valgrind::PROFILE), file).expect("a folder to write to");
        }
        println!("from exec to the first refreshed token: {count} instructions (at most {COLD_BUDGET})");
        assert!(count <= COLD_BUDGET, "the cold start has become too long");
        return;
    }
    let (starts, calls) = (targets.started(), targets.called(&options));
    eprintln!("cold starts: {} of each of {}", options.starts, starts.len());
    let cold = cold::measure(&starts, &aws, bundle, options.starts);
    eprintln!("warm calls: {} rounds", options.rounds);
    let warm = warm::measure(&calls, &aws, bundle, options.rounds);
    eprintln!("memory over {} logins", options.logins);
    let login_memory = warm::memory(&targets.login, &aws, bundle, [FEW_LOGINS, options.logins]);
    eprintln!("bare cryptography");
    let floors = floors::measure(&scenario, 101);
    let counts = valgrind::is_there().then(|| {
        eprintln!("instructions and allocations, under Valgrind");
        Counts::count(&targets, &authority, &aws, bundle, folder.path())
    });
    let measured = Measured {
        cold: starts.iter().map(|target| target.name).zip(cold).collect(),
        warm: calls.iter().map(|(target, _)| target.name).zip(warm).collect(),
        floors,
        login_memory,
        counts,
    };
    let text = receipt::write(&targets, &measured, &options);
    println!("{text}");
    if options.write {
        std::fs::write(build::root().join("benches/receipt.md"), &text).expect("a folder to write to");
        let summary = receipt::summary(&targets, &measured);
        let readme = build::root().join("benches/README.md");
        table::write_between_markers(&readme, &summary).expect("a README with the markers");
    }
}
