use std::{io::Write, sync::Arc, time::Duration};

use aws_config::{AppName, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_dynamodb::config::ProvideCredentials;
use edge::Environment;
use serde_json::Value;
use token::{Timestamp, UserId};
use users::{Change, ChangeEnd, ChangeLog, ChangeLogError, LastChange, UserTable};

use crate::{
    CliError, ClientCommand, Command, InvitationsCommand, KeysCommand, MailCommand, SessionCommand,
    TokenCommand, UserCommand,
};

/// How long AWS may take to say who asks.
const IDENTITY_TIMEOUT: Duration = Duration::from_secs(3);
/// A command as it was given: which, when, and why.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    /// Its words, as `user disable`.
    pub(crate) command: &'static str,
    /// What `--reason` says.
    pub(crate) reason: Option<String>,
    /// When it began.
    pub(crate) now: Timestamp,
}

impl Invocation {
    /// What AWS's own trail has of each call, in its user agent: `app/latchkey-user-disable`.
    pub(crate) fn app_name(&self) -> Option<AppName> {
        AppName::new(format!("latchkey-{}", self.command.replace(' ', "-"))).ok()
    }
}

/// The words of a command.
pub(crate) fn name_of(command: &Command) -> &'static str {
    match command {
        Command::User(command) => match command {
            UserCommand::Invite(_) => "user invite",
            UserCommand::Invitations(InvitationsCommand::List(_)) => "user invitations list",
            UserCommand::Invitations(InvitationsCommand::Withdraw(_)) => "user invitations withdraw",
            UserCommand::Recover(_) => "user recover",
            UserCommand::Create(_) => "user create",
            UserCommand::List(_) => "user list",
            UserCommand::Show(_) => "user show",
            UserCommand::Report(_) => "user report",
            UserCommand::Disable(_) => "user disable",
            UserCommand::Enable(_) => "user enable",
            UserCommand::Unlock(_) => "user unlock",
            UserCommand::Delete(_) => "user delete",
            UserCommand::DeleteAgain(_) => "user delete-again",
            UserCommand::Rename(_) => "user rename",
            UserCommand::SetPassword(_) => "user set-password",
            UserCommand::SetClaims(_) => "user set-claims",
            UserCommand::SetEmail(_) => "user set-email",
            UserCommand::Import(_) => "user import",
            UserCommand::Export(_) => "user export",
        },
        Command::Session(command) => match command {
            SessionCommand::List(_) => "session list",
            SessionCommand::End(_) => "session end",
            SessionCommand::EndAll(_) => "session end-all",
            SessionCommand::Prune(_) => "session prune",
        },
        Command::Client(command) => match command {
            ClientCommand::Create(_) => "client create",
            ClientCommand::List(_) => "client list",
            ClientCommand::Rotate(_) => "client rotate",
            ClientCommand::SetAudiences(_) => "client set-audiences",
            ClientCommand::Disable(_) => "client disable",
            ClientCommand::Enable(_) => "client enable",
            ClientCommand::Delete(_) => "client delete",
        },
        Command::Mail(command) => match command {
            MailCommand::Check(_) => "mail check",
            MailCommand::Test(_) => "mail test",
        },
        Command::Keys(command) => match command {
            KeysCommand::Status(_) => "keys status",
            KeysCommand::Rotate(_) => "keys rotate",
            KeysCommand::Retire(_) => "keys retire",
        },
        Command::Token(TokenCommand::Explain(_)) => "token explain",
        Command::Changes(_) => "changes",
        Command::CheckBuild(_) => "check-build",
        Command::Doctor(_) => "doctor",
        Command::Completions(_) => "completions",
        Command::Man(_) => "man",
    }
}

/// Writes down what a command changes: before, so that nothing is changed unrecorded, and what came of it.
pub(crate) struct Recorder {
    changes: ChangeLog,
    invocation: Invocation,
    by: Arc<str>,
}

/// What came of a command, and what the record is to have of it.
pub(crate) struct Work<T> {
    pub(crate) result: T,
    /// How many of what.
    pub(crate) counts: Option<Value>,
    pub(crate) is_whole: bool,
}

