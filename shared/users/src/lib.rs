//! Who may have a token.
//!
//! One DynamoDB table holds a row for each user (profile, password hash, live sessions), a row for each
//! name that failed to log in and one for each address from which logins failed. Nothing here reads a clock or a random source. In reading order:
//!
//! - [`Username`]: the one canonical form of a name
//! - [`Password`], [`PasswordHash`], [`Hasher`]: what is checked, against what, and the work between
//! - [`PasswordPolicy`]: what a new password must be
//! - [`User`], [`Account`], [`Session`]: what the user's row says
//! - [`Attempts`], [`AddressFailures`]: failed logins under a name and from an address, and how long they make the next one wait
//! - [`MachineClient`], [`ClientSecret`]: a program that gets tokens by itself, and what it proves itself with
//! - [`AccountCode`], [`Codes`]: what lets its bearer become a user or set a password anew, in a table beside it
//! - [`Outbox`], [`Deliveries`], [`Allowance`]: letters to be written, and how many may be sent
//! - [`UserRecord`]: a user on the way into the table or out of it
//! - [`UserTable`]: every read and write of the table, each in the fewest calls
//! - [`ChangeLog`]: what administrators have changed, and whom they deleted, in a table beside it
//! - [`StoreError`]: DynamoDB is failing, or a row is not ours

mod account_code;
mod address_failures;
mod administration;
mod allowance;
mod attempts;
mod change_log;
mod change_password;
mod client_row;
mod client_secret;
mod client_table;
mod code_row;
mod code_table;
mod code_user;
mod deleted_users;
mod delivery;
mod end_session;
mod error;
mod hasher;
mod listing;
mod locale;
mod machine_client;
mod mail_address;
mod open_session;
mod outbox;
mod password;
mod password_hash;
mod password_policy;
mod prune;
mod redeem_code;
mod rename;
mod row;
mod schema;
mod source_address;
mod table;
mod transfer;
mod update;
mod user;
mod username;

pub use account_code::{AccountCode, AccountCodeError};
pub use address_failures::AddressFailures;
pub use administration::{ChangeError, CreateError, NewUser};
pub use allowance::Allowance;
pub use attempts::{Attempts, TryClaim, TryId};
pub use change_log::{Change, ChangeEnd, ChangeLog, ChangeLogError, Changes};
pub use change_password::{ChangePasswordError, PasswordNotice};
pub use client_secret::{ClientSecret, SecretHash, SecretId};
pub use client_table::{BeforeToken, ClientChangeError, MachineClients};
pub use code_row::{CodeOrigin, CodePurpose};
pub use code_table::{Codes, Invitation, Invitations, MakeCodeError};
pub use code_user::CodeUser;
pub use deleted_users::DeletedUsers;
pub use delivery::{Deliveries, Grant, LETTER_CODE_LIFE, Recipient};
pub use end_session::{EndSessionsError, Ended};
pub use error::{MalformedRow, MalformedRowOf, Operation, StoreError};
pub use hasher::{Hasher, Verdict};
pub use listing::{Listing, PageStart, UnreadableRow, UserSummary};
pub use locale::{Locale, LocaleError};
pub use machine_client::{ClientName, ClientNameError, MAX_SECRETS, MachineClient, StoredSecret};
pub use mail_address::{MailAddress, MailAddressError};
pub use open_session::{EarlierFailures, MAX_SESSIONS, OpenSessionError, VerifiedLogin};
pub use outbox::{Letter, LetterId, LetterKind, LetterState, Notice, Outbox};
pub use password::{MAX_PASSWORD_BYTES, Password, PasswordError};
pub use password_hash::{HashError, PasswordHash};
pub use password_policy::{NewPasswordError, PasswordLengthError, PasswordPolicy};
pub use prune::Pruned;
pub use redeem_code::{CodeEffect, CodeFailure, DeadCode, OpenCode, RedeemError};
pub use rename::RenameError;
pub use source_address::SourceAddress;
pub use table::{BeforeLogin, UserTable};
pub use transfer::{Assurance, IfDifferent, ImportError, Imported, Origin, Reservation, Status, UserRecord};
pub use user::{Account, LastChange, NewSession, Session, User};
pub use username::{MAX_USERNAME_BYTES, MAX_USERNAME_CODE_POINTS, Username, UsernameError};
