use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Timestamp;

/// Members that a newer version stored: not looked at, and written back as they came.
///
/// They may be key material of a kind that is not known yet, so nothing of them is printed or published.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct NewerMembers(Map<String, Value>);

/// What a newer version stored beside the keys that this one can use.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Newer {
    /// Members of the set.
    pub(crate) members: NewerMembers,
    /// Keys of algorithms that this version does not know, whole.
    pub(crate) keys: Vec<NewerMembers>,
}

impl NewerMembers {
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// The `kid` of a key.
    pub(crate) fn key_id(&self) -> Option<&str> {
        self.0.get("kid").and_then(Value::as_str)
    }

    /// Whether they have a member with which one can sign in this version.
    pub(crate) fn has_private_member(&self) -> bool {
        self.0.contains_key("private_key") || self.0.contains_key("secret")
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        let retires = self.0.get("retires").and_then(Value::as_u64).and_then(Timestamp::from_seconds);
        retires.is_none_or(|retires| now < retires)
    }
}

impl Newer {
    /// Without the keys that say, in a member which we know, that they have retired.
    pub(crate) fn alive(&self, now: Timestamp) -> Self {
        let keys = self.keys.iter().filter(|key| key.is_alive(now)).cloned().collect();
        Self { members: self.members.clone(), keys }
    }

    /// Without the key called `id`; none if there is no such key.
    pub(crate) fn without(&self, id: &str) -> Option<Self> {
        let (gone, keys): (Vec<_>, Vec<_>) =
            self.keys.iter().cloned().partition(|key| key.key_id() == Some(id));
        (!gone.is_empty()).then(|| Self { members: self.members.clone(), keys })
    }
}

impl fmt::Debug for NewerMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewerMembers").finish_non_exhaustive()
    }
}

#[cfg(test)]
#[path = "newer_tests.rs"]
mod tests;
