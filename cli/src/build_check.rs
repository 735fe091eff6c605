//! Whether what `sam build` has made is what `sam deploy` will say that it is.
//!
//! SAM uploads any program under any architecture. Lambda finds out at the first call, and every call then fails with 502.

use std::{
    collections::BTreeMap,
    fmt, fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use clap::ValueEnum;
use serde_json::json;
use serde_yaml_ng::Value as Yaml;
use toml::{Table, Value};

use crate::{CheckBuild, CliError, Report};

/// An instruction set of Lambda, by the template's name for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Architecture {
    /// AWS Graviton.
    Arm64,
    /// Intel and AMD.
    #[value(name = "x86_64")]
    X86_64,
}

/// Why the programs cannot be deployed as they are.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// No samconfig.toml.
    #[error("there is no {}; copy samconfig.example.toml to it, or name the architecture with --architecture", .0.display())]
    NoConfig(PathBuf),
    /// No TOML.
    #[error("cannot read {}: {reason}", path.display())]
    BadConfig {
        /// The file.
        path: PathBuf,
        /// What the parser says, in one line.
        reason: String,
    },
    /// Nothing says what is deployed.
    #[error(
        "{} names no Architecture; write Architecture = \"arm64\" or \"x86_64\" under [{environment}.global.parameters.parameter_overrides]",
        path.display()
    )]
    NoArchitecture {
        /// The file.
        path: PathBuf,
        /// The part of it that was looked at.
        environment: String,
    },
    /// Nothing says what is deployed.
    #[error(
        "{} names no parameters under [{environment}.global.parameters.parameter_overrides]",
        path.display()
    )]
    NoParameters {
        /// The file.
        path: PathBuf,
        /// The part of it that was looked at.
        environment: String,
    },
    /// Neither of the two that Lambda has.
    #[error("{} names the Architecture {found:?}; Lambda has arm64 and x86_64", path.display())]
    UnknownArchitecture {
        /// The file.
        path: PathBuf,
        /// What stands there.
        found: String,
    },
    /// The two commands read different values.
    #[error(
        "{} has `sam build` make {built} programs and `sam deploy` deploy them as {deployed}; give both the same Architecture",
        path.display()
    )]
    Disagreement {
        /// The file.
        path: PathBuf,
        /// What `sam build` reads.
        built: Architecture,
        /// What `sam deploy` reads.
        deployed: Architecture,
    },
    /// Nothing was built.
    #[error("there is no {}; run `sam build` first", .0.display())]
    NothingBuilt(PathBuf),
    /// The template that SAM has built is damaged, or has no functions.
    #[error("cannot read {}; run `sam build` again", .0.display())]
    BadTemplate(PathBuf),
    /// `sam build NAME`, which empties the folder before it builds that one function.
    #[error(
        "{function} was not built: `sam build` with the name of a function builds that one alone; run `sam build`"
    )]
    NotBuilt {
        /// Its name in template.yaml.
        function: String,
    },
    /// A program of the other kind.
    #[error(
        "{} is {found}, and the stack gets {deployed}: every call would fail; run `sam build` again",
        path.display()
    )]
    WrongArchitecture {
        /// The program.
        path: PathBuf,
        /// What it is.
        found: String,
        /// What the function would run on.
        deployed: Architecture,
    },
}

/// Reads the programs that `sam build` left and compares each with the architecture that `sam deploy` reads.
pub(crate) fn check(options: &CheckBuild) -> Result<Report, CliError> {
    let deployed = match options.architecture {
        Some(architecture) => architecture,
        None => configured(&options.config_file, &options.config_env)?,
    };
    let programs = programs(&options.build_dir)?;
    for path in &programs {
        let found = machine(path)?;
        if found != Machine::Known(deployed) {
            let (path, found) = (path.clone(), found.to_string());
            return Err(BuildError::WrongArchitecture { path, found, deployed }.into());
        }
    }
    let (count, folder) = (programs.len(), options.build_dir.display());
    let noun = if count == 1 { "program" } else { "programs" };
    Ok(Report::new(
        format!("{count} {noun} in {folder}, built for {deployed}, which is what `sam deploy` deploys.\n"),
        json!({ "architecture": deployed.to_string(), "programs": programs }),
    ))
}

/// What both `sam build` and `sam deploy` take from `file`.
fn configured(file: &Path, environment: &str) -> Result<Architecture, CliError> {
    let config = read(file)?;
    let read_by = |command| -> Result<Architecture, BuildError> {
        let path = file.to_owned();
        match overrides(&config, environment, command).and_then(|given| parameter_in(given, "Architecture")) {
            None => Err(BuildError::NoArchitecture { path, environment: environment.to_owned() }),
            Some(found) => Architecture::from_str(&found, false)
                .map_err(|_not_one| BuildError::UnknownArchitecture { path, found }),
        }
    };
    let (built, deployed) = (read_by("build")?, read_by("deploy")?);
    if built != deployed {
        return Err(BuildError::Disagreement { path: file.to_owned(), built, deployed }.into());
    }
    Ok(deployed)
}

/// All parameters that `sam deploy` takes from `file`.
pub(crate) fn parameters(file: &Path, environment: &str) -> Result<BTreeMap<String, String>, CliError> {
    if !file.exists() {
        return Err(CliError::File { path: file.to_owned(), source: io::ErrorKind::NotFound.into() });
    }
    let config = read(file)?;
    let given = overrides(&config, environment, "deploy").map(all_in);
    let (path, environment) = (file.to_owned(), environment.to_owned());
    Ok(given.ok_or(BuildError::NoParameters { path, environment })?)
}

