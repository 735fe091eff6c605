//! What shells and `man` know of `latchkey`: made from [`Options`], so that they cannot miss a command.

use std::{fs, path::PathBuf};

use clap::{Args, CommandFactory};
use clap_complete::Shell;
use serde_json::json;

use crate::{CliError, Options, Report};

/// `latchkey completions`
#[derive(Clone, Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: Shell,
}

/// `latchkey man`
#[derive(Clone, Debug, Args)]
pub struct Man {
    /// Where to put them: into `man1` of this folder, which is created if need be
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
}

/// The script of a shell that completes commands and options.
pub(crate) fn completions(options: &Completions) -> Report {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Options::command(), "latchkey", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    let json = json!({ "shell": options.shell.to_string(), "script": script });
    Report::new(script, json)
}

/// A page for each command, in the folder in which `man` looks for the pages of its first section.
pub(crate) fn man(options: &Man) -> Result<Report, CliError> {
    let Man { folder } = options;
    let section = folder.join("man1");
    let written =
        fs::create_dir_all(&section).and_then(|()| clap_mangen::generate_to(Options::command(), &section));
    written.map_err(|source| CliError::ManPages { folder: section.clone(), source })?;
    let text = format!(
        "The pages are in {}. Read one with `man -M {} latchkey`.\n",
        section.display(),
        folder.display()
    );
    Ok(Report::new(text, json!({ "folder": section })))
}
