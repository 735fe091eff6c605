use std::path::PathBuf;

use clap::{Args, Subcommand};
use edge::AccountLink;
use token::{CustomClaims, Seconds};
use users::{Locale, MailAddress, Username};

use crate::{OneUser, StoreOptions};

/// The shortest life of a link.
const SHORTEST: u64 = 60;
/// The longest life of an invitation.
const LONGEST_INVITATION: u64 = 7 * 86_400;
/// The longest life of a code for a new password: NIST SP 800-63B-4, section 4.2.1.
const LONGEST_RECOVERY: u64 = 86_400;

/// Where links lead to.
#[derive(Clone, Debug, Args)]
pub struct LinkOptions {
    /// The page that the link leads to [default: the environment variable `ACCOUNT_LINK`, or the local server's page]
    #[arg(long, value_name = "URL")]
    pub account_link: Option<AccountLink>,
}

/// `latchkey user invite`
#[derive(Clone, Debug, Args)]
pub struct InviteUsers {
    /// The name of the new user, which must not be taken
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub username: Option<Username>,
    /// Invite everybody in this file, or in standard input with -: JSON lines with `username`, and optionally `email`,
    /// `claims` and `locale`
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Print the link; nothing is sent
    #[arg(long, required_unless_present = "send")]
    pub print: bool,
    /// Send the link in a letter, where the stack sends letters
    #[arg(long, conflicts_with_all = ["print", "account_link"])]
    pub send: bool,
    /// Where the letter goes, and every later one [default: the name, where it is an address]
    #[arg(long, value_name = "ADDRESS", requires = "send", conflicts_with_all = ["file", "print"])]
    pub email: Option<MailAddress>,
    /// Claims that the user's tokens will carry: a JSON object; with --file, for lines that have none
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub claims: CustomClaims,
    /// The language to write to the user in, such as `de` or `pt-BR`; with --file, for lines that have none
    #[arg(long, value_name = "LANGUAGE")]
    pub locale: Option<Locale>,
    /// How long the link is valid: 1m to 7d
    #[arg(long, value_name = "DURATION", default_value = "3d", value_parser = for_invitation)]
    pub valid_for: Seconds,
    /// Where the link leads to.
    #[command(flatten)]
    pub link: LinkOptions,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey user recover`
#[derive(Clone, Debug, Args)]
pub struct RecoverUser {
    /// Who.
    #[command(flatten)]
    pub user: OneUser,
    /// How long the link is valid: 1m to 24h
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = for_recovery)]
    pub valid_for: Seconds,
    /// End the user's open link instead of making one
    #[arg(long, conflicts_with_all = ["valid_for", "account_link"])]
    pub withdraw: bool,
    /// Where the link leads to.
    #[command(flatten)]
    pub link: LinkOptions,
}

/// `latchkey user invitations …`
#[derive(Clone, Debug, Subcommand)]
pub enum InvitationsCommand {
    /// List the open invitations
    List(StoreOptions),
    /// End an invitation, so that its link no longer works
    Withdraw(OneUser),
}

fn for_invitation(text: &str) -> Result<Seconds, String> {
    duration(text, LONGEST_INVITATION, "7d")
}

fn for_recovery(text: &str) -> Result<Seconds, String> {
    duration(text, LONGEST_RECOVERY, "24h")
}

fn duration(text: &str, longest: u64, said: &str) -> Result<Seconds, String> {
    let duration: Seconds = text.parse().map_err(|error| format!("{error}"))?;
    if (SHORTEST..=longest).contains(&duration.get()) {
        Ok(duration)
    } else {
        Err(format!("must be 1m to {said}"))
    }
}
