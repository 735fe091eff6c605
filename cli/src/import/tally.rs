use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write},
};

use serde_json::{Value, json};
use users::{Imported, Reservation, UserRecord};

use super::{estimate::Estimate, record::DateNote};
use crate::{ImportUsers, Outcome, Report, table::printable};

/// How many rows of a kind the report itself names.
const NAMED_ROWS: usize = 20;

/// What has become of the rows so far.
#[derive(Default)]
pub(super) struct Tally {
    created: u64,
    unchanged: u64,
    /// Of the unchanged, those who have logged in or were changed here since the last import.
    changed_here: u64,
    updated: u64,
    replaced: u64,
    left_out: u64,
    rejected: u64,
    reserved: u64,
    kinds: BTreeMap<&'static str, u64>,
    other_models: BTreeMap<String, u64>,
    /// The rows that a dry run found nothing wrong with.
    sound: Estimate,
    rejections: Vec<Rejection>,
    lost_dates: u64,
    notes: Vec<Rejection>,
    rejects: Option<BufWriter<File>>,
}

/// A row that was not imported or not as it is, and why.
pub(super) struct Rejection {
    pub(super) row: u64,
    pub(super) username: Option<String>,
    pub(super) reason: String,
}

/// Why an import ended before its last row.
pub(super) struct Stopped {
    /// The first row that was not dealt with.
    pub(super) row: u64,
    /// Why; nothing where somebody pressed Ctrl-C.
    pub(super) reason: Option<String>,
}

impl Rejection {
    fn to_json(&self) -> Value {
        json!({ "row": self.row, "username": self.username, "reason": self.reason })
    }

    fn line(&self, note: &str) -> String {
        let name = self.username.as_ref().map(|name| name.chars().take(64).collect::<String>());
        let name = name.map(|name| format!(" ({})", printable(&name))).unwrap_or_default();
        format!("row {}{name}: {}{note}\n", self.row, printable(&self.reason))
    }
}

impl Tally {
    pub(super) fn new(rejects: Option<File>) -> Self {
        Self { rejects: rejects.map(BufWriter::new), ..Self::default() }
    }

    pub(super) fn imported(&mut self, imported: Imported) {
        match imported {
            Imported::Created => self.created += 1,
            Imported::Unchanged => self.unchanged += 1,
            Imported::ChangedHere => {
                self.unchanged += 1;
                self.changed_here += 1;
            }
            Imported::Updated => self.updated += 1,
            Imported::Replaced => self.replaced += 1,
        }
    }

    pub(super) fn sound(&mut self, record: &UserRecord) {
        self.sound.take_up(record);
    }

    pub(super) fn left_out(&mut self) {
        self.left_out += 1;
    }

    pub(super) fn other_model(&mut self, model: String) {
        *self.other_models.entry(model).or_default() += 1;
    }

    pub(super) fn lost_date(&mut self, row: u64, username: Option<String>, note: DateNote) {
        self.lost_dates += 1;
        if self.notes.len() < NAMED_ROWS {
            self.notes.push(Rejection { row, username, reason: note.0.to_owned() });
        }
    }

    pub(super) fn reserved(&mut self, reservation: &Reservation) {
        if *reservation == Reservation::Reserved {
            self.reserved += 1;
        }
    }

    pub(super) fn rejected(&mut self, rejection: Rejection, kind: &'static str) -> io::Result<()> {
        self.rejected += 1;
        *self.kinds.entry(kind).or_default() += 1;
        if let Some(rejects) = &mut self.rejects {
            writeln!(rejects, "{}", rejection.to_json())?;
        }
        if self.rejections.len() < NAMED_ROWS {
            self.rejections.push(rejection);
        }
        Ok(())
    }

    /// The report; every row before the one at which the import stopped has been dealt with.
    pub(super) fn report(mut self, options: &ImportUsers, stopped: Option<&Stopped>) -> io::Result<Report> {
        if let Some(rejects) = &mut self.rejects {
            rejects.flush()?;
        }
        self.rejections.sort_by_key(|rejection| rejection.row);
        let outcome = match stopped {
            Some(Stopped { reason: None, .. }) => Outcome::Interrupted,
            Some(_) => Outcome::Rejected,
            None if self.rejected > 0 => Outcome::Rejected,
            None => Outcome::Success,
        };
        Ok(Report { text: self.text(options, stopped), json: self.json(options, stopped), outcome })
    }

