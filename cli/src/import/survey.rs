use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    io::BufRead,
};

use users::{UserRecord, Username};

use super::{
    groups::{self, Groups},
    record::{Content, RowError, Rules, SourceRow},
    rows::{RowText, Rows, RowsError},
};

/// What all of a file says before any of it is written: which names, ids and keys it has more than once.
///
/// A row that is rejected counts too: of two people with one name, the other must not be taken for both.
#[derive(Default)]
pub(super) struct Survey {
    names: Sightings,
    ids: Sightings,
    keys: Sightings,
    name_of_key: HashMap<u64, u64>,
    renamed: HashMap<u64, Username>,
    pub(super) groups: Groups,
    state: RandomState,
}

impl Survey {
    /// Reads every row; an error comes with the number of its row.
    pub(super) fn of(input: impl BufRead, rules: &Rules) -> Result<Self, (u64, RowsError)> {
        let (mut rows, mut survey) = (Rows::new(input), Self::default());
        let no_groups = Groups::default();
        while let Some(row) = rows.next().map_err(|error| (rows.number(), error))? {
            let RowText::Read(text) = row.text else { continue };
            let source = rules.read(&text, &no_groups);
            if let Content::OtherModel(model) = &source.content
                && groups::is_group(model)
            {
                survey.groups.take_up(&text);
            }
            survey.take_up(row.number, &source);
        }
        Ok(survey)
    }

    fn take_up(&mut self, number: u64, row: &SourceRow) {
        let name = row.username.as_ref().map(|username| self.hash(username));
        if let Some(name) = name {
            self.names.see(name, number);
        }
        if let Content::User(record, _) = &row.content
            && let Some(id) = record.id
        {
            let id = self.hash(&id);
            self.ids.see(id, number);
        }
        if let Some(key) = row.origin.as_ref().and_then(|origin| origin.key.as_ref()) {
            let key = self.hash(key);
            self.keys.see(key, number);
            self.name_of_key.extend(name.map(|name| (key, name)));
        }
    }

    /// Whether a row has a key of its own, so that its user can be found under another name.
    pub(super) fn has_keys(&self) -> bool {
        !self.name_of_key.is_empty()
    }

    /// Compares the file with a user who is here: a key of another name there is a user who was renamed.
    pub(super) fn compare(&mut self, user: &UserRecord) {
        let Some(key) = user.origin.as_ref().and_then(|origin| origin.key.as_ref()) else { return };
        let (key, name) = (self.hash(key), self.hash(&user.username));
        if self.name_of_key.get(&key).is_some_and(|there| *there != name) {
            self.renamed.insert(key, user.username.clone());
        }
    }

    /// Why a row cannot be told from another, or is of somebody who is here under another name.
    pub(super) fn objection(&self, number: u64, row: &SourceRow) -> Option<RowError> {
        let name = row.username.as_ref().and_then(|name| self.names.other(self.hash(name), number));
        if let Some(other) = name {
            return Some(RowError::SameName(other));
        }
        if let Content::User(record, _) = &row.content
            && let Some(other) = record.id.and_then(|id| self.ids.other(self.hash(&id), number))
        {
            return Some(RowError::SameId(other));
        }
        let key = self.hash(row.origin.as_ref()?.key.as_ref()?);
        if let Some(other) = self.keys.other(key, number) {
            return Some(RowError::SameKey(other));
        }
        self.renamed.get(&key).cloned().map(RowError::Renamed)
    }

    /// 64 bits, with a key of this process: of a million rows two collide once in 37 million files, and are rejected.
    fn hash(&self, value: &impl Hash) -> u64 {
        self.state.hash_one(value)
    }
}

/// The first row of each value, and another one if there is any.
#[derive(Default)]
struct Sightings(HashMap<u64, (u64, Option<u64>)>);

impl Sightings {
    fn see(&mut self, value: u64, row: u64) {
        let (first, other) = self.0.entry(value).or_insert((row, None));
        if *first != row {
            other.get_or_insert(row);
        }
    }

    /// Another row with the value of this one.
    fn other(&self, value: u64, row: u64) -> Option<u64> {
        let (first, other) = self.0.get(&value)?;
        if *first == row { *other } else { Some(*first) }
    }
}
