use std::{error::Error, io, path::PathBuf};

use aws::AwsCause;
use edge::random::RandomError;
use local_data::{StoreFileError, session_settings::SessionSettingsError, signing_key::KeyFileError};
use token::{
    AccessAudiencesError, ClientId, KeySetError, NextKeySetError, PolicyError, SessionId, TokenError,
};
use users::{
    ChangeError, ChangeLogError, ClientChangeError, HashError, PasswordError, StoreError, Username,
    UsernameError,
};

use crate::BuildError;

/// Why a command could not do its work: one line for a person.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Nobody has this name.
    #[error("there is no user {0}")]
    NoSuchUser(Username),
    /// The name is taken; the user is as before.
    #[error("there is a user {0} already; nothing was changed")]
    UserExists(Username),
    /// The name of an invitation is taken.
    #[error("there is a user {0} already; `latchkey user recover` makes a link for a new password")]
    InvitedUserExists(Username),
    /// An import keeps the name of an invitation for somebody.
    #[error("{0} is reserved for somebody whom an import rejected; `latchkey user delete` frees the name")]
    InvitedNameReserved(Username),
    /// Nobody is invited under this name.
    #[error("there is no open invitation of {0}")]
    NoInvitation(Username),
    /// The user has no code.
    #[error("{0} has no open link for a new password")]
    NoRecovery(Username),
    /// A disabled user gets no new password.
    #[error("{0} is disabled; `latchkey user enable` comes first")]
    UserDisabled(Username),
    /// What is in the file of invitations.
    #[error("nobody was invited, because of {file}: {problems}")]
    Invitations {
        /// The file, or standard input.
        file: String,
        /// What is wrong with which lines.
        problems: String,
    },
    /// Neither `--account-link` nor `ACCOUNT_LINK`.
    #[error(
        "which page does the link lead to? Name it with --account-link or ACCOUNT_LINK: the stack has it as the output AccountLink"
    )]
    NoAccountLink,
    /// The local server has not said to which page.
    #[error("the local server of {} has no page for links: start it once with --account-link URL, or without that option", .0.display())]
    NoLocalAccountLink(PathBuf),
    /// `ACCOUNT_LINK`
    #[error(transparent)]
    AccountLink(edge::SettingError),
    /// The stack has no codes.
    #[error("there is no table {0}; deploy the stack with the parameter AccountLink")]
    NoCodes(String),
    /// The stack sends no letters.
    #[error("there is no table {0}; deploy the stack with the parameters AccountLink and MailFrom")]
    NoOutbox(String),
    /// Neither `--from` nor `MAIL_FROM`.
    #[error(
        "who are letters from? Name it with --from or MAIL_FROM: the stack has it as the output MailFrom"
    )]
    NoMailFrom,
    /// The name of an invitation is no address, and none is given.
    #[error("where does the invitation of {0} go? Name it with --email")]
    NoEmail(Username),
    /// SES gave no answer.
    #[error("SES did not answer")]
    Ses(#[source] AwsCause),
    /// The other name of a renaming is taken.
    #[error("{0} is taken, or the same name; nothing was changed")]
    NameTaken(Username),
    /// The user has no session of this id.
    #[error("{username} has no session {session}")]
    NoSuchSession {
        /// The user.
        username: Username,
        /// The id that was asked for.
        session: SessionId,
    },
    /// No machine client has this id.
    #[error("there is no client {0}; `latchkey client list` names them")]
    NoSuchClient(ClientId),
    /// A rotation of a client with two secrets, which are named with their ages.
    #[error(
        "{id} has two secrets, {secrets}: say --finish if the newest is in use everywhere, --replace-newest if it was lost, or \
         --now if one has leaked"
    )]
    TwoSecrets {
        /// Whose.
        id: ClientId,
        /// Which, the oldest first.
        secrets: String,
    },
    /// A secret to be replaced that is the only one.
    #[error(
        "{0} has one secret, which something may use: rotate without an option to add another, or say --now to end it"
    )]
    OneSecret(ClientId),
    /// Other secrets came between reading and writing.
    #[error("the secrets of {0} have just changed; this command changed nothing; try again")]
    SecretsChanged(ClientId),
    /// The audiences of a client, each of which may be one.
    #[error("--audience: {0}")]
    Audiences(#[from] AccessAudiencesError),
    /// The person asked said no.
    #[error("not confirmed; nothing was changed")]
    NotConfirmed,
    /// Standard input is no terminal.
    #[error("there is no terminal to ask at; {0}")]
    NobodyToAsk(&'static str),
    /// The two passwords typed are two.
    #[error("the two passwords differ; nothing was changed")]
    PasswordsDiffer,
    /// What was typed cannot be a password.
    #[error(transparent)]
    Password(#[from] PasswordError),
    /// The password could not be hashed.
    #[error("cannot hash the password")]
    Hash(#[from] HashError),
    /// No identifier or salt could be drawn.
    #[error(transparent)]
    Random(#[from] RandomError),
    /// The terminal or standard input could not be read.
    #[error("cannot read the input")]
    Input(#[source] io::Error),
    /// The manual could not be written.
    #[error("cannot write the manual pages to {}", folder.display())]
    ManPages {
        /// Where to.
        folder: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Standard output could not be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// Neither `--table`, `USERS_TABLE` nor `--local`.
    #[error(
        "which table? Name it with --table or USERS_TABLE, or choose the local server's users with --local"
    )]
    NoTable,
    /// Neither `--secret`, `SIGNING_SECRET` nor `--local`.
    #[error(
        "which secret? Name it with --secret or SIGNING_SECRET, or choose the local server's keys with --local"
    )]
    NoSecret,
    /// Secrets Manager rejected the call or did not answer.
    #[error("cannot {what} the secret")]
    SecretsManager {
        /// What was to be done: read, change or rotate.
        what: &'static str,
        /// What it or the network said; never the response, which may hold the secret.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Another set of keys came into force between reading and writing.
    #[error("the secret was changed meanwhile, and nothing was retired; try again")]
    SecretChanged,
    /// The secret is changed, the copy of its public halves is not.
    #[error(
        "the key is out of the secret, but not yet out of the table of public keys, which rotate-keys writes every 5 minutes"
    )]
    NotPublished(#[source] keyring::PublicKeysError),
    /// The rotation has begun and is not over.
    #[error(
        "the rotation has begun and is not over after {0} s; the log of rotate-keys says why, and `latchkey keys status` whether it came into force"
    )]
    RotationUnfinished(u64),
    /// No key of the set has this `kid`.
    #[error("there is no key {0}; `latchkey keys status` names them")]
    NoSuchKey(String),
    /// `keys retire` without `--now`.
    #[error(
        "a rotation lets a key retire by itself, once the last token that it signed has died; to reject its tokens now, say --now"
    )]
    NotNow,
    /// The next key set could not be made.
    #[error("cannot make the next key set")]
    Rotation(#[from] NextKeySetError),
    /// The key file of the local server.
    #[error(transparent)]
    LocalKeys(#[from] KeyFileError),
    /// What the secret holds is neither a key set nor an HS256 key.
    #[error("the secret holds no usable keys")]
    BadSecret(#[source] KeySetError),
    /// No region from any source of the AWS SDK.
    #[error("which region? Name it with --region or AWS_REGION, or set it in the profile")]
    NoRegion,
    /// The durations of the local server.
    #[error(transparent)]
    SessionSettings(SessionSettingsError),
    /// The local server has not run there.
    #[error("there is no folder {}; the local server makes it, or name another with --local FOLDER", .0.display())]
    NoLocalFolder(PathBuf),
    /// The local server's store.
    #[error(transparent)]
    LocalStore(#[from] StoreFileError),
    /// The table.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The table of changes took no record, so nothing was changed.
    #[error("nothing was changed, because the record of changes cannot be written")]
    NotRecorded(#[source] StoreError),
    /// How long sessions last was not said, and a guess could end some that go on.
    #[error("how long do the service's sessions last? Set --expiration and --refresh-expiration")]
    NoDurations,
    /// What was given for a user is no name.
    #[error(transparent)]
    Username(UsernameError),
    /// There is no record of changes.
    #[error("cannot read the record of changes")]
    NoChanges(#[source] ChangeLogError),
    /// What `sam build` made.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// What was to be explained is no token.
    #[error("this is no token: {0}")]
    NoToken(#[from] TokenError),
    /// The keys to check a signature with.
    #[error("cannot use the keys of {}: {reason}", path.display())]
    KeyFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// A file of the command line.
    #[error("cannot use {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The file of `--names`.
    #[error("cannot use the names of {}: {reason}", path.display())]
    Names {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// `--expiration` or `--refresh-expiration` is out of range.
    #[error("{0} (--expiration, --refresh-expiration)")]
    Policy(#[from] PolicyError),
}

impl CliError {
    /// Why the user of this name was not changed.
    pub(crate) fn of_change(error: ChangeError, username: &Username) -> Self {
        match error {
            ChangeError::NoSuchUser => Self::NoSuchUser(username.clone()),
            ChangeError::Store(error) => error.into(),
        }
    }

    /// Why the client of this id was not changed.
    pub(crate) fn of_client_change(error: ClientChangeError, id: ClientId) -> Self {
        match error {
            ClientChangeError::NoSuchClient => Self::NoSuchClient(id),
            ClientChangeError::ChangedMeanwhile => Self::SecretsChanged(id),
            ClientChangeError::Store(error) => error.into(),
        }
    }

    /// 2 for a wrong command line, as clap has it, and 1 for everything else.
    pub(crate) fn exit_status(&self) -> u8 {
        let is_wrong_command_line = matches!(
            self,
            Self::Audiences(_)
                | Self::AccountLink(_)
                | Self::NoAccountLink
                | Self::NoDurations
                | Self::NoSecret
                | Self::NoTable
                | Self::NotNow
                | Self::Policy(_)
        );
        if is_wrong_command_line { 2 } else { 1 }
    }

    /// The failure and its causes, each said once.
    pub(crate) fn in_one_line(&self) -> String {
        let mut line = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !line.contains(&message) {
                line = format!("{line}: {message}");
            }
            cause = error.source();
        }
        line.lines().map(str::trim).collect::<Vec<_>>().join(" ")
    }
}