    fn text(&self, options: &ImportUsers, stopped: Option<&Stopped>) -> String {
        let Self { created, unchanged, updated, replaced, rejected, .. } = self;
        let mut text = if options.dry_run {
            let sound = self.sound.rows;
            format!("Importable {sound}, rejected {rejected}; nothing was written or looked up.\n")
        } else {
            format!(
                "Created {created}, unchanged {unchanged}, updated {updated}, replaced {replaced}, rejected {rejected}.\n"
            )
        };
        // Writing to a string cannot fail.
        if options.dry_run && self.sound.rows > 0 {
            let _ = writeln!(text, "{}", self.sound);
        }
        if self.changed_here > 0 {
            let _ = writeln!(
                text,
                "{} of the unchanged have logged in or were changed here since the last import, and were not changed there.",
                self.changed_here
            );
        }
        for (model, rows) in &self.other_models {
            let _ = writeln!(text, "Skipped {rows} rows of {}, which are no users.", printable(model));
        }
        if self.left_out > 0 {
            let _ = writeln!(text, "Left out {}, as --names says.", self.left_out);
        }
        if self.kinds.len() > 1 || self.rejected > NAMED_ROWS as u64 {
            let kinds: Vec<String> = self.kinds.iter().map(|(kind, rows)| format!("{rows} {kind}")).collect();
            let _ = writeln!(text, "Rejected for: {}.", kinds.join("; "));
        }
        if self.reserved > 0 {
            let _ = writeln!(
                text,
                "{} names of rejected rows are reserved, so that nobody else gets them; `latchkey user delete` frees one.",
                self.reserved
            );
        }
        text.extend(self.rejections.iter().map(|rejection| rejection.line("")));
        let unnamed = self.rejected - self.rejections.len() as u64;
        if unnamed > 0 && options.rejects.is_none() {
            let _ = writeln!(text, "and {unnamed} more, which --rejects FILE names.");
        }
        text.extend(self.notes.iter().map(|note| note.line("; the user is imported without it")));
        let unnamed = self.lost_dates - self.notes.len() as u64;
        if unnamed > 0 {
            let _ = writeln!(text, "and {unnamed} more without their date.");
        }
        match stopped {
            None => {}
            Some(Stopped { row, reason: None }) => {
                let _ = writeln!(text, "Interrupted; go on with --start-at {row}.");
            }
            Some(Stopped { row, reason: Some(reason) }) => {
                let _ = writeln!(text, "The import stopped before row {row}: {}", printable(reason));
            }
        }
        text
    }

    fn json(&self, options: &ImportUsers, stopped: Option<&Stopped>) -> Value {
        let rejections: Vec<Value> = self.rejections.iter().map(Rejection::to_json).collect();
        let notes: Vec<Value> = self.notes.iter().map(Rejection::to_json).collect();
        let interrupted = stopped.filter(|stopped| stopped.reason.is_none()).map(|stopped| stopped.row);
        let broken = stopped.filter(|stopped| stopped.reason.is_some());
        let broken = broken.map(|stopped| json!({ "before_row": stopped.row, "reason": stopped.reason }));
        let mut json = json!({
            "rejected": self.rejected, "rejections": rejections, "rejected_by_reason": self.kinds,
            "interrupted_before_row": interrupted, "stopped": broken, "left_out": self.left_out,
            "other_models": self.other_models, "lost_dates": self.lost_dates, "notes": notes,
        });
        let more = if options.dry_run {
            self.sound.to_json()
        } else {
            json!({
                "created": self.created, "unchanged": self.unchanged, "changed_here": self.changed_here,
                "updated": self.updated, "replaced": self.replaced, "names_reserved": self.reserved,
            })
        };
        if let (Value::Object(json), Value::Object(more)) = (&mut json, more) {
            json.extend(more);
        }
        json
    }
}
