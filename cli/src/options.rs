use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use token::{CustomClaims, PolicyError, RefreshSwitch, Seconds, SessionId, SessionPolicy, Timestamp};
use users::{MailAddress, Username};

use crate::{
    Architecture, ClientCommand, Completions, ExportUsers, ImportUsers, InvitationsCommand, InviteUsers,
    KeysCommand, KeysOptions, MailCommand, Man, RecoverUser,
};

/// Manages the users, sessions and machine clients of Latchkey, shows its keys, and explains a token.
#[derive(Clone, Debug, Parser)]
#[command(name = "latchkey", version = env!("LATCHKEY_VERSION"))]
pub struct Options {
    /// Print JSON, on one line
    #[arg(long, global = true)]
    pub json: bool,
    /// The reason, for the record of changes
    #[arg(long, global = true, value_name = "TEXT")]
    pub reason: Option<String>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What there is to do.
#[derive(Clone, Debug, Subcommand)]
pub enum Command {
    /// Create, show and change users
    #[command(subcommand)]
    User(UserCommand),
    /// Show and end the sessions of a user
    #[command(subcommand)]
    Session(SessionCommand),
    /// Create, show and change machine clients: programs that get access tokens by themselves
    #[command(subcommand)]
    Client(ClientCommand),
    /// Check that letters go out, where the stack sends any
    #[command(subcommand)]
    Mail(MailCommand),
    /// Look at the signing keys, rotate them, or retire one
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Read a token
    #[command(subcommand)]
    Token(TokenCommand),
    /// List the changes made from the command line: when, by whom, to whom and why
    Changes(ListChanges),
    /// Check, between `sam build` and `sam deploy`, that the programs are for the processor of the stack
    CheckBuild(CheckBuild),
    /// Check a running service, or its settings before a deployment
    ///
    /// Exits with 1 when a check fails.
    Doctor(Doctor),
    /// Print the script with which a shell completes commands and options
    Completions(Completions),
    /// Write a manual page for each command
    Man(Man),
}

/// `latchkey user …`
#[derive(Clone, Debug, Subcommand)]
pub enum UserCommand {
    /// Let a person become a user and choose a password, by a link that is printed or sent
    Invite(Box<InviteUsers>),
    /// List or withdraw invitations
    #[command(subcommand)]
    Invitations(InvitationsCommand),
    /// Print a link that lets a user set a new password
    Recover(RecoverUser),
    /// Create a user; never overwrites one
    Create(CreateUser),
    /// List all users
    List(StoreOptions),
    /// Show a user with claims and sessions
    Show(ShowUser),
    /// Print all personal data of a user except the password hash, for a subject access request
    Report(ShowUser),
    /// Forbid logins and refreshes, and end every session
    Disable(OneUser),
    /// Allow logins again
    Enable(OneUser),
    /// Forget the failed logins under a name, so that the next one need not wait
    Unlock(OneUser),
    /// Delete a user for good; the name may be registered again, by somebody else
    Delete(DeleteUser),
    /// Delete again the deleted users that a restored table brought back
    DeleteAgain(DeleteAgain),
    /// Give a user another name, and end every session; nothing else changes
    Rename(RenameUser),
    /// Set another password, and end every session
    SetPassword(SetPassword),
    /// Replace the claims that tokens of the user carry; a live session has them from its next refresh on
    SetClaims(SetClaims),
    /// Say where letters to users go
    SetEmail(SetEmail),
    /// Bring users in from a file, with their password hashes; the same file again changes nothing
    ///
    /// Exits with 1 when a row was rejected, and with 130 when it was interrupted.
    Import(Box<ImportUsers>),
    /// Write all users to a file, with their password hashes and without their sessions
    ///
    /// Exits with 1 when a row of the table had to be left out.
    Export(ExportUsers),
}

/// `latchkey session …`
#[derive(Clone, Debug, Subcommand)]
pub enum SessionCommand {
    /// List the sessions of a user, the newest first; one that is over stays until the next login
    List(ShowUser),
    /// End one session, from its next refresh on
    End(EndSession),
    /// End every session of a user, from their next refresh on
    EndAll(OneUser),
    /// Remove the expired sessions of all users, with their addresses and user agents
    Prune(PruneSessions),
}

/// `latchkey token …`
#[derive(Clone, Debug, Subcommand)]
pub enum TokenCommand {
    /// Say what a token is, when it dies and whether it can be refreshed
    ///
    /// Exits with 0 when the token can be refreshed and with 1 when it is rejected. An access token cannot be refreshed:
    /// 0 says that it is live and that nothing is wrong with it.
    Explain(ExplainToken),
}

/// Where the users are: a table of AWS, or the local server's store.
#[derive(Clone, Debug, Default, Args)]
pub struct StoreOptions {
    /// The users of the local server, in its data folder
    #[arg(
        long,
        value_name = "FOLDER",
        num_args = 0..=1,
        default_missing_value = ".latchkey",
        conflicts_with_all = ["table", "region", "profile"]
    )]
    pub local: Option<PathBuf>,
    /// The DynamoDB table [default: the environment variable `USERS_TABLE`]
    #[arg(long)]
    pub table: Option<String>,
    /// The AWS region [default: as for every AWS tool]
    #[arg(long)]
    pub region: Option<String>,
    /// The AWS profile [default: as for every AWS tool]
    #[arg(long)]
    pub profile: Option<String>,
}

