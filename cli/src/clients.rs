//! `latchkey client …`

use serde_json::{Map, Value, json};
use token::{AccessAudience, AccessAudiences, ClientId, Seconds, Timestamp};
use users::{
    ChangeLog, ClientChangeError, ClientSecret, MachineClient, MachineClients, StoreError, StoredSecret,
    UserTable,
};

use crate::{
    CliError, ClientCommand, CreateClient, DeleteClient, OneClient, Report, SetAudiences, StoreOptions,
    Terminal, client_rotation,
    client_rotation::new_secret,
    invocation::{Invocation, Work},
    store,
    store::Changing,
    table::{Table, printable},
    terminal::confirm,
    users_command::{last_change, status},
};

pub(crate) async fn run(
    command: ClientCommand,
    terminal: &mut impl Terminal,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    match command {
        ClientCommand::Create(options) => create(&options, invocation).await,
        ClientCommand::List(options) => list(&options, invocation).await,
        ClientCommand::Rotate(options) => client_rotation::rotate(&options, invocation).await,
        ClientCommand::SetAudiences(options) => set_audiences(&options, invocation).await,
        ClientCommand::Disable(client) => {
            let disable = async |users: &UserTable, id| users.set_client_enabled(id, false).await;
            change(&client, invocation, json!({ "client": client.id.to_string() }), disable).await?;
            let sentence = "gets no more tokens; those that it has stay good until they expire";
            Ok(changed(client.id, "disabled", sentence))
        }
        ClientCommand::Enable(client) => {
            let enable = async |users: &UserTable, id| users.set_client_enabled(id, true).await;
            change(&client, invocation, json!({ "client": client.id.to_string() }), enable).await?;
            Ok(changed(client.id, "enabled", "gets tokens again"))
        }
        ClientCommand::Delete(options) => delete(&options, terminal, invocation).await,
    }
}

async fn create(options: &CreateClient, invocation: &Invocation) -> Result<Report, CliError> {
    let audiences = options.audiences.all()?;
    let Changing { users, recorder } = store::open_to_change(&options.store, invocation).await?;
    let (secret, stored) = new_secret(&[], invocation.now)?;
    let client = MachineClient {
        id: ClientId::new(edge::random::entropy()?),
        name: options.name.as_str().to_owned(),
        enabled: true,
        audiences,
        secrets: vec![stored],
        created_at: invocation.now,
        last_change: None,
    };
    let what = json!({
        "client": client.id.to_string(), "secret": secret.id().as_str(), "audiences": client.audiences.to_string(),
    });
    let create = async |_: Option<&ChangeLog>| Ok(users.create_client(&client).await.map(Work::done)?);
    recorder.record(None, Some(what), create).await?;
    let MachineClient { id, name, audiences, .. } = &client;
    let text = format!(
        "The client {} is created.\n{}The client may get tokens for {audiences}. The service grants only what its ACCESS_TOKEN_AUDIENCES also lists.\n",
        printable(name),
        shown_once(*id, &secret),
    );
    let json = json!({
        "client_id": id.to_string(),
        "client_secret": secret.expose(),
        "name": name,
        "audiences": audiences_to_json(audiences),
    });
    Ok(Report::new(text, json))
}

/// What a client is set up with, for the one time that its secret is shown.
pub(crate) fn shown_once(id: ClientId, secret: &ClientSecret) -> String {
    let mut table = Table::indented();
    table.push(&["client_id".to_owned(), id.to_string()]);
    table.push(&["client_secret".to_owned(), secret.expose().to_owned()]);
    format!(
        "\n{table}\nThe secret cannot be shown again. Keep it where the client finds it, and nowhere else.\n"
    )
}

async fn list(options: &StoreOptions, invocation: &Invocation) -> Result<Report, CliError> {
    let MachineClients { clients, unreadable } = store::open(options, invocation).await?.clients().await?;
    let mut table = Table::titled(["CLIENT", "NAME", "STATUS", "SECRETS", "CHANGED", "AUDIENCES"]);
    for client in &clients {
        table.push(&[
            client.id.to_string(),
            client.name.clone(),
            status(client.enabled).to_owned(),
            secrets(client, invocation.now),
            last_change(client.last_change.as_ref()),
            client.audiences.to_string(),
        ]);
    }
    let mut text = if clients.is_empty() { "There is no client.\n".to_owned() } else { table.to_string() };
    if unreadable > 0 {
        text = format!("{text}Left out: {unreadable} rows that cannot be read.\n");
    }
    let clients: Vec<Value> = clients.iter().map(to_json).collect();
    Ok(Report::new(text, json!({ "clients": clients, "unreadable": unreadable })))
}

