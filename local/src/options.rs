use std::{net::IpAddr, path::PathBuf};

use clap::Parser;
use token::{Seconds, SessionPolicy};

use crate::demo;

/// Serves login and refresh on this machine, with an embedded DynamoDB and a demo user.
#[derive(Clone, Debug, Parser)]
#[command(name = "local", version)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Options {
    /// The port: 3000, or 4566 with --aws-only
    #[arg(long)]
    pub port: Option<u16>,
    /// The folder for the users and the signing key
    #[arg(long, default_value = ".latchkey", value_name = "FOLDER")]
    pub data: PathBuf,
    /// Start over: forget the users and the signing key of the folder
    #[arg(long)]
    pub fresh: bool,
    /// How long a token lives: 90s, 15m, 1h, 2d
    #[arg(long, default_value_t = SessionPolicy::DEFAULT_EXPIRATION, value_name = "DURATION")]
    pub expiration: Seconds,
    /// For how long after the login tokens can be refreshed
    #[arg(long, default_value_t = SessionPolicy::DEFAULT_REFRESH_EXPIRATION, value_name = "DURATION")]
    pub refresh_expiration: Seconds,
    /// Hand tokens out and take them as the cookie __Host-latchkey too
    #[arg(long)]
    pub cookie: bool,
    /// `SameSite` of that cookie: Strict, Lax, or None for pages of another site, over HTTPS alone
    #[arg(long, value_name = "VALUE", default_value = "Strict", requires = "cookie")]
    pub cookie_same_site: String,
    /// Serve HTTPS, with a certificate of its own: what to trust is `https-authority.pem` in the data folder
    #[arg(long)]
    pub https: bool,
    /// Audiences of access tokens and their scopes, as in `ACCESS_TOKEN_AUDIENCES`; empty for no access tokens
    #[arg(long, value_name = "AUDIENCES", default_value = demo::ACCESS_AUDIENCES)]
    pub access_audiences: String,
    /// How long an access token lives: 15m unless --expiration is shorter
    #[arg(long, value_name = "DURATION")]
    pub access_expiration: Option<Seconds>,
    /// The page that codes of invitations and for new passwords lead to: the local page unless given; empty for no codes
    #[arg(long, value_name = "URL")]
    pub account_link: Option<String>,
    /// Write each letter into this folder too, as an .eml file; all letters are at /local/mail and on the page
    #[arg(long, value_name = "FOLDER")]
    pub mail_folder: Option<PathBuf>,
    /// The origin of pages that may call, as in `http://localhost:5173`; may be given more than once
    #[arg(long, value_name = "ORIGIN")]
    pub allow_origin: Vec<String>,
    /// Write the URL and what else a script needs to this file, as JSON, once the server answers
    #[arg(long, value_name = "PATH")]
    pub ready_file: Option<PathBuf>,
    /// Serve no API but the AWS around it, for functions that run elsewhere: DynamoDB and Secrets Manager on one address
    #[arg(long, conflicts_with_all = ["expiration", "refresh_expiration", "cookie", "cookie_same_site", "https", "allow_origin", "access_audiences", "access_expiration", "account_link", "mail_folder"])]
    pub aws_only: bool,
    /// The address of --aws-only; one that containers reach, such as Docker's 172.17.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", requires = "aws_only")]
    pub listen: IpAddr,
}
