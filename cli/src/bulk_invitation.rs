//! `latchkey user invite --file`: everybody in a file, or nobody.

use std::{
    collections::{BTreeSet, HashMap},
    fs::File,
    io::{self, BufRead, BufReader, Read, Write},
    path::Path,
};

use futures_util::{StreamExt, stream};
use serde_json::{Map, Value, json};
use token::{CustomClaims, strict_json};
use users::{ChangeLog, Invitation, Locale, MailAddress, Username};

use crate::{
    CliError, InviteUsers, Outcome, Report,
    account_codes::{LinkMaker, address},
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
/// What some editors put in front.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Somebody in the file.
struct Invited {
    username: Username,
    claims: Option<CustomClaims>,
    email: Option<MailAddress>,
    locale: Option<Locale>,
}

/// What came of a file.
#[derive(Default)]
struct Made {
    links: Vec<Value>,
    rejected: Vec<Value>,
    /// Why the rest was not tried.
    stopped: Option<CliError>,
}

/// Reads and checks the whole file before anybody is invited.
pub(crate) async fn invite(
    options: &InviteUsers,
    for_programs: bool,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let file = options.file.as_deref().unwrap_or_else(|| Path::new("-"));
    let invited = read(file)?;
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let maker = LinkMaker::of_invitations(options, &users, recorder.last_change())?;
    let mut invitations = Vec::new();
    for Invited { username, claims, email, locale } in invited {
        invitations.push(Invitation {
            email: address(options, &username, email.as_ref())?,
            username,
            claims: claims.unwrap_or_else(|| options.claims.clone()),
            locale: locale.or_else(|| options.locale.clone()),
            origin: maker.origin(),
        });
    }
    // The names alone: a claim may be personal data, which the record outlives.
    let of_claims: BTreeSet<_> =
        invitations.iter().flat_map(|invitation| invitation.claims.as_map().keys().cloned()).collect();
    let work = async |_: Option<&ChangeLog>| {
        let made = invite_all(invitations, &maker, !for_programs).await;
        let counts = json!({ "invited": made.links.len(), "rejected": made.rejected.len() });
        let is_whole = made.rejected.is_empty() && made.stopped.is_none();
        Ok(Work { result: made, counts: Some(counts), is_whole })
    };
    let made = recorder.record(None, Some(json!({ "claims": of_claims })), work).await?;
    let stopped = made.stopped.as_ref().map(CliError::in_one_line);
    if let Some(problem) = &stopped {
        let count = made.links.len();
        note(&format!("latchkey: {problem}"));
        note(&format!("latchkey: {count} were invited, the others perhaps not; run it again for new links"));
    }
    let is_whole = made.rejected.is_empty() && stopped.is_none();
    let outcome = if is_whole { Outcome::Success } else { Outcome::Rejected };
    let json = json!({ "links": made.links, "rejected": made.rejected, "stopped": stopped });
    // For people they are printed already, each as it was made.
    Ok(Report { text: String::new(), json, outcome })
}

async fn invite_all(invitations: Vec<Invitation>, maker: &LinkMaker, prints: bool) -> Made {
    let mut made = Made::default();
    let calls = invitations.into_iter().map(async |invitation| {
        let link = maker.invite(&invitation).await;
        (link, invitation.username)
    });
    let mut calls = stream::iter(calls).buffered(AT_ONCE);
    while let Some((link, username)) = calls.next().await {
        match link {
            Ok(link) => {
                let last = link.url.as_ref().map_or("sent", |url| url.as_str());
                let printed = prints.then(|| writeln!(io::stdout(), "{username}\t{last}"));
                made.links.push(link.to_json());
                if let Some(Err(error)) = printed {
                    made.stopped = Some(CliError::Output(error));
                }
            }
            Err(error @ (CliError::InvitedUserExists(_) | CliError::InvitedNameReserved(_))) => {
                let problem = error.in_one_line();
                note(&format!("latchkey: not invited: {username}: {problem}"));
                made.rejected.push(json!({ "username": username.as_str(), "reason": problem }));
            }
            Err(error) => made.stopped = Some(error),
        }
        if made.stopped.is_some() {
            break;
        }
    }
    made
}

fn read(path: &Path) -> Result<Vec<Invited>, CliError> {
    let failure = |source| CliError::File { path: path.to_owned(), source };
    let is_input = path == Path::new("-");
    let mut input: Box<dyn BufRead> = if is_input {
        Box::new(io::stdin().lock())
    } else {
        Box::new(BufReader::new(File::open(path).map_err(failure)?))
    };
    let (mut invited, mut lines, mut problems) = (Vec::new(), HashMap::new(), Vec::new());
    for number in 1_u64.. {
        let mut line = Vec::new();
        let length = input.by_ref().take(LONGEST_LINE + 1).read_until(b'\n', &mut line).map_err(failure)?;
        if length == 0 {
            break;
        }
        let text = if number == 1 { line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&line) } else { &line };
        if text.trim_ascii().is_empty() {
            continue;
        }
        let is_whole = u64::try_from(length).is_ok_and(|length| length <= LONGEST_LINE);
        let read = if is_whole { one(text) } else { Err("the line is longer than 64 KiB".to_owned()) };
        match read {
            Ok(person) => match lines.insert(person.username.clone(), number) {
                Some(earlier) => problems.push(format!("line {number}: line {earlier} has the same name")),
                None => invited.push(person),
            },
            Err(problem) => problems.push(format!("line {number}: {problem}")),
        }
        if !is_whole || problems.len() >= MOST_PROBLEMS {
            problems.push("the lines after that were not read".to_owned());
            break;
        }
    }
    if invited.is_empty() && problems.is_empty() {
        problems.push("nobody is in it".to_owned());
    }
    if problems.is_empty() {
        return Ok(invited);
    }
    let file = if is_input { "standard input".to_owned() } else { path.display().to_string() };
    Err(CliError::Invitations { file, problems: problems.join("; ") })
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
    let email = text(&mut members, "email")?.map(|text| text.parse::<MailAddress>()).transpose();
    let email = email.map_err(|error| error.to_string())?;
    let locale = text(&mut members, "locale")?.map(|text| text.parse::<Locale>()).transpose();
    let locale = locale.map_err(|error| error.to_string())?;
    let claims = match members.remove("claims") {
        None | Some(Value::Null) => None,
        Some(Value::Object(claims)) => Some(CustomClaims::new(claims).map_err(|error| error.to_string())?),
        Some(_) => return Err("\"claims\" is not an object".to_owned()),
    };
    match members.into_iter().next() {
        None => Ok(Invited { username, claims, email, locale }),
        Some((name, _)) => {
            let name: String = name.chars().take(64).collect();
            Err(format!("{name:?} is neither username, email, claims nor locale"))
        }
    }
}
