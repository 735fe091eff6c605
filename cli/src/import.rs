//! `latchkey user import`

use std::{
    error::Error,
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use futures_util::{StreamExt, future::BoxFuture, stream::FuturesUnordered};
use token::{Timestamp, UserId};
use tokio::sync::mpsc;
use users::{IfDifferent, ImportError, Imported, StoreError, UserTable};

pub use self::rows::RowsError;
use self::{
    progress::Progress,
    reader::ReadRow,
    record::DjangoFields,
    tally::{Refusal, Tally},
};
use crate::{Failure, ImportUsers, Report, private_file, store};

mod progress;
mod reader;
mod record;
mod rows;
mod tally;

/// How many rows are written at the same time.
const IN_FLIGHT: usize = 32;

/// A row that has been written or refused by the table.
struct Written {
    number: u64,
    username: Option<String>,
    result: Result<Imported, ImportError>,
}

type Writes = FuturesUnordered<BoxFuture<'static, Written>>;

/// Why no row is taken up any more, although there may be some.
enum Stop {
    Interrupt,
    /// This row is the first that was not dealt with.
    Before(u64, Box<dyn Error + Send + Sync>),
    Failure(Failure),
}

/// Imports the rows of a file; `quiet` is for programs, which see the report alone.
pub(crate) async fn import(options: ImportUsers, quiet: bool, now: Timestamp) -> Result<Report, Failure> {
    let rejects = options.rejects.as_deref().map(private_file::create).transpose()?;
    let (input, bytes) = open(&options.file)?;
    let users = if options.dry_run { None } else { Some(store::open_for_many_writes(&options.store).await?) };
    let progress = if quiet { Progress::Quiet } else { Progress::new(bytes) };
    let (sender, rows) = mpsc::channel(IN_FLIGHT);
    let django = DjangoFields { username: options.username_field.clone(), claims: options.claims.clone() };
    let start_at = options.start_at;
    // Not a task: one that waits for standard input would keep the process from ending.
    std::thread::spawn(move || reader::read(BufReader::new(input), start_at, &django, &sender));
    let if_different = if options.replace { IfDifferent::Replace } else { IfDifferent::Refuse };
    let tally = Tally::new(rejects);
    let import = Import { users, if_different, now, progress, taken: 0, next_row: start_at, tally };
    import.run(rows, &options).await
}

/// The file or standard input, and how long it is.
fn open(path: &Path) -> Result<(Box<dyn Read + Send>, Option<u64>), Failure> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let failure = |source| Failure::File { path: path.to_owned(), source };
    let file = File::open(path).map_err(failure)?;
    let metadata = file.metadata().map_err(failure)?;
    Ok((Box::new(file), metadata.is_file().then_some(metadata.len())))
}

struct Import {
    /// None in a dry run.
    users: Option<UserTable>,
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
    ) -> Result<Report, Failure> {
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
        let next_row = match stop {
            None => None,
            Some(Stop::Interrupt) => Some(self.next_row),
            Some(Stop::Before(row, source)) => return Err(Failure::ImportStopped { row, source }),
            Some(Stop::Failure(failure)) => return Err(failure),
        };
        self.tally.report(options, next_row).map_err(Failure::Output)
    }

    fn take_up(&mut self, row: ReadRow, writes: &Writes) -> Result<(), Stop> {
        let ReadRow { number, end, username, record } = row;
        self.next_row = number + 1;
        self.taken += 1;
        match (record, self.users.clone()) {
            (Err(problem), _) => self.refuse(number, username, problem.to_string())?,
            (Ok(_), None) => self.tally.sound(),
            (Ok(record), Some(users)) => {
                let entropy = edge::random::entropy().map_err(|problem| Stop::Failure(problem.into()))?;
                let (if_different, now) = (self.if_different, self.now);
                writes.push(Box::pin(async move {
                    let result = users.import(&record, if_different, UserId::new(entropy), now).await;
                    Written { number, username, result }
                }));
            }
        }
        self.progress.at(self.taken, end);
        Ok(())
    }

    fn count(&mut self, Written { number, username, result }: Written) -> Result<(), Stop> {
        match result {
            Ok(imported) => self.tally.imported(imported),
            Err(ImportError::Store(problem)) if !matches!(problem, StoreError::Malformed(_)) => {
                return Err(Stop::Before(number, problem.into()));
            }
            Err(problem) => self.refuse(number, username, problem.to_string())?,
        }
        Ok(())
    }

    fn refuse(&mut self, row: u64, username: Option<String>, reason: String) -> Result<(), Stop> {
        let refused = self.tally.refused(Refusal { row, username, reason });
        refused.map_err(|problem| Stop::Failure(Failure::Output(problem)))
    }
}
