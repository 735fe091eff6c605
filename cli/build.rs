//! The version that `latchkey --version` prints: with the commit, where the source is a clone.

use std::{path::Path, process::Command};

fn main() {
    let version = env!("CARGO_PKG_VERSION");
    // Not a repository around the source, whose commits say nothing about it.
    let full = match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(commit) => format!("{version} ({commit})"),
        None => version.to_owned(),
    };
    println!("cargo::rustc-env=LATCHKEY_VERSION={full}");
    println!("cargo::rerun-if-changed=build.rs");
    // Of a file that does not exist cargo thinks that it has always just changed.
    if let Some(log) = git(&["rev-parse", "--git-path", "logs/HEAD"]).filter(|log| Path::new(log).exists()) {
        println!("cargo::rerun-if-changed={log}");
    }
}

/// What git says about the workspace, if it is there and knows it.
fn git(arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").args(["--git-dir", "../.git"]).args(arguments).output().ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| said.trim().to_owned()).filter(|said| !said.is_empty())
}