/// One user and where to find them.
#[derive(Clone, Debug, Args)]
pub struct OneUser {
    /// The user's name, in any case
    pub username: Username,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// One user with their sessions.
#[derive(Clone, Debug, Args)]
pub struct ShowUser {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// How long sessions last.
    #[command(flatten)]
    pub policy: PolicyOptions,
}

/// The service's settings for tokens and sessions, which neither a token nor the table tells.
#[derive(Clone, Copy, Debug, Args)]
pub struct PolicyOptions {
    /// How long the service's tokens live: its `JWT_EXPIRATION_DELTA` [default: 1h]
    #[arg(long, value_name = "DURATION")]
    pub expiration: Option<Seconds>,
    /// For how long after the login it refreshes them: its `JWT_REFRESH_EXPIRATION_DELTA` [default: 2d]
    #[arg(long, value_name = "DURATION")]
    pub refresh_expiration: Option<Seconds>,
    /// For a service whose `JWT_ALLOW_REFRESH` is off
    #[arg(long)]
    pub no_refresh: bool,
}

impl PolicyOptions {
    pub(crate) fn policy(self) -> Result<SessionPolicy, PolicyError> {
        let switch = if self.no_refresh { RefreshSwitch::Off } else { RefreshSwitch::On };
        let expiration = self.expiration.unwrap_or(SessionPolicy::DEFAULT_EXPIRATION);
        let refresh_expiration = self.refresh_expiration.unwrap_or(SessionPolicy::DEFAULT_REFRESH_EXPIRATION);
        SessionPolicy::new(expiration, refresh_expiration, switch)
    }
}

/// How a new password comes in. There is no way to give it as an argument: every process of the
/// machine reads those, and shells keep them.
#[derive(Clone, Copy, Debug, Args)]
pub struct PasswordOptions {
    /// Read the password from the first line of standard input instead of asking for it twice
    #[arg(long)]
    pub password_stdin: bool,
}

/// `latchkey user create`
#[derive(Clone, Debug, Args)]
pub struct CreateUser {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// Claims that the user's tokens carry: a JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub claims: CustomClaims,
    /// Where letters to the user go, such as those for a forgotten password
    #[arg(long, value_name = "ADDRESS")]
    pub email: Option<MailAddress>,
    /// The password.
    #[command(flatten)]
    pub password: PasswordOptions,
}

/// `latchkey user delete`
#[derive(Clone, Debug, Args)]
pub struct DeleteUser {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// `latchkey user delete-again`
#[derive(Clone, Debug, Args)]
pub struct DeleteAgain {
    /// The table before the restore, whose deletions count [default: this one]
    #[arg(long, value_name = "TABLE")]
    pub of_table: Option<String>,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey session prune`
#[derive(Clone, Debug, Args)]
pub struct PruneSessions {
    /// How long sessions last.
    #[command(flatten)]
    pub policy: PolicyOptions,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey changes`
#[derive(Clone, Debug, Args)]
pub struct ListChanges {
    /// Only those of this user, by name or by id, which outlives the name
    // An id is base64url, and may begin with a hyphen.
    #[arg(long, value_name = "USER", allow_hyphen_values = true)]
    pub user: Option<String>,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey user rename`
#[derive(Clone, Debug, Args)]
pub struct RenameUser {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// The name from now on; nobody may have it
    #[arg(value_name = "NEW_NAME")]
    pub new_name: Username,
}

/// `latchkey user set-password`
#[derive(Clone, Debug, Args)]
pub struct SetPassword {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// The password.
    #[command(flatten)]
    pub password: PasswordOptions,
}

/// `latchkey user set-claims`
#[derive(Clone, Debug, Args)]
pub struct SetClaims {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// All claims of the user: a JSON object such as {"role":"admin"}
    #[arg(value_name = "JSON")]
    pub claims: CustomClaims,
}

/// `latchkey user set-email`
#[derive(Clone, Debug, Args)]
pub struct SetEmail {
    /// Whose
    #[arg(required_unless_present = "from_names", conflicts_with = "from_names")]
    pub username: Option<Username>,
    /// The address, which must be the user's own: whoever reads its mail can set the password
    #[arg(required_unless_present_any = ["none", "from_names"], conflicts_with_all = ["none", "from_names"])]
    pub address: Option<MailAddress>,
    /// Send no letters to the user
    #[arg(long, conflicts_with = "from_names")]
    pub none: bool,
    /// Give every user without an address their name, where it is one
    #[arg(long)]
    pub from_names: bool,
    /// With --from-names: say who would get one, and change nothing
    #[arg(long, requires = "from_names", conflicts_with_all = ["username", "none"])]
    pub dry_run: bool,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey session end`
#[derive(Clone, Debug, Args)]
pub struct EndSession {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// The session: `sid` of its tokens
    // Base64url may begin with a hyphen.
    #[arg(allow_hyphen_values = true)]
    pub session: SessionId,
}

/// `latchkey token explain`
#[derive(Clone, Debug, Args)]
pub struct ExplainToken {
    /// The token, or - to read it from standard input
    pub token: String,
    /// Check the signature with the public keys of this file, a JWK set
    #[arg(long, value_name = "FILE", conflicts_with = "local")]
    pub jwks: Option<PathBuf>,
    /// Check the signature with the key of the local server, in its data folder, and take its durations
    #[arg(long, value_name = "FOLDER", num_args = 0..=1, default_missing_value = ".latchkey")]
    pub local: Option<PathBuf>,
    /// How long sessions last.
    #[command(flatten)]
    pub policy: PolicyOptions,
    /// Explain another instant than now, in seconds since 1970
    #[arg(long, value_name = "SECONDS", value_parser = parse_instant)]
    pub at: Option<Timestamp>,
}

/// `latchkey check-build`
#[derive(Clone, Debug, Args)]
pub struct CheckBuild {
    /// Where `sam build` has left the programs
    #[arg(long, value_name = "FOLDER", default_value = ".aws-sam/build")]
    pub build_dir: PathBuf,
    /// The file from which `sam build` and `sam deploy` take their parameters
    #[arg(long, value_name = "FILE", default_value = "samconfig.toml")]
    pub config_file: PathBuf,
    /// The part of that file, as SAM's `--config-env`
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub config_env: String,
    /// The processor of the stack, where no file names it
    #[arg(long, conflicts_with_all = ["config_file", "config_env"])]
    pub architecture: Option<Architecture>,
}

/// `latchkey doctor`
#[derive(Clone, Debug, Args)]
pub struct Doctor {
    /// The service's address: the stack's output `BaseUrl`, or the local server's URL
    #[arg(required_unless_present = "config_file")]
    pub url: Option<String>,
    /// Check the settings of this file, samconfig.toml, as the functions will read them
    #[arg(long, value_name = "FILE")]
    pub config_file: Option<PathBuf>,
    /// The part of that file, as SAM's `--config-env`
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub config_env: String,
    /// The table and the secret, which are checked too if they are named, also by `USERS_TABLE` and `SIGNING_SECRET`.
    #[command(flatten)]
    pub keys: KeysOptions,
}

fn parse_instant(text: &str) -> Result<Timestamp, &'static str> {
    let seconds = text.parse::<u64>().map_err(|_| "write whole seconds since 1970")?;
    Timestamp::try_from(seconds)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Options::command().debug_assert();
    }
}
