//! samconfig.example.toml against template.yaml, and the answers that git must not see.

use std::collections::BTreeSet;

use serde_yaml_ng::Value;

use crate::template::{functions, template};

const EXAMPLE: &str = include_str!("../../samconfig.example.toml");

/// The parameters with their values, those that are only suggested among them.
fn suggested() -> Vec<(&'static str, String)> {
    let (_, rest) = EXAMPLE.split_once("[default.global.parameters.parameter_overrides]\n").unwrap();
    let (parameters, _) = rest.split_once("\n[").unwrap();
    let lines = parameters.lines().map(|line| line.trim_start_matches("# "));
    lines
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, value)| (name, value.trim_matches('"').to_owned()))
        .collect()
}

#[test]
fn the_example_suggests_what_the_template_does_without_it() {
    let template = template();
    let suggested = suggested();
    assert!(suggested.len() > 15, "{suggested:?}");
    for (name, value) in suggested {
        let default = match &template["Parameters"][name]["Default"] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => panic!("{name} is no parameter: {other:?}"),
        };
        assert_eq!(value, default, "{name}");
    }
}

#[test]
fn the_example_names_one_architecture_for_every_command_that_makes_a_stack() {
    let (deployed, local) = EXAMPLE.split_once("[local.").unwrap();
    let architectures = deployed.lines().filter(|line| line.starts_with("Architecture = "));
    assert_eq!(architectures.collect::<Vec<_>>(), ["Architecture = \"arm64\""]);
    assert_eq!(deployed.matches("parameter_overrides]").count(), 1);
    assert_eq!(local.matches("parameter_overrides]").count(), 1);
}

#[test]
fn answers_are_in_a_file_that_git_ignores() {
    let ignored: BTreeSet<_> = include_str!("../../.gitignore").lines().collect();
    for file in ["samconfig.toml", "before.yaml", "before.architecture", "deployed.yaml"] {
        assert!(ignored.contains(file), "{file}");
    }
}

#[test]
fn one_command_builds_every_function() {
    let config = include_str!("../../.cargo/config.toml");
    let (_, alias) = config.split_once("build-functions = [").unwrap();
    let built: BTreeSet<_> = alias.split('"').filter_map(|word| word.strip_prefix("--bin=")).collect();
    assert_eq!(built, functions().keys().map(String::as_str).collect());
}