impl<T> Work<T> {
    /// All that was asked for.
    pub(crate) fn done(result: T) -> Self {
        Self { result, counts: None, is_whole: true }
    }

    /// So many.
    pub(crate) fn counted(self, counts: Value) -> Self {
        Self { counts: Some(counts), ..self }
    }
}

impl Recorder {
    /// The one beside `users`, for the administrator that `by` names.
    pub(crate) fn new(users: &UserTable, invocation: &Invocation, by: Arc<str>) -> Self {
        Self { changes: ChangeLog::beside(users), invocation: invocation.clone(), by }
    }

    /// Who changes a row, and when.
    pub(crate) fn last_change(&self) -> LastChange {
        LastChange { at: self.invocation.now, by: Arc::clone(&self.by) }
    }

    /// Does `work`, and records it before and after.
    ///
    /// `user` is the one user it changes, if there is one, and `what` the detail that the command's name leaves out. `work` gets
    /// the table of changes, if there is one. If the table is missing, or the caller has no right to it, the change is made
    /// anyway, and a line says that it is not recorded: an older stack must not stop anybody who disables a user in a hurry.
    /// If the table fails, nothing is changed.
    pub(crate) async fn record<T>(
        &self,
        user: Option<UserId>,
        what: Option<Value>,
        work: impl AsyncFnOnce(Option<&ChangeLog>) -> Result<Work<T>, CliError>,
    ) -> Result<T, CliError> {
        let change = self.change(user, what)?;
        match self.changes.begin(&change).await {
            Ok(()) => {}
            Err(error @ (ChangeLogError::NoTable(_) | ChangeLogError::NoRight(_))) => {
                note(&format!("latchkey: this change is not recorded: {error}"));
                return Ok(work(None).await?.result);
            }
            Err(ChangeLogError::Store(error)) => return Err(CliError::NotRecorded(error)),
        }
        let done = work(Some(&self.changes)).await;
        let end = match &done {
            Ok(Work { counts, is_whole, .. }) => ChangeEnd {
                outcome: String::from(if *is_whole { "done" } else { "partly" }),
                counts: counts.as_ref().map(Value::to_string),
            },
            // Not why: the reason may quote a name, and this outlives it.
            Err(_) => ChangeEnd { outcome: "failed".to_owned(), counts: None },
        };
        if let Err(error) = self.changes.end(&change, &end).await {
            note(&format!("latchkey: the outcome could not be recorded: {error}"));
        }
        Ok(done?.result)
    }

    fn change(&self, user: Option<UserId>, what: Option<Value>) -> Result<Change, CliError> {
        Ok(Change {
            // Random, as that of a user is.
            id: UserId::new(edge::random::entropy()?).to_string(),
            at: self.invocation.now,
            command: self.invocation.command.to_owned(),
            user,
            by: self.by.to_string(),
            from: machine(),
            reason: self.invocation.reason.clone(),
            what: what.map(|what| what.to_string()),
            end: None,
        })
    }
}

/// Who asks, as AWS knows them: the ARN, or the access key where AWS does not say.
pub(crate) async fn identity(config: &SdkConfig) -> Arc<str> {
    let timeouts = TimeoutConfig::builder().operation_timeout(IDENTITY_TIMEOUT).build();
    let sts = aws_sdk_sts::config::Builder::from(config).timeout_config(timeouts);
    let sts = sts.retry_config(RetryConfig::disabled()).build();
    let asked = aws_sdk_sts::Client::from_conf(sts).get_caller_identity().send().await;
    if let Some(arn) = asked.ok().and_then(|identity| identity.arn) {
        return arn.into();
    }
    let key = match config.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.ok(),
        None => None,
    };
    match key {
        Some(key) => format!("access key {}", key.access_key_id()).into(),
        None => "unknown".into(),
    }
}

/// The account of the operating system and the machine, as far as they are known: `ada@laptop`.
pub(crate) fn machine() -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    match Environment::of_process().account() {
        Some(account) => format!("{account}@{host}"),
        None => host,
    }
}

/// Says something beside the report, which programs do not read.
pub(crate) fn note(line: &str) {
    // Nobody is left to tell when this fails.
    let _ = writeln!(std::io::stderr(), "{line}");
}
