//! The administrator's side of Latchkey: users, sessions, machine clients, keys, and what a token says. In reading order:
//!
//! - [`Options`]: the command line
//! - [`run`]: one command, from its options to its report
//! - `Invocation`, `Recorder`: who asks, and the record of what they change
//! - [`Report`], [`CliError`]: what a command says for people and for programs, or why it could not
//! - [`Terminal`], [`Console`]: questions and answers; a password is never an argument

mod account_codes;
mod account_options;
mod build_check;
mod bulk_invitation;
mod changes;
mod client_options;
mod client_rotation;
mod clients;
mod deletions;
mod doctor;
mod error;
mod explain;
mod explain_access;
mod export;
mod import;
mod invocation;
mod key_store;
mod keys;
mod keys_options;
mod mail;
mod mail_options;
mod meaning;
mod options;
mod password;
mod personal_data;
mod private_file;
mod report;
mod service_settings;
mod sessions;
mod set_email;
mod shell;
mod signature;
mod store;
mod table;
mod terminal;
mod transfer_options;
mod users_command;

pub use account_options::{InvitationsCommand, InviteUsers, LinkOptions, RecoverUser};
pub use build_check::{Architecture, BuildError};
pub use client_options::{
    AudienceOptions, ClientCommand, CreateClient, DeleteClient, OneClient, RotateClient, SetAudiences,
};
pub use error::CliError;
pub use keys_options::{KeysCommand, KeysOptions, RetireKey, RotateKeys};
pub use mail_options::{CheckMail, MailCommand, TestMail};
pub use options::{
    CheckBuild, Command, CreateUser, DeleteAgain, DeleteUser, Doctor, EndSession, ExplainToken, ListChanges,
    OneUser, Options, PasswordOptions, PolicyOptions, PruneSessions, RenameUser, SessionCommand, SetClaims,
    SetEmail, SetPassword, ShowUser, StoreOptions, TokenCommand, UserCommand,
};
pub use report::{Outcome, Report};
pub use shell::{Completions, Man};
pub use terminal::{Console, Terminal};
pub use transfer_options::{ClaimOfField, ClaimOfFieldError, ExportUsers, ImportUsers, WithoutPassword};

use token::Timestamp;

use crate::invocation::Invocation;

/// Does what `options` ask for.
///
/// A clock and not an instant, because a command may wait: for a person, or for a rotation.
pub async fn run(
    options: Options,
    terminal: &mut impl Terminal,
    clock: impl Fn() -> Timestamp,
) -> Result<Report, CliError> {
    let command = invocation::name_of(&options.command);
    let invocation = Invocation { command, reason: options.reason, now: clock() };
    match options.command {
        Command::User(command) => users_command::run(command, terminal, options.json, &invocation).await,
        Command::Session(command) => sessions::run(command, &invocation).await,
        Command::Client(command) => clients::run(command, terminal, &invocation).await,
        Command::Mail(command) => mail::run(&command, &invocation).await,
        Command::Keys(command) => keys::run(command, terminal, clock, &invocation).await,
        Command::Changes(options) => changes::list(&options, &invocation).await,
        Command::CheckBuild(options) => build_check::check(&options),
        Command::Doctor(options) => doctor::run(&options, clock, &invocation).await,
        Command::Completions(options) => Ok(shell::completions(&options)),
        Command::Man(options) => shell::man(&options),
        Command::Token(TokenCommand::Explain(options)) => explain::explain(&options, terminal, clock()),
    }
}
