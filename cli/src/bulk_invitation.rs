//! `latchkey user invite --file`: everybody in a file, or nobody.

use std::{
    collections::HashMap,
    fmt::Write,
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use token::{
    CustomClaims,
    strict_json::{self},
};
use users::{Codes, Invitation, Locale, Username};

use crate::{
    CliError, InviteUsers, Outcome, Report,
    account_codes::{LinkMaker, page},
    invocation::{Invocation, Work, note},
    store,
    store::Changing,
};

/// How many invitations are made at the same time.
const AT_ONCE: usize = 8;
/// The longest line that is read.
const LONGEST_LINE: u64 = 64 * 1024;
/// How many problems of a file are told.
const MOST_PROBLEMS: usize = 20;

/// Somebody in the file.
struct Invited {
    username: Username,
    claims: Option<CustomClaims>,
    locale: Option<Locale>,
}

/// Reads and checks the whole file before anybody is invited.
pub(crate) async fn invite(options: &InviteUsers, invocation: &Invocation) -> Result<Report, CliError> {
    let file = options.file.as_deref().unwrap_or_else(|| Path::new("-"));
    let invited = read(file)?;
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let page = page(&options.link, &options.store)?;
    let maker = LinkMaker::new(page, Codes::beside(&users), recorder.last_change(), options.valid_for);
    let make = async |_: Option<&users::ChangeLog>| {
        let report = invite_all(invited, options, &maker).await;
        let invited = report.json.get("links").and_then(Value::as_array).map_or(0, Vec::len);
        let rejected = report.json.get("rejected").and_then(Value::as_array).map_or(0, Vec::len);
        let is_whole = rejected == 0;
        Ok(Work {
            result: report,
            counts: Some(json!({ "invited": invited, "rejected": rejected })),
            is_whole,
        })
    };
    recorder.record(None, None, make).await
}

async fn invite_all(invited: Vec<Invited>, options: &InviteUsers, maker: &LinkMaker) -> Report {
    let invitations = invited.into_iter().map(|Invited { username, claims, locale }| Invitation {
        username,
        claims: claims.unwrap_or_else(|| options.claims.clone()),
        locale: locale.or_else(|| options.locale.clone()),
        origin: maker.origin(),
    });
    let (mut text, mut links, mut rejected) = (String::new(), Vec::new(), Vec::new());
    let calls = invitations.map(async |invitation| (maker.invite(&invitation).await, invitation.username));
    let mut calls = stream::iter(calls).buffered(AT_ONCE);
    while let Some((made, username)) = calls.next().await {
        match made {
            Ok(link) => {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{username}\t{}", *link.url);
                links.push(link.to_json());
            }
            Err(error) => {
                let problem = error.in_one_line();
                note(&format!("latchkey: not invited: {username}: {problem}"));
                rejected.push(json!({ "username": username.as_str(), "reason": problem }));
            }
        }
    }
    let outcome = if rejected.is_empty() { Outcome::Success } else { Outcome::Rejected };
    Report { text, json: json!({ "links": links, "rejected": rejected }), outcome }
}

fn read(path: &Path) -> Result<Vec<Invited>, CliError> {
    let failure = |source| CliError::File { path: path.to_owned(), source };
    let input: Box<dyn BufRead> = if path == Path::new("-") {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failure)?))
    };
    let (mut invited, mut lines, mut problems) = (Vec::new(), HashMap::new(), Vec::new());
    let mut input = input;
    for number in 1_u64.. {
        let mut line = Vec::new();
        let length = input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(failure)?;
        if length == 0 {
            break;
        }
        if line.trim_ascii().is_empty() {
            continue;
        }
        let is_whole = u64::try_from(length).is_ok_and(|length| length <= LONGEST_LINE);
        let read = if is_whole { one(&line) } else { Err("the line is longer than 64 KiB".to_owned()) };
        match read {
            Ok(person) => match lines.insert(person.username.clone(), number) {
                Some(earlier) => problems.push(format!("line {number}: line {earlier} has the same name")),
                None => invited.push(person),
            },
            Err(problem) => problems.push(format!("line {number}: {problem}")),
        }
        if !is_whole || problems.len() >= MOST_PROBLEMS {
            break;
        }
    }
    if problems.is_empty() {
        return Ok(invited);
    }
    Err(CliError::Invitations { path: path.to_owned(), problems: problems.join("; ") })
}

fn one(line: &[u8]) -> Result<Invited, String> {
    let mut members = strict_json::parse_object(line.trim_ascii()).map_err(|error| error.to_string())?;
    let text = |members: &mut Map<String, Value>, name: &str| match members.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name:?} is not a string")),
    };
    let username = text(&mut members, "username")?.ok_or("there is no \"username\"")?;
    let username = username.parse::<Username>().map_err(|error| error.to_string())?;
    let locale = text(&mut members, "locale")?.map(|text| text.parse::<Locale>()).transpose();
    let locale = locale.map_err(|error| error.to_string())?;
    let claims = match members.remove("claims") {
        None | Some(Value::Null) => None,
        Some(Value::Object(claims)) => Some(CustomClaims::new(claims).map_err(|error| error.to_string())?),
        Some(_) => return Err("\"claims\" is not an object".to_owned()),
    };
    match members.into_iter().next() {
        None => Ok(Invited { username, claims, locale }),
        Some((name, _)) => {
            let name: String = name.chars().take(64).collect();
            Err(format!("{name:?} is neither username, claims nor locale"))
        }
    }
}
