use clap::{Args, Subcommand};
use edge::MailFrom;
use users::MailAddress;

use crate::StoreOptions;

/// `latchkey mail …`
#[derive(Clone, Debug, Subcommand)]
pub enum MailCommand {
    /// Check that SES may send for the stack, and to one address
    ///
    /// Exits with 1 when a check fails.
    Check(CheckMail),
    /// Send a test letter through the stack's own mailer, and say what became of it
    ///
    /// Exits with 1 when it was not sent.
    Test(TestMail),
}

/// `latchkey mail check`
#[derive(Clone, Debug, Args)]
pub struct CheckMail {
    /// Also look whether SES sends to this address, or suppresses it after a bounce or a complaint
    pub address: Option<MailAddress>,
    /// Who letters are from, as the stack's output `MailFrom` has it [default: the environment variable `MAIL_FROM`]
    #[arg(long, value_name = "SENDER")]
    pub from: Option<MailFrom>,
    /// Also check that this configuration set requires TLS [default: the environment variable `MAIL_CONFIGURATION_SET`]
    #[arg(long, value_name = "NAME")]
    pub configuration_set: Option<String>,
    /// Let SES send to the address again
    #[arg(long, requires = "address")]
    pub lift: bool,
    /// The AWS region
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The profile of AWS's configuration files
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// `latchkey mail test`
#[derive(Clone, Debug, Args)]
pub struct TestMail {
    /// Where the letter goes
    pub address: MailAddress,
    /// Where the users are.
    #[command(flatten)]
    pub store: StoreOptions,
}
