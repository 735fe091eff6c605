//! What is made of the commands themselves: completions, manual pages, the reference in the documents, the version.

use std::{collections::BTreeSet, fs, process::Command};

use clap::CommandFactory;
use cli::Options;

use crate::folder::{Folder, latchkey, run};

#[path = "../../examples/commands.rs"]
#[expect(dead_code, reason = "the example has a `main`")]
mod commands;

/// The words of every command, from the program's own name on.
fn every_command() -> Vec<Vec<String>> {
    fn below(command: &clap::Command, before: &[String], all: &mut Vec<Vec<String>>) {
        let words = [before, &[command.get_name().to_owned()]].concat();
        command.get_subcommands().for_each(|inner| below(inner, &words, all));
        all.push(words);
    }
    let mut all = Vec::new();
    below(&Options::command(), &[], &mut all);
    all
}

#[test]
fn the_version_names_the_commit_of_a_clone() {
    let said = run(latchkey(&["--version"]), "").out;
    let version = said.trim_end().strip_prefix("latchkey ").unwrap();
    let release = env!("CARGO_PKG_VERSION");
    let git = Command::new("git").args(["--git-dir", "../.git", "rev-parse", "HEAD"]).output();
    if git.is_ok_and(|output| output.status.success()) {
        let commit = version.strip_prefix(release).unwrap().trim_matches([' ', '(', ')']);
        assert_eq!(commit.len(), 12, "{said}");
        assert!(commit.bytes().all(|byte| byte.is_ascii_hexdigit()), "{said}");
        assert_eq!(version, format!("{release} ({commit})"));
    } else {
        assert_eq!(version, release);
    }
}

#[test]
fn the_reference_in_the_documents_has_every_command() {
    let written = fs::read_to_string("../docs/commands.md").unwrap();
    let how = "cargo run -p cli --example commands > docs/commands.md";
    assert!(written == commands::reference(), "docs/commands.md is out of date; {how}");
    for words in every_command() {
        assert!(written.contains(&format!("## `{}`\n", words.join(" "))), "{words:?}");
    }
}

#[test]
fn every_shell_completes_every_command() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let printed = run(latchkey(&["completions", shell]), "");
        assert_eq!((printed.status, printed.err.as_str()), (0, ""), "{shell}");
        for word in every_command().into_iter().flatten() {
            assert!(printed.out.contains(&word), "{shell} does not know {word}");
        }
        assert!(printed.out.contains("reason"), "{shell} does not know the options");
    }
}

#[test]
fn bash_runs_its_script() {
    let script = run(latchkey(&["completions", "bash"]), "").out;
    let ask =
        "\nCOMP_WORDS=(latchkey user un) COMP_CWORD=2\n_latchkey latchkey un user\necho \"${COMPREPLY[@]}\"";
    // Where there is no bash, nobody completes with it.
    let Ok(answer) = Command::new("bash").args(["--norc", "-c", &(script + ask)]).output() else { return };
    assert_eq!(String::from_utf8(answer.stdout).unwrap(), "unlock\n");
    assert_eq!(String::from_utf8(answer.stderr).unwrap(), "");
}

#[test]
fn a_completion_that_no_shell_has_is_refused() {
    let refused = run(latchkey(&["completions", "tcsh"]), "");
    assert_eq!((refused.status, refused.out.as_str()), (2, ""));
    assert!(refused.err.contains("possible values: bash, elvish, fish, powershell, zsh"), "{}", refused.err);
}

#[test]
fn every_command_has_a_manual_page() {
    let folder = Folder::new();
    let manual = folder.path().join("share/man");
    let mut command = latchkey(&["man", "--json"]);
    command.arg(&manual);
    let written = run(command, "");
    assert_eq!((written.status, written.err.as_str()), (0, ""));

    let pages: BTreeSet<_> = fs::read_dir(manual.join("man1"))
        .unwrap()
        .map(|page| page.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(pages, every_command().iter().map(|words| format!("{}.1", words.join("-"))).collect());
    let page = fs::read_to_string(manual.join("man1/latchkey-user-unlock.1")).unwrap();
    assert!(page.contains("Forget the failed logins under a name"), "{page}");
}

#[test]
fn a_manual_that_cannot_be_written_is_an_error() {
    let folder = Folder::new();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut command = latchkey(&["man"]);
    command.arg(&file);
    let failed = run(command, "");
    assert_eq!((failed.status, failed.out.as_str()), (1, ""));
    assert!(
        failed.err.starts_with(&format!("latchkey: cannot write the manual pages to {}", file.display()))
    );
}