fn read(file: &Path) -> Result<Table, CliError> {
    let text = match fs::read_to_string(file) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            return Err(BuildError::NoConfig(file.to_owned()).into());
        }
        read => read.map_err(|source| CliError::File { path: file.to_owned(), source })?,
    };
    let config = toml::from_str(&text).map_err(|error: toml::de::Error| BuildError::BadConfig {
        path: file.to_owned(),
        reason: error.message().to_owned(),
    })?;
    Ok(config)
}

/// `parameter_overrides` as SAM finds them: those of the command replace all of the global ones.
fn overrides<'a>(config: &'a Table, environment: &str, command: &str) -> Option<&'a Value> {
    let parameters =
        |command| config.get(environment)?.get(command)?.get("parameters")?.get("parameter_overrides");
    parameters(command).or_else(|| parameters("global"))
}

fn parameter_in(overrides: &Value, name: &str) -> Option<String> {
    all_in(overrides).remove(name)
}

/// The parameters in any of the forms that SAM takes: a table, `"Name=value …"`, or a list of either.
fn all_in(overrides: &Value) -> BTreeMap<String, String> {
    match overrides {
        Value::Table(table) => {
            table.iter().filter_map(|(name, value)| Some((name.clone(), scalar(value)?))).collect()
        }
        // SAM lets the last of a list win.
        Value::Array(parts) => parts.iter().flat_map(all_in).collect(),
        Value::String(text) => words(text).iter().filter_map(|word| pair(word)).collect(),
        _ => BTreeMap::new(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Boolean(is_so) => Some(is_so.to_string()),
        _ => None,
    }
}

/// The words of a text, as a shell would have them: what stands in quotes is of one word.
fn words(text: &str) -> Vec<String> {
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for character in text.chars() {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if character.is_whitespace() => words.push(std::mem::take(&mut word)),
            _ => word.push(character),
        }
    }
    words.push(word);
    words
}

fn pair(word: &str) -> Option<(String, String)> {
    let (name, value) = match word.strip_prefix("ParameterKey=") {
        Some(rest) => rest.split_once(",ParameterValue=")?,
        None => word.split_once('=')?,
    };
    Some((name.to_owned(), value.to_owned()))
}

/// The program of each function of the template that `sam build` has left in `folder`.
fn programs(folder: &Path) -> Result<Vec<PathBuf>, CliError> {
    let path = folder.join("template.yaml");
    let text = match fs::read_to_string(&path) {
        Err(missing) if missing.kind() == io::ErrorKind::NotFound => {
            return Err(BuildError::NothingBuilt(path).into());
        }
        read => read.map_err(|source| CliError::File { path: path.clone(), source })?,
    };
    let template = serde_yaml_ng::from_str::<Yaml>(&text).ok();
    let resources = template.as_ref().and_then(|template| template.get("Resources")?.as_mapping());
    let resources = resources.ok_or_else(|| BuildError::BadTemplate(path.clone()))?;
    let functions = resources.iter().filter(|(_, resource)| {
        resource.get("Type").and_then(Yaml::as_str) == Some("AWS::Serverless::Function")
    });
    let programs: Vec<_> = functions
        .map(|(name, resource)| {
            // One that was not built has the address of the source, which its deployment would upload.
            let built = resource.get("Properties").and_then(|properties| properties.get("CodeUri")?.as_str());
            let program =
                built.map(|code| folder.join(code).join("bootstrap")).filter(|program| program.is_file());
            let function = || name.as_str().unwrap_or_default().to_owned();
            program.ok_or_else(|| BuildError::NotBuilt { function: function() })
        })
        .collect::<Result<_, _>>()?;
    if programs.is_empty() { Err(BuildError::BadTemplate(path).into()) } else { Ok(programs) }
}

/// What a file is, as a program.
#[derive(PartialEq, Eq)]
enum Machine {
    Known(Architecture),
    /// Another machine of the ELF format.
    Other(u16),
    /// No ELF of 64 bits and little-endian, as all of Lambda's are.
    NotElf,
}

/// What the header of the file at `path` says that it runs on.
fn machine(path: &Path) -> Result<Machine, CliError> {
    // ELF-64, "ELF Header": e_ident begins with the magic number, ELFCLASS64 and ELFDATA2LSB; e_machine is at offset 18.
    let mut header = [0; 20];
    let read = fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    match read {
        Err(short) if short.kind() == io::ErrorKind::UnexpectedEof => return Ok(Machine::NotElf),
        read => read.map_err(|source| CliError::File { path: path.to_owned(), source })?,
    }
    let [0x7f, b'E', b'L', b'F', 2, 1, .., low, high] = header else { return Ok(Machine::NotElf) };
    Ok(match u16::from_le_bytes([low, high]) {
        62 => Machine::Known(Architecture::X86_64),
        183 => Machine::Known(Architecture::Arm64),
        other => Machine::Other(other),
    })
}

impl fmt::Display for Machine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(architecture) => write!(to, "a program for {architecture}"),
            Self::Other(machine) => write!(to, "a program for another processor (ELF machine {machine})"),
            Self::NotElf => write!(to, "not a 64-bit Linux program"),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(match self {
            Self::Arm64 => "arm64",
            Self::X86_64 => "x86_64",
        })
    }
}
