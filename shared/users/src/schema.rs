//! The names of the table's attributes.

/// The partition key, a string: `user#<username>`, `attempts#<mark of the username>`, `address#<address>`, and of machine
/// clients, whose attributes are in `client_row`, `client#<id>` and `client-address#<address>`.
pub(crate) const KEY: &str = "pk";
/// Before the name in the key of a user's row.
pub(crate) const USER: &str = "user#";
/// Before the mark of a name in the key of a row of attempts.
pub(crate) const ATTEMPTS: &str = "attempts#";

/// Before the address in the key of a row of failures from it.
pub(crate) const ADDRESS: &str = "address#";

pub(crate) const USER_ID: &str = "user_id";
pub(crate) const USERNAME: &str = "username";
pub(crate) const ENABLED: &str = "enabled";
pub(crate) const PASSWORD_HASH: &str = "password_hash";
pub(crate) const CLAIMS: &str = "claims";
pub(crate) const CREATED_AT: &str = "created_at";
pub(crate) const SESSIONS: &str = "sessions";
/// Where the user is written to; an invitation has it too.
pub(crate) const EMAIL: &str = "email";
/// The language to write in; an invitation has it too.
pub(crate) const LOCALE: &str = "locale";

/// When an administrator last changed the user, and who.
pub(crate) const CHANGED_AT: &str = "changed_at";
pub(crate) const CHANGED_BY: &str = "changed_by";
/// When an administrator disabled the user.
pub(crate) const DISABLED_AT: &str = "disabled_at";
/// Counts what ends the codes of before and leaves the stored hash as it is or may bring an old one back: disabling, enabling,
/// renaming, and changes by an import.
pub(crate) const GENERATION: &str = "generation";

/// What the last import said of the user: a map.
pub(crate) const IMPORTED: &str = "imported";
/// In the map of the last import: who the user was there.
pub(crate) const ORIGIN_NAME: &str = "origin_name";
pub(crate) const ORIGIN_KEY: &str = "origin_key";
/// In a row that only keeps its name from others.
pub(crate) const RESERVED: &str = "reserved";

/// In an entry of `sessions`.
pub(crate) const ISSUED_AT: &str = "iat";
pub(crate) const USER_AGENT: &str = "user_agent";
pub(crate) const SOURCE_IP: &str = "source_ip";
/// In the entry of a session that a change of the password opened: the session that asked for it.
pub(crate) const REPLACED: &str = "replaced";

pub(crate) const FAILURES: &str = "failures";
pub(crate) const LAST_FAILURE: &str = "last_failure";
/// Marks of the writes that counted the latest failures, a string set.
pub(crate) const TRIES: &str = "tries";
/// The table's TTL attribute, in rows of failed logins and wrong client secrets only.
pub(crate) const EXPIRES_AT: &str = "expires_at";
