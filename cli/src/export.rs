//! `latchkey user export`

use std::{
    fs,
    io::{self, BufWriter, IsTerminal, Write},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value, json};
use token::{Timestamp, UserId};
use users::{Locale, MailAddress, PasswordHash, Status, UserRecord, UserTable};

use crate::{
    CliError, ExportUsers, Outcome, Report,
    invocation::{Invocation, Work, note},
    private_file, store,
    store::Changing,
};

/// What is said where hashes would scroll by.
const WARNING: &str = "latchkey: these lines hold password hashes; keep them as you would passwords";

/// How many users were written, and how many rows are none.
#[derive(Default)]
struct Count {
    exported: u64,
    left_out: u64,
}

/// A line of an export, which `user import` reads.
#[derive(Serialize)]
struct Line<'a> {
    username: &'a str,
    user_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<OriginLine<'a>>,
    /// Null for a user without a password.
    password_hash: Option<&'a str>,
    claims: &'a Map<String, Value>,
    disabled: bool,
    created_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    locale: Option<&'a str>,
}

/// Who the user was in the system they came from.
#[derive(Serialize)]
struct OriginLine<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
}

/// Writes every user, page by page.
///
/// It changes nothing, and is recorded all the same: who has all hashes can try passwords at leisure.
pub(crate) async fn export(options: &ExportUsers, invocation: &Invocation) -> Result<Report, CliError> {
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    recorder
        .record(None, None, async |_| {
            let report = export_all(options, users).await?;
            let counts = report.json.clone();
            Ok(Work::done(report).counted(counts))
        })
        .await
}

async fn export_all(options: &ExportUsers, users: UserTable) -> Result<Report, CliError> {
    if options.file == Path::new("-") {
        let output = io::stdout();
        if output.is_terminal() {
            note(WARNING);
        }
        let Count { left_out, .. } = write_all(&users, BufWriter::new(output), CliError::Output).await?;
        return Ok(Report { text: String::new(), json: Value::Null, outcome: outcome(left_out) });
    }
    let file = &options.file;
    let failure = |source| CliError::File { path: file.clone(), source };
    if !options.force && file.exists() {
        return Err(failure(io::ErrorKind::AlreadyExists.into()));
    }
    // Under another name until it is whole: half an export looks like one.
    let part = part_of(file);
    if options.force {
        // Of a run that was killed.
        let _ = fs::remove_file(&part);
    }
    let output = private_file::create(&part)?;
    let written = write_all(&users, BufWriter::new(output), failure).await;
    let Count { exported, left_out } = match written.and_then(|count| {
        fs::rename(&part, file).map_err(failure)?;
        Ok(count)
    }) {
        Ok(count) => count,
        Err(problem) => {
            // The first problem is the one to tell.
            let _ = fs::remove_file(&part);
            return Err(problem);
        }
    };
    let text = format!(
        "Exported {exported} users to {}, with password hashes and without sessions.\n",
        file.display()
    );
    let json = json!({ "exported": exported, "left_out": left_out });
    Ok(Report { text, json, outcome: outcome(left_out) })
}

fn part_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

fn outcome(left_out: u64) -> Outcome {
    if left_out == 0 { Outcome::Success } else { Outcome::Rejected }
}

async fn write_all(
    users: &UserTable,
    mut output: impl Write,
    failure: impl Fn(io::Error) -> CliError,
) -> Result<Count, CliError> {
    let (mut count, mut start) = (Count::default(), None);
    loop {
        let page = users.export(start.as_ref()).await?;
        for row in page.users {
            match row {
                Ok(record) => {
                    write_line(&mut output, &record).map_err(&failure)?;
                    count.exported += 1;
                }
                Err(row) => {
                    note(&format!("latchkey: left out: {row}: {}", row.source));
                    count.left_out += 1;
                }
            }
        }
        start = page.next;
        if start.is_none() {
            output.flush().map_err(&failure)?;
            return Ok(count);
        }
    }
}

fn write_line(output: &mut impl Write, record: &UserRecord) -> io::Result<()> {
    let line = Line {
        username: record.username.as_str(),
        user_id: record.id.as_ref().map(UserId::to_string),
        origin: record
            .origin
            .as_ref()
            .map(|origin| OriginLine { name: &origin.name, key: origin.key.as_deref() }),
        password_hash: record.password_hash.as_ref().map(PasswordHash::expose),
        claims: record.claims.as_map(),
        disabled: record.status == Status::Disabled,
        created_at: record.created_at,
        email: record.email.as_ref().map(MailAddress::as_str),
        locale: record.locale.as_ref().map(Locale::as_str),
    };
    serde_json::to_writer(&mut *output, &line)?;
    output.write_all(b"\n")
}
