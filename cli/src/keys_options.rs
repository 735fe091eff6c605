use std::path::PathBuf;

use clap::{Args, Subcommand};
use token::{Seconds, SessionPolicy};

/// `latchkey keys …`
#[derive(Clone, Debug, Subcommand)]
pub enum KeysCommand {
    /// Show which keys sign, will sign or only verify, and from or until when
    Status(KeysOptions),
    /// Add a new key, which signs when everybody knows it; nobody is logged out
    Rotate(RotateKeys),
    /// Take out a key that has leaked: what it signed is rejected within 10 minutes
    Retire(RetireKey),
}

/// `latchkey keys rotate`
#[derive(Clone, Debug, Args)]
pub struct RotateKeys {
    /// Where the keys are
    #[command(flatten)]
    pub keys: KeysOptions,
    /// With --local: the server's --expiration, which decides when the old key retires
    #[arg(long, default_value_t = SessionPolicy::DEFAULT_EXPIRATION, value_name = "DURATION", requires = "local")]
    pub expiration: Seconds,
}

/// `latchkey keys retire`
#[derive(Clone, Debug, Args)]
pub struct RetireKey {
    /// The key, as `latchkey keys status` names it
    #[arg(value_name = "KID", allow_hyphen_values = true)]
    pub key_id: String,
    /// At once: everyone with a token that it signed must log in again
    #[arg(long)]
    pub now: bool,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// Where the keys are
    #[command(flatten)]
    pub keys: KeysOptions,
}

/// Where the signing keys are: a secret of AWS, or the local server's file.
#[derive(Clone, Debug, Args)]
pub struct KeysOptions {
    /// The keys of the local server, in its data folder
    #[arg(
        long,
        value_name = "FOLDER",
        num_args = 0..=1,
        default_missing_value = ".latchkey",
        conflicts_with_all = ["secret", "public_keys_table", "table", "region", "profile"]
    )]
    pub local: Option<PathBuf>,
    /// The ARN or name of the secret [default: the environment variable `SIGNING_SECRET`]
    #[arg(long)]
    pub secret: Option<String>,
    /// The DynamoDB table of the public keys, to have a retired key out of it at once [default: the environment
    /// variable `PUBLIC_KEYS_TABLE`]
    #[arg(long, value_name = "TABLE")]
    pub public_keys_table: Option<String>,
    /// The DynamoDB table of the users, beside which changes are recorded [default: the environment variable `USERS_TABLE`]
    #[arg(long)]
    pub table: Option<String>,
    /// The AWS region [default: as for every AWS tool]
    #[arg(long)]
    pub region: Option<String>,
    /// The AWS profile [default: as for every AWS tool]
    #[arg(long)]
    pub profile: Option<String>,
}
