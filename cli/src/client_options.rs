use clap::{Args, Subcommand};
use token::{AccessAudiences, AccessAudiencesError, ClientId};
use users::ClientName;

use crate::StoreOptions;

/// `latchkey client …`
#[derive(Clone, Debug, Subcommand)]
pub enum ClientCommand {
    /// Create a client and print its secret, which is shown only this once
    Create(CreateClient),
    /// List all clients
    List(StoreOptions),
    /// Make a second secret and print it; the first stays valid until --finish
    Rotate(RotateClient),
    /// Replace the audiences and scopes of a client's tokens
    SetAudiences(SetAudiences),
    /// Give a client no more tokens; those that it has stay good until they expire
    Disable(OneClient),
    /// Give a client tokens again
    Enable(OneClient),
    /// Delete a client for good; no other client gets its id
    Delete(DeleteClient),
}

/// One client and where to find it.
#[derive(Clone, Debug, Args)]
pub struct OneClient {
    /// The client's id, as `latchkey client list` names it
    pub id: ClientId,
    /// Where the clients are: beside the users.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// What a client's tokens may be for.
#[derive(Clone, Debug, Args)]
pub struct AudienceOptions {
    /// An audience and the scopes that the client may have there, such as `https://orders.example.com=orders:read`; may be
    /// given several times
    #[arg(long = "audience", value_name = "AUDIENCE=SCOPES", required = true)]
    pub audiences: Vec<AccessAudiences>,
}

impl AudienceOptions {
    /// All that were given, if each is given once.
    pub(crate) fn all(&self) -> Result<AccessAudiences, AccessAudiencesError> {
        let given: Vec<String> = self.audiences.iter().map(ToString::to_string).collect();
        given.join(";").parse()
    }
}

/// `latchkey client create`
#[derive(Clone, Debug, Args)]
pub struct CreateClient {
    /// What people call the client; its id is random
    pub name: ClientName,
    /// What its tokens may be for.
    #[command(flatten)]
    pub audiences: AudienceOptions,
    /// Where the clients are: beside the users.
    #[command(flatten)]
    pub store: StoreOptions,
}

/// `latchkey client rotate`
#[derive(Clone, Debug, Args)]
pub struct RotateClient {
    /// Which one.
    #[command(flatten)]
    pub client: OneClient,
    /// Make no secret; end all but the newest, once the client uses it everywhere
    #[arg(long, conflicts_with = "now")]
    pub finish: bool,
    /// End every other secret at once, such as one that has leaked
    #[arg(long)]
    pub now: bool,
    /// Replace the newest secret, if it was lost before anything used it
    #[arg(long, conflicts_with_all = ["now", "finish"])]
    pub replace_newest: bool,
}

/// `latchkey client set-audiences`
#[derive(Clone, Debug, Args)]
pub struct SetAudiences {
    /// Which one.
    #[command(flatten)]
    pub client: OneClient,
    /// What its tokens may be for.
    #[command(flatten)]
    pub audiences: AudienceOptions,
}

/// `latchkey client delete`
#[derive(Clone, Debug, Args)]
pub struct DeleteClient {
    /// Which one.
    #[command(flatten)]
    pub client: OneClient,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}
