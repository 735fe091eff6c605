//! `latchkey check-build`: what `sam build` made against what `sam deploy` deploys.

use std::{fmt::Write, fs, path::Path};

use serde_json::{Value, json};

use crate::folder::{Folder, Run, latchkey, run};

const ARM64: u16 = 183;
const X86_64: u16 = 62;

/// The first bytes of a program of the ELF format.
fn program(machine: u16) -> Vec<u8> {
    let mut header = b"\x7fELF\x02\x01\x01".to_vec();
    header.resize(16, 0);
    header.extend([3, 0]);
    header.extend(machine.to_le_bytes());
    header.resize(64, 0);
    header
}

/// A project in which `sam build` has left these programs.
fn project(config: &str, programs: &[(&str, Vec<u8>)]) -> Folder {
    let folder = Folder::new();
    fs::write(folder.path().join("samconfig.toml"), config).unwrap();
    let build = folder.path().join(".aws-sam/build");
    let mut template =
        "Globals:\n  Function:\n    CodeUri: .\nResources:\n  Users:\n    Type: AWS::DynamoDB::Table\n"
            .to_owned();
    for (function, bytes) in programs {
        fs::create_dir_all(build.join(function)).unwrap();
        fs::write(build.join(function).join("bootstrap"), bytes).unwrap();
        let properties = format!("CodeUri: {function}\n      Role: !GetAtt {function}Role.Arn");
        writeln!(
            template,
            "  {function}:\n    Type: AWS::Serverless::Function\n    Properties:\n      {properties}"
        )
        .unwrap();
    }
    fs::write(build.join("template.yaml"), template).unwrap();
    folder
}

fn check_in(folder: &Path, options: &[&str]) -> Run {
    let mut command = latchkey(&[&["check-build"], options].concat());
    command.current_dir(folder);
    run(command, "")
}

/// What is said of `config` where a program of each architecture would be right for one deployment alone.
fn check_arm64(config: &str) -> Run {
    check_in(project(config, &[("Login", program(ARM64))]).path(), &[])
}

const TABLE: &str = "[default.global.parameters.parameter_overrides]\nArchitecture = ";

#[test]
fn programs_of_the_architecture_of_the_stack_may_be_deployed() {
    let config = format!("{TABLE}\"x86_64\"");
    let project = project(&config, &[("Refresh", program(X86_64)), ("Login", program(X86_64))]);
    let checked = check_in(project.path(), &[]);
    let text = "2 programs in .aws-sam/build, built for x86_64, which is what `sam deploy` deploys.\n";
    assert_eq!((checked.status, checked.out.as_str(), checked.err.as_str()), (0, text, ""));
    let checked = check_in(project.path(), &["--json"]);
    assert_eq!(
        serde_json::from_str::<Value>(&checked.out).unwrap(),
        json!({ "architecture": "x86_64", "programs": [".aws-sam/build/Refresh/bootstrap", ".aws-sam/build/Login/bootstrap"] })
    );
}

#[test]
fn one_program_of_another_architecture_stops_the_deployment() {
    let config = format!("{TABLE}\"x86_64\"");
    for (bytes, found) in [
        (program(ARM64), "a program for arm64"),
        (program(243), "a program for another processor (ELF machine 243)"),
        (b"#!/bin/sh\necho a script that is longer than a header".to_vec(), "not a 64-bit Linux program"),
        (b"\x7fELF".to_vec(), "not a 64-bit Linux program"),
        (Vec::new(), "not a 64-bit Linux program"),
    ] {
        let project = project(&config, &[("Login", program(X86_64)), ("Refresh", bytes)]);
        let checked = check_in(project.path(), &[]);
        let message = format!(
            "latchkey: .aws-sam/build/Refresh/bootstrap is {found}, and the stack gets x86_64: every call would fail; \
             run `sam build` again
"
        );
        assert_eq!((checked.status, checked.out.as_str(), checked.err), (1, "", message));
    }
}

#[test]
fn every_form_in_which_sam_takes_parameters_is_read() {
    for overrides in [
        r#"{ Architecture = "arm64", Audience = "x" }"#,
        r#""Architecture=arm64""#,
        r#""Audience=\"x\" Architecture=\"arm64\" AlarmTopic=\"\"""#,
        r#"["Audience=x", "Architecture=arm64"]"#,
        r#"["Architecture=x86_64", { Architecture = "arm64" }]"#,
        r#""ParameterKey=Architecture,ParameterValue=arm64 ParameterKey=Audience,ParameterValue=x""#,
    ] {
        let checked = check_arm64(&format!("[default.global.parameters]\nparameter_overrides = {overrides}"));
        assert_eq!((checked.status, checked.err.as_str()), (0, ""), "{overrides}");
    }
}

