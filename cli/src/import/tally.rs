use std::{
    fmt::Write as _,
    fs::File,
    io::{self, BufWriter, Write},
};

use serde_json::{Value, json};
use users::Imported;

use crate::{ImportUsers, Outcome, Report, table::printable};

/// How many refused rows the report itself names.
const NAMED_REFUSALS: usize = 20;

/// What has become of the rows so far.
pub(super) struct Tally {
    created: u64,
    unchanged: u64,
    replaced: u64,
    refused: u64,
    /// The rows that a dry run found nothing wrong with.
    sound: u64,
    named: Vec<Refusal>,
    rejects: Option<BufWriter<File>>,
}

/// A row that was not imported, and why.
pub(super) struct Refusal {
    pub(super) row: u64,
    pub(super) username: Option<String>,
    pub(super) reason: String,
}

impl Refusal {
    fn to_json(&self) -> Value {
        json!({ "row": self.row, "username": self.username, "reason": self.reason })
    }
}

impl Tally {
    pub(super) fn new(rejects: Option<File>) -> Self {
        let (created, unchanged, replaced, refused, sound) = (0, 0, 0, 0, 0);
        let rejects = rejects.map(BufWriter::new);
        Self { created, unchanged, replaced, refused, sound, named: Vec::new(), rejects }
    }

    pub(super) fn imported(&mut self, imported: Imported) {
        match imported {
            Imported::Created => self.created += 1,
            Imported::Unchanged => self.unchanged += 1,
            Imported::Replaced => self.replaced += 1,
        }
    }

    pub(super) fn sound(&mut self) {
        self.sound += 1;
    }

    pub(super) fn refused(&mut self, refusal: Refusal) -> io::Result<()> {
        self.refused += 1;
        if let Some(rejects) = &mut self.rejects {
            writeln!(rejects, "{}", refusal.to_json())?;
        }
        if self.named.len() < NAMED_REFUSALS {
            self.named.push(refusal);
        }
        Ok(())
    }

    /// The report, and with `next_row` that the run was interrupted before this one.
    pub(super) fn report(mut self, options: &ImportUsers, next_row: Option<u64>) -> io::Result<Report> {
        if let Some(rejects) = &mut self.rejects {
            rejects.flush()?;
        }
        self.named.sort_by_key(|refusal| refusal.row);
        let Self { created, unchanged, replaced, refused, sound, ref named, .. } = self;
        let mut text = if options.dry_run {
            format!("Importable {sound}, refused {refused}; nothing was written or looked up.\n")
        } else {
            format!("Created {created}, unchanged {unchanged}, replaced {replaced}, refused {refused}.\n")
        };
        for Refusal { row, username, reason } in named {
            let name = username
                .as_ref()
                .map(|name| format!(" ({})", printable(&name.chars().take(64).collect::<String>())));
            // Writing to a string cannot fail.
            let _ = writeln!(text, "row {row}{}: {}", name.unwrap_or_default(), printable(reason));
        }
        let unnamed = refused - named.len() as u64;
        if unnamed > 0 && options.rejects.is_none() {
            let _ = writeln!(text, "and {unnamed} more, which --rejects FILE names.");
        }
        let mut outcome = if refused > 0 { Outcome::Refused } else { Outcome::Success };
        if let Some(next) = next_row {
            let _ = writeln!(text, "Interrupted; go on with --start-at {next}.");
            outcome = Outcome::Interrupted;
        }
        let refusals: Vec<Value> = named.iter().map(Refusal::to_json).collect();
        let json = if options.dry_run {
            json!({ "importable": sound, "refused": refused, "refusals": refusals, "interrupted_before_row": next_row })
        } else {
            json!({
                "created": created, "unchanged": unchanged, "replaced": replaced, "refused": refused,
                "refusals": refusals, "interrupted_before_row": next_row,
            })
        };
        Ok(Report { text, json, outcome })
    }
}
