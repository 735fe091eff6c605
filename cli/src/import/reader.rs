use std::io::BufRead;

use tokio::sync::mpsc;

use super::{
    record::{Content, RowError, Rules, SourceRow},
    rows::{RowText, Rows, RowsError},
    survey::Survey,
};

/// A row that has been read: what it says, and how far into the file it ends.
pub(super) struct ReadRow {
    pub(super) number: u64,
    pub(super) end: u64,
    pub(super) row: SourceRow,
}

/// Reads the rows from `start_at` on into `rows`, as fast as they are taken out of it.
pub(super) fn read(
    input: impl BufRead,
    start_at: u64,
    rules: &Rules,
    survey: &Survey,
    sender: &mpsc::Sender<Result<ReadRow, RowsError>>,
) {
    let mut rows = Rows::new(input);
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
        let mut source = match row.text {
            RowText::Read(text) => rules.read(&text, &survey.groups),
            RowText::TooLong => SourceRow::rejected(RowError::TooLong),
        };
        // A reason of its own says more, but for a name that is another's too.
        if let Some(objection) = survey.objection(row.number, &source) {
            let says_more =
                matches!(source.content, Content::Rejected(_)) && !matches!(objection, RowError::SameName(_));
            if !says_more {
                source.content = Content::Rejected(objection);
            }
        }
        if sender.blocking_send(Ok(ReadRow { number: row.number, end: rows.bytes, row: source })).is_err() {
            return;
        }
    }
}