#[test]
fn the_two_commands_of_sam_must_read_the_same_architecture() {
    let guided =
        "[default.deploy.parameters]\nparameter_overrides = 'Architecture=\"x86_64\" Audience=\"x\"'\n";
    let checked = check_arm64(&format!("{TABLE}\"arm64\"\n{guided}"));
    let message = "latchkey: samconfig.toml has `sam build` make arm64 programs and `sam deploy` deploy them as x86_64; \
                   give both the same Architecture\n";
    assert_eq!((checked.status, checked.err.as_str()), (1, message));
    // SAM does not add the global parameters to those of a command.
    let checked = check_arm64(&format!(
        "{TABLE}\"arm64\"\n[default.deploy.parameters]\nparameter_overrides = 'Audience=x'"
    ));
    assert!(checked.err.contains("names no Architecture"), "{}", checked.err);
}

#[test]
fn an_environment_of_the_file_is_looked_at_alone() {
    let config = format!(
        "{TABLE}\"x86_64\"\n[production.global.parameters.parameter_overrides]\nArchitecture = \"arm64\""
    );
    let project = project(&config, &[("Login", program(ARM64))]);
    assert_eq!(check_in(project.path(), &["--config-env", "production"]).status, 0);
    assert_eq!(check_in(project.path(), &[]).status, 1);
    let checked = check_in(project.path(), &["--config-env", "staging"]);
    assert!(
        checked.err.ends_with("under [staging.global.parameters.parameter_overrides]\n"),
        "{}",
        checked.err
    );
}

#[test]
fn what_cannot_be_compared_is_said_with_what_to_do() {
    for (config, said) in [
        (
            "version = 0.1",
            "latchkey: samconfig.toml names no Architecture; write Architecture = \"arm64\" or \"x86_64\" under [default.global.parameters.parameter_overrides]\n",
        ),
        (
            &format!("{TABLE}\"riscv64\""),
            "latchkey: samconfig.toml names the Architecture \"riscv64\"; Lambda has arm64 and x86_64\n",
        ),
        (
            &format!("{TABLE}64"),
            "latchkey: samconfig.toml names the Architecture \"64\"; Lambda has arm64 and x86_64\n",
        ),
    ] {
        let checked = check_arm64(config);
        assert_eq!((checked.status, checked.err.as_str()), (1, said));
    }
    let checked = check_arm64("[default");
    assert!(
        checked.status == 1 && checked.err.starts_with("latchkey: cannot read samconfig.toml: "),
        "{}",
        checked.err
    );

    let empty = Folder::new();
    let checked = check_in(empty.path(), &[]);
    let message = "latchkey: there is no samconfig.toml; copy samconfig.example.toml to it, or name the architecture with --architecture\n";
    assert_eq!((checked.status, checked.err.as_str()), (1, message));
    let checked = check_in(empty.path(), &["--architecture", "arm64"]);
    assert_eq!(
        (checked.status, checked.err.as_str()),
        (1, "latchkey: there is no .aws-sam/build/template.yaml; run `sam build` first\n")
    );
    assert_eq!(check_in(empty.path(), &["--architecture", "riscv64"]).status, 2);
}

#[test]
fn a_function_that_was_not_built_stops_the_deployment() {
    let config = format!("{TABLE}\"arm64\"");
    let project = project(&config, &[("Login", program(ARM64)), ("Refresh", program(ARM64))]);
    let template = project.path().join(".aws-sam/build/template.yaml");
    let whole = fs::read_to_string(&template).unwrap();
    // As `sam build Login` leaves it: the other function has the address of Globals.
    fs::write(&template, whole.replace("      CodeUri: Refresh\n", "")).unwrap();
    let checked = check_in(project.path(), &[]);
    let message = "latchkey: Refresh was not built: `sam build` with the name of a function builds that one alone; run `sam build`\n";
    assert_eq!((checked.status, checked.err.as_str()), (1, message));
    fs::write(&template, whole).unwrap();
    fs::remove_file(project.path().join(".aws-sam/build/Refresh/bootstrap")).unwrap();
    assert_eq!(check_in(project.path(), &[]).err, message);
    for no_functions in
        ["Resources: [", "", "Resources: {}", "Resources:\n  Users:\n    Type: AWS::DynamoDB::Table\n"]
    {
        fs::write(&template, no_functions).unwrap();
        let checked = check_in(project.path(), &[]);
        let message = "latchkey: cannot read .aws-sam/build/template.yaml; run `sam build` again\n";
        assert_eq!((checked.status, checked.err.as_str()), (1, message), "{no_functions}");
    }
}