/// Each secret by its id, with its age in the largest unit, the oldest first.
pub(crate) fn secrets(client: &MachineClient, now: Timestamp) -> String {
    let secret = |secret: &StoredSecret| {
        let age = now.time_left(secret.created_at).get();
        let unit = [86_400, 3600, 60].into_iter().find(|unit| *unit <= age).unwrap_or(1);
        format!("{} ({})", secret.id, Seconds::new(age - age % unit))
    };
    let secrets: Vec<String> = client.secrets.iter().map(secret).collect();
    if secrets.is_empty() { "none".to_owned() } else { secrets.join(", ") }
}

async fn set_audiences(options: &SetAudiences, invocation: &Invocation) -> Result<Report, CliError> {
    let audiences = options.audiences.all()?;
    let id = options.client.id;
    let what = json!({ "client": id.to_string(), "audiences": audiences.to_string() });
    let set = async |users: &UserTable, id| users.set_client_audiences(id, &audiences).await;
    change(&options.client, invocation, what, set).await?;
    let text = format!("New tokens of {id} are for {audiences}.\n");
    let json = json!({
        "client_id": id.to_string(), "change": "audiences_set", "audiences": audiences_to_json(&audiences),
    });
    Ok(Report::new(text, json))
}

async fn delete(
    options: &DeleteClient,
    terminal: &mut impl Terminal,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let OneClient { id, store } = &options.client;
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    let name = known(&users, *id).await?.map(|client| printable(&client.name));
    if !options.yes {
        let whom = name.map_or_else(|| id.to_string(), |name| format!("{name} ({id})"));
        confirm(terminal, &format!("Delete {whom} for good?"), "say --yes to delete without being asked")?;
    }
    let delete = async |_: Option<&ChangeLog>| Ok(users.delete_client(*id).await.map(Work::done)?);
    recorder.record(None, Some(json!({ "client": id.to_string() })), delete).await?;
    Ok(changed(*id, "deleted", "is deleted; the tokens that it has stay good until they expire"))
}

/// Makes a change of one client, and writes it down.
async fn change(
    OneClient { id, store }: &OneClient,
    invocation: &Invocation,
    what: Value,
    work: impl AsyncFnOnce(&UserTable, ClientId) -> Result<(), ClientChangeError>,
) -> Result<(), CliError> {
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    known(&users, *id).await?;
    let work = async |_: Option<&ChangeLog>| {
        let changed = work(&users, *id).await.map(Work::done);
        changed.map_err(|error| CliError::of_client_change(error, *id))
    };
    recorder.record(None, Some(what), work).await
}

/// The client of this id, which is there; none where its row cannot be read, which must not keep anybody from disabling
/// or deleting it.
async fn known(users: &UserTable, id: ClientId) -> Result<Option<MachineClient>, CliError> {
    match users.find_client(id).await {
        Ok(Some(client)) => Ok(Some(client)),
        Ok(None) => Err(CliError::NoSuchClient(id)),
        Err(StoreError::Malformed(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What is said of a change of one client.
fn changed(id: ClientId, change: &str, sentence: &str) -> Report {
    let json = json!({ "client_id": id.to_string(), "change": change });
    Report::new(format!("{id} {sentence}.\n"), json)
}

fn to_json(client: &MachineClient) -> Value {
    let secret =
        |secret: &StoredSecret| json!({ "secret_id": secret.id.as_str(), "created_at": secret.created_at });
    json!({
        "client_id": client.id.to_string(),
        "name": client.name,
        "enabled": client.enabled,
        "audiences": audiences_to_json(&client.audiences),
        "secrets": client.secrets.iter().map(secret).collect::<Vec<_>>(),
        "created_at": client.created_at,
        "changed_at": client.last_change.as_ref().map(|change| change.at),
        "changed_by": client.last_change.as_ref().map(|change| &*change.by),
    })
}

/// Each audience with a list of its scopes.
fn audiences_to_json(audiences: &AccessAudiences) -> Value {
    let member = |AccessAudience { name, scopes }: &AccessAudience| {
        (name.as_str().to_owned(), scopes.iter().map(Value::from).collect::<Value>())
    };
    audiences.iter().map(member).collect::<Map<_, _>>().into()
}
