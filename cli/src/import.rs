//! `latchkey user import`

use std::{
    collections::BTreeSet,
    error::Error,
    fs::File,
    io::{self, BufReader, Seek},
    path::Path,
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use serde_json::{Map, Value, json};
use token::{Timestamp, UserId};
use tokio::sync::mpsc;
use users::{
    ChangeLog, ChangeLogError, DeletedUsers, IfDifferent, ImportError, Imported, Origin, Reservation,
    StoreError, UserTable, Username,
};

use self::{
    names::Names,
    progress::Progress,
    reader::ReadRow,
    reasons::{explained, kind_of},
    record::{Content, RowError, Rules, SourceRow},
    rows::RowsError,
    survey::Survey,
    tally::{Rejection, Stopped, Tally},
};
use crate::{
    CliError, ImportUsers, Outcome, Report,
    invocation::{Invocation, Work},
    private_file, store,
    store::Changing,
};

mod estimate;
mod groups;
mod names;
mod progress;
mod reader;
mod reasons;
mod record;
mod rows;
mod survey;
mod tally;

/// How many rows are written at the same time.
const IN_FLIGHT: usize = 32;

/// A row that has been written or rejected.
struct Written {
    number: u64,
    name: Option<String>,
    result: Result<Imported, Rejected>,
}

/// Why a row is not in the table.
enum Rejected {
    /// The row itself; and what became of its name.
    Row(RowError, Result<Option<Reservation>, StoreError>),
    Table(ImportError),
    /// The record of changes did not take that a deletion is taken back.
    NotLifted(ChangeLogError),
}

type Writes = FuturesUnordered<BoxFuture<'static, Written>>;

/// Why no row is taken up any more, although there may be some.
enum Stop {
    Interrupt,
    /// This row is the first that was not dealt with.
    Before(u64, Box<dyn Error + Send + Sync>),
    Error(CliError),
}

/// Imports the rows of a file; `quiet` is for programs, which see the report alone.
///
/// The file is read twice: nothing is written before it is known which names it has more than once.
pub(crate) async fn import(
    options: ImportUsers,
    quiet: bool,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    if options.dry_run {
        return import_into(None, None, options, quiet, invocation.now).await;
    }
    let Changing { users, recorder } = store::open_for_many_calls(&options.store, invocation).await?;
    let what = json!({
        "update": options.update, "replace": options.replace, "restore_deleted": options.restore_deleted,
    });
    let deletions = ChangeLog::beside(&users);
    let import = async |_: Option<&ChangeLog>| {
        let report = import_into(Some(users), Some(&deletions), options, quiet, invocation.now).await?;
        let is_whole = report.outcome == Outcome::Success;
        let counts = Some(counts(&report.json));
        Ok(Work { result: report, counts, is_whole })
    };
    recorder.record(None, Some(what), import).await
}

/// How many rows came to what; which, is in the report alone.
fn counts(report: &Value) -> Value {
    let numbers = report.as_object().into_iter().flatten().filter(|(_, value)| value.is_number());
    numbers.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
}

/// Imports them into `users`, or nowhere; whom `changes` remembers as deleted stays so.
async fn import_into(
    users: Option<UserTable>,
    changes: Option<&ChangeLog>,
    options: ImportUsers,
    quiet: bool,
    now: Timestamp,
) -> Result<Report, CliError> {
    let rules = Rules {
        username_field: options.username_field.clone(),
        trust_emails: options.trust_emails,
        claims: options.claims.clone(),
        names: options.names.as_deref().map(Names::read).transpose()?.unwrap_or_default(),
        without_password: options.without_password,
        source: options.source.clone(),
        now,
    };
    let failure = |source| CliError::File { path: options.file.clone(), source };
    let mut input = open(&options.file).map_err(failure)?;
    let bytes = input.metadata().map_err(failure)?.len();
    let rejects = options.rejects.as_deref().map(private_file::create).transpose()?;
    let tally = Tally::new(rejects);
    let mut survey = match Survey::of(BufReader::new(&input), &rules) {
        Ok(survey) => survey,
        Err((row, error)) => {
            let reason = Some(format!("{}; nothing was written", with_causes(&error)));
            return tally.report(&options, Some(&Stopped { row, reason })).map_err(CliError::Output);
        }
    };
    input.rewind().map_err(failure)?;
    let deleted = match changes {
        Some(changes) => match changes.deleted_users().await {
            // Of an older stack, which remembers nobody. Who may not look could bring back whom others have deleted.
            Err(ChangeLogError::NoTable(_)) => DeletedUsers::default(),
            Err(_) if options.restore_deleted => DeletedUsers::default(),
            deleted => deleted.map_err(CliError::NoChanges)?,
        },
        None => DeletedUsers::default(),
    };
    if let Some(users) = users.as_ref().filter(|_| survey.has_keys()) {
        look_up_renamed(users, &mut survey).await?;
    }
    let progress = if quiet { Progress::Quiet } else { Progress::new(Some(bytes)) };
    let (sender, rows) = mpsc::channel(IN_FLIGHT);
    let start_at = options.start_at;
    std::thread::spawn(move || reader::read(BufReader::new(input), start_at, &rules, &survey, &sender));
    let lifting = options.restore_deleted;
    let if_different = match (options.update, options.replace) {
        (_, true) => IfDifferent::Replace,
        (true, false) => IfDifferent::Update,
        (false, false) => IfDifferent::Reject,
    };
    let changes = changes.cloned();
    let import = Import {
        users,
        deleted,
        changes,
        lifting,
        if_different,
        now,
        progress,
        taken: 0,
        next_row: start_at,
        tally,
    };
    import.run(rows, &options).await
}

/// The file, or a copy of what has no beginning to go back to; the copy has no name, and only its owner reads it.
fn open(path: &Path) -> io::Result<File> {
    if path != Path::new("-") {
        let file = File::open(path)?;
        if file.metadata()?.is_file() {
            return Ok(file);
        }
        return copy(file);
    }
    copy(io::stdin())
}

fn copy(mut input: impl io::Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut input, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// Finds the users of the file who are here under another name: one `Scan` of the table.
async fn look_up_renamed(users: &UserTable, survey: &mut Survey) -> Result<(), CliError> {
    let mut start = None;
    loop {
        let page = users.export(start.as_ref()).await?;
        page.users.iter().flatten().for_each(|user| survey.compare(user));
        start = page.next;
        if start.is_none() {
            return Ok(());
        }
    }
}

struct Import {
    /// None in a dry run.
    users: Option<UserTable>,
    /// Who was deleted here, and whether they may come back.
    deleted: DeletedUsers,
    changes: Option<ChangeLog>,
    lifting: bool,
    if_different: IfDifferent,
    now: Timestamp,
    progress: Progress,
    /// How many rows have been taken up, and the row after them.
    taken: u64,
    next_row: u64,
    tally: Tally,
}

impl Import {
    async fn run(
        mut self,
        mut rows: mpsc::Receiver<Result<ReadRow, RowsError>>,
        options: &ImportUsers,
    ) -> Result<Report, CliError> {
        let mut interrupt = Box::pin(tokio::signal::ctrl_c());
        let (mut writes, mut stop) = (Writes::new(), None);
        while stop.is_none() {
            let taken = tokio::select! {
                biased;
                _ = &mut interrupt => Err(Stop::Interrupt),
                Some(written) = writes.next() => self.count(written),
                row = rows.recv(), if writes.len() < IN_FLIGHT => match row {
                    Some(Ok(row)) => self.take_up(row, &writes),
                    Some(Err(problem)) => Err(Stop::Before(self.next_row, problem.into())),
                    None => break,
                },
            };
            stop = taken.err();
        }
        // What has been sent is waited for, so that every row before the one that is named has been dealt with.
        while let Some(written) = writes.next().await {
            stop = match (stop, self.count(written).err()) {
                (Some(Stop::Before(row, _)), Some(Stop::Before(earlier, problem))) if earlier < row => {
                    Some(Stop::Before(earlier, problem))
                }
                (None | Some(Stop::Interrupt), Some(next)) => Some(next),
                (stop, _) => stop,
            };
        }
        self.progress.end();
        let stopped = match stop {
            None => None,
            Some(Stop::Interrupt) => Some(Stopped { row: self.next_row, reason: None }),
            Some(Stop::Before(row, source)) => {
                let reason = format!("{}; go on with --start-at {row}", with_causes(&*source));
                Some(Stopped { row, reason: Some(reason) })
            }
            Some(Stop::Error(failure)) => return Err(failure),
        };
        self.tally.report(options, stopped.as_ref()).map_err(CliError::Output)
    }

    fn take_up(&mut self, row: ReadRow, writes: &Writes) -> Result<(), Stop> {
        let ReadRow { number, end, row: SourceRow { name, username, origin, assurance, content } } = row;
        self.next_row = number + 1;
        self.taken += 1;
        match content {
            Content::LeftOut => self.tally.left_out(),
            Content::OtherModel(model) => self.tally.other_model(model),
            Content::Rejected(error) => self.reject(number, name, username, origin, error, writes)?,
            Content::User(record, _) if !self.lifting && !self.deleted.of(&record).is_empty() => {
                self.reject(number, name, username, origin, RowError::Deleted, writes)?;
            }
            Content::User(record, note) => {
                if let Some(note) = note {
                    self.tally.lost_date(number, name.clone(), note);
                }
                match self.users.clone() {
                    None => self.tally.sound(&record),
                    Some(users) => {
                        let (if_different, now, id) = (self.if_different, self.now, new_id()?);
                        let lifted = self.deleted.of(&record);
                        let (changes, deleted) = (self.changes.clone(), self.deleted.clone());
                        writes.push(Box::pin(async move {
                            let result = users.import(&record, assurance, if_different, id, now).await;
                            let result = match (result.map_err(Rejected::Table), changes) {
                                (Ok(imported), Some(changes)) => {
                                    lift_all(&changes, &deleted, lifted, now).await.map(|()| imported)
                                }
                                (result, _) => result,
                            };
                            Written { number, name, result }
                        }));
                    }
                }
            }
        }
        self.progress.at(self.taken, end);
        Ok(())
    }

    /// Counts a row that is rejected, and keeps its name from others.
    fn reject(
        &mut self,
        number: u64,
        name: Option<String>,
        username: Option<Username>,
        origin: Option<Origin>,
        error: RowError,
        writes: &Writes,
    ) -> Result<(), Stop> {
        // The name of somebody who is here under another one is theirs to get, and that of somebody who is gone anybody's.
        let keeps_name = !matches!(error, RowError::Renamed(_) | RowError::Deleted);
        let (Some(users), Some(username)) = (self.users.clone(), username.filter(|_| keeps_name)) else {
            let result = Err(Rejected::Row(error, Ok(None)));
            return self.count(Written { number, name, result });
        };
        let origin = origin.filter(|_| !matches!(error, RowError::SameName(_)));
        let (id, now) = (new_id()?, self.now);
        writes.push(Box::pin(async move {
            let reserved = users.reserve(&username, origin.as_ref(), id, now).await;
            Written { number, name, result: Err(Rejected::Row(error, reserved.map(Some))) }
        }));
        Ok(())
    }

    fn count(&mut self, Written { number, name, result }: Written) -> Result<(), Stop> {
        let (reason, kind) = match result {
            Ok(imported) => {
                self.tally.imported(imported);
                return Ok(());
            }
            Err(Rejected::Table(ImportError::Store(error)) | Rejected::Row(_, Err(error)))
                if !matches!(error, StoreError::Malformed(_)) =>
            {
                return Err(Stop::Before(number, error.into()));
            }
            Err(Rejected::NotLifted(error)) => return Err(Stop::Before(number, error.into())),
            Err(Rejected::Table(error)) => (explained(&error), kind_of(&error)),
            Err(Rejected::Row(error, reserved)) => {
                let reserved = reserved.ok().flatten();
                if let Some(reservation) = &reserved {
                    self.tally.reserved(reservation);
                }
                let owner = match reserved {
                    Some(Reservation::OfAnother(None)) => "; a user here has the name".to_owned(),
                    Some(Reservation::OfAnother(Some(origin))) => {
                        format!("; a user here has the name, who was imported as {origin}")
                    }
                    _ => String::new(),
                };
                (format!("{error}{owner}"), error.kind())
            }
        };
        let rejected = self.tally.rejected(Rejection { row: number, username: name, reason }, kind);
        rejected.map_err(|error| Stop::Error(CliError::Output(error)))
    }
}

/// Takes back that they were deleted, now that they are here again.
async fn lift_all(
    changes: &ChangeLog,
    deleted: &DeletedUsers,
    users: BTreeSet<UserId>,
    now: Timestamp,
) -> Result<(), Rejected> {
    for user in users {
        changes.lift(deleted, user, now).await.map_err(Rejected::NotLifted)?;
    }
    Ok(())
}

fn new_id() -> Result<UserId, Stop> {
    let entropy = edge::random::entropy().map_err(|error| Stop::Error(error.into()))?;
    Ok(UserId::new(entropy))
}

/// An error and its causes, each said once.
fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let message = error.to_string();
        if !text.contains(&message) {
            text = format!("{text}: {message}");
        }
        cause = error.source();
    }
    text
}
