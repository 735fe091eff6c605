use std::{
    path::{Path, PathBuf},
    process::Command,
};

use bench::{Scenario, Target};

/// What was asked for on the command line.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one option")]
pub(crate) struct Options {
    /// Cold starts of each target.
    pub(crate) starts: usize,
    /// Rounds of warm calls.
    pub(crate) rounds: usize,
    /// Refreshes in each round; a tenth as many logins.
    pub(crate) events: u64,
    /// Logins of one process, over which its memory should stay flat.
    pub(crate) logins: u64,
    /// Whether the SDK with its defaults is built and measured too.
    pub(crate) defaults: bool,
    /// Whether anything is built.
    pub(crate) build: bool,
    /// Where cargo lambda has put the functions, if they are not to be built here.
    pub(crate) functions: Option<PathBuf>,
    /// Whether the receipt and README's table are written.
    pub(crate) write: bool,
    /// Only the count of instructions that CI checks.
    pub(crate) budget: bool,
    /// Where the profile behind that count is kept.
    pub(crate) profile: Option<PathBuf>,
}

const HELP: &str = "cargo run --release -p bench [-- OPTIONS]

--starts N      cold starts of each target (40)
--rounds N      rounds of warm calls (5)
--events N      refreshes in each round, and a tenth as many logins (2000)
--logins N      logins of one process, to see its memory stay flat (10000)
--no-defaults   without the build of the SDK's defaults, which takes minutes the first time
--no-build      measure what is built already
--lambda FOLDER measure FOLDER/refresh/bootstrap and so on, as cargo lambda builds them
--no-write      write neither benches/receipt.md nor benches/README.md
--budget        only count the instructions of a cold start, and fail above the bound
--profile FILE  keep what callgrind wrote then; functions have names in it after
                CARGO_PROFILE_RELEASE_STRIP=none, and callgrind_annotate FILE lists them";

impl Options {
    pub(crate) fn from_arguments() -> Self {
        let mut options = Self {
            starts: 40,
            rounds: 5,
            events: 2000,
            logins: 10_000,
            defaults: true,
            build: true,
            functions: None,
            write: true,
            budget: false,
            profile: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut number =
                || arguments.next().and_then(|text| text.parse().ok()).filter(|&number| number > 0);
            match argument.as_str() {
                "--starts" => options.starts = number().unwrap_or_else(|| reject("--starts needs a number")),
                "--rounds" => options.rounds = number().unwrap_or_else(|| reject("--rounds needs a number")),
                "--events" => {
                    options.events = number().unwrap_or_else(|| reject("--events needs a number")) as u64;
                }
                "--logins" => {
                    let number = number().unwrap_or_else(|| reject("--logins needs a number")) as u64;
                    options.logins = number.max(crate::FEW_LOGINS);
                }
                "--no-defaults" => options.defaults = false,
                "--no-build" => options.build = false,
                "--lambda" => {
                    let folder = arguments.next().unwrap_or_else(|| reject("--lambda needs a folder"));
                    options.functions = Some(folder.into());
                }
                "--no-write" => options.write = false,
                "--budget" => (options.budget, options.defaults) = (true, false),
                "--profile" => {
                    let file = arguments.next().unwrap_or_else(|| reject("--profile needs a file"));
                    options.profile = Some(file.into());
                }
                "--help" => {
                    println!("{HELP}");
                    std::process::exit(0);
                }
                other => reject(&format!("unknown option {other}\n\n{HELP}")),
            }
        }
        options
    }
}

fn reject<T>(problem: &str) -> T {
    eprintln!("{problem}");
    std::process::exit(2);
}

/// The programs that are measured.
pub(crate) struct Targets {
    pub(crate) refresh: Target,
    pub(crate) login: Target,
    pub(crate) verify: Target,
    pub(crate) lean: Target,
    pub(crate) bare_loop: Target,
    /// The SDK's defaults, doing a refresh and a login.
    pub(crate) defaults: Option<[Target; 2]>,
}

impl Targets {
    /// Builds them as they are deployed, each with the profile that it is deployed with.
    pub(crate) fn build(options: &Options, scenario: &Scenario) -> Self {
        let target_folder =
            std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
        let release = target_folder.join("release");
        let defaults_folder = target_folder.join("sdk-defaults");
        if options.build {
            if options.functions.is_none() {
                let functions = ["-p", "login", "-p", "refresh", "-p", "verify", "--bins"];
                cargo(&functions, &target_folder, "1");
            }
            if !options.budget {
                cargo(&["-p", "bench", "--bin", "lean", "--bin", "bare-loop"], &target_folder, "1");
            }
            if options.defaults {
                let manifest = root().join("benches/sdk-defaults/Cargo.toml");
                cargo(&["--manifest-path", manifest.to_str().unwrap()], &defaults_folder, "0");
            }
        }
        let target = |name, file: &str, event: &str| Target {
            name,
            program: release.join(file),
            event: event.to_owned(),
        };
        let function = |name, event: &str| Target {
            name,
            program: match &options.functions {
                Some(folder) => folder.join(name).join("bootstrap"),
                None => release.join(name),
            },
            event: event.to_owned(),
        };
        let of_defaults = |name, event: &String| Target {
            name,
            program: defaults_folder.join("release/sdk-defaults"),
            event: event.clone(),
        };
        Self {
            refresh: function("refresh", &scenario.refresh_event),
            login: function("login", &scenario.login_event),
            verify: function("verify", &scenario.verify_event),
            lean: target("lean refresh", "lean", &scenario.refresh_event),
            bare_loop: target("bare loop", "bare-loop", &scenario.verify_event),
            defaults: options.defaults.then(|| {
                [
                    of_defaults("refresh, SDK defaults", &scenario.refresh_event),
                    of_defaults("login, SDK defaults", &scenario.login_event),
                ]
            }),
        }
    }

    /// Those whose start is timed.
    pub(crate) fn started(&self) -> Vec<&Target> {
        let mut targets = vec![&self.bare_loop, &self.lean, &self.refresh, &self.login];
        targets.extend(self.defaults.iter().flatten());
        targets
    }

    /// Those whose calls are timed, with their number in a round.
    pub(crate) fn called(&self, options: &Options) -> Vec<(&Target, u64)> {
        let (many, few) = (options.events, options.events.div_ceil(10));
        let mut targets = vec![
            (&self.bare_loop, many),
            (&self.verify, many),
            (&self.lean, many),
            (&self.refresh, many),
            (&self.login, few),
        ];
        if let Some([refresh, login]) = &self.defaults {
            targets.extend([(refresh, many), (login, few)]);
        }
        targets
    }
}

/// The workspace.
pub(crate) fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

fn cargo(arguments: &[&str], target_folder: &Path, no_jitter_entropy: &str) {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--locked"]).args(arguments).current_dir(root());
    // What .cargo/config.toml sets for us, set for the others too.
    command.env("CARGO_TARGET_DIR", target_folder).env("AWS_LC_SYS_NO_JITTER_ENTROPY", no_jitter_entropy);
    assert!(command.status().expect("cargo").success(), "cargo build {arguments:?}");
}
