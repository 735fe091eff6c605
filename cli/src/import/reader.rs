use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    io::BufRead,
};

use tokio::sync::mpsc;
use users::UserRecord;

use super::{
    record::{self, DjangoFields, RowError},
    rows::{RowText, Rows, RowsError},
};

/// A row that has been read: what it says, and how far into the file it ends.
pub(super) struct ReadRow {
    pub(super) number: u64,
    pub(super) end: u64,
    pub(super) username: Option<String>,
    pub(super) record: Result<Box<UserRecord>, RowError>,
}

/// Reads the rows from `start_at` on into `rows`, as fast as they are taken out of it.
pub(super) fn read(
    input: impl BufRead,
    start_at: u64,
    django: &DjangoFields,
    sender: &mpsc::Sender<Result<ReadRow, RowsError>>,
) {
    let (mut rows, mut names, mut ids) = (Rows::new(input), FirstRows::default(), FirstRows::default());
    loop {
        let row = match rows.next() {
            Ok(Some(row)) if row.number < start_at => continue,
            Ok(Some(row)) => row,
            Ok(None) => return,
            Err(problem) => {
                // Nobody is left to tell when this fails.
                let _ = sender.blocking_send(Err(problem));
                return;
            }
        };
        let (username, record) = match row.text {
            RowText::Read(text) => record::read(&text, django),
            RowText::TooLong => (None, Err(RowError::TooLong)),
        };
        let record = record.and_then(|record| {
            if let Some(first) = names.first(&record.username, row.number) {
                return Err(RowError::SameName(first));
            }
            if let Some(first) = record.id.and_then(|id| ids.first(&id, row.number)) {
                return Err(RowError::SameId(first));
            }
            Ok(Box::new(record))
        });
        if sender
            .blocking_send(Ok(ReadRow { number: row.number, end: rows.bytes, username, record }))
            .is_err()
        {
            return;
        }
    }
}

/// The row in which a value came first. Of the values 64 bits of a hash are kept, with a key of this process:
/// of a million rows two collide once in 37 million files, and one of the two is then refused.
#[derive(Default)]
struct FirstRows {
    rows: HashMap<u64, u64>,
    state: RandomState,
}

impl FirstRows {
    fn first(&mut self, value: &impl Hash, row: u64) -> Option<u64> {
        let first = *self.rows.entry(self.state.hash_one(value)).or_insert(row);
        (first != row).then_some(first)
    }
}
