//! Machine clients: what the function that gives them tokens reads, and what administrators do.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{AttributeValue, KeysAndAttributes},
};
use token::{AccessAudiences, ClientId, Timestamp};

use crate::{
    AddressFailures, LastChange, MachineClient, MalformedRow, Operation, SourceAddress, StoreError,
    StoredSecret, TryId, UserTable,
    client_row::{self, AUDIENCES, CLIENT, SECRETS, client_address_key, client_key, no_client},
    row::{Row, instant, read_address, string},
    schema::{CHANGED_AT, CHANGED_BY, ENABLED, KEY},
    update::{Outcome, put, update},
};

/// What has to be known before a client gets a token.
#[derive(Debug)]
pub struct BeforeToken {
    /// The client of the id.
    pub client: Option<MachineClient>,
    /// The wrong secrets from the address.
    pub from_address: AddressFailures,
}

/// Every machine client, and how many rows of one cannot be read.
#[derive(Debug, Default)]
pub struct MachineClients {
    /// Those that can, by name.
    pub clients: Vec<MachineClient>,
    /// The rows that cannot.
    pub unreadable: usize,
}

/// Why a client was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ClientChangeError {
    /// No client has the id.
    #[error("there is no client of this id")]
    NoSuchClient,
    /// Somebody else changed its secrets since they were read.
    #[error("its secrets were changed by somebody else at the same time")]
    ChangedMeanwhile,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserTable {
    /// Opens the connection, for a role that may read clients: half a read unit for a row that is never there.
    pub async fn connect_for_clients(&self) -> Result<(), StoreError> {
        self.batch(vec![no_client()], false).await.map(drop)
    }

    /// The client of this id, and the wrong secrets from this address: one strongly consistent `BatchGetItem`.
    pub async fn for_token(
        &self,
        client: Option<ClientId>,
        address: Option<&SourceAddress>,
        now: Timestamp,
    ) -> Result<BeforeToken, StoreError> {
        let (client, address) = (client.map_or_else(no_client, client_key), address.map(client_address_key));
        let keys = [client.clone()].into_iter().chain(address.clone()).collect();
        let rows = self.batch(keys, true).await?;
        let row = |key: AttributeValue| rows.iter().find(|row| row.get(KEY) == Some(&key));
        let from_address = read_address(address.and_then(row), now)?;
        Ok(BeforeToken { client: row(client).map(client_row::read).transpose()?, from_address })
    }

    async fn batch(&self, keys: Vec<AttributeValue>, consistent: bool) -> Result<Vec<Row>, StoreError> {
        let keys = keys.into_iter().map(|key| HashMap::from([(KEY.to_owned(), key)])).collect();
        let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build();
        let wanted = wanted.map_err(|error| StoreError::unbuilt(Operation::BatchGetItem, error))?;
        self.batch_get(wanted).await
    }

    /// Counts a wrong secret from this address, whichever client's it was not.
    pub async fn record_wrong_secret_from(
        &self,
        address: &SourceAddress,
        id: &TryId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.count_failure_from(client_address_key(address), id, now).await
    }

    /// The client of this id.
    pub async fn find_client(&self, id: ClientId) -> Result<Option<MachineClient>, StoreError> {
        let request = self.client.get_item().table_name(&*self.name).key(KEY, client_key(id));
        let answer = request.consistent_read(true).send().await;
        let row = answer.map_err(|error| StoreError::unavailable(Operation::GetItem, error))?.item;
        Ok(row.as_ref().map(client_row::read).transpose()?)
    }

    /// Every client. Reads the whole table, page by page.
    pub async fn clients(&self) -> Result<MachineClients, StoreError> {
        let (mut found, mut start) = (MachineClients::default(), None);
        loop {
            let page = self
                .client
                .scan()
                .table_name(&*self.name)
                .filter_expression("begins_with(#pk, :client)")
                .expression_attribute_names("#pk", KEY)
                .expression_attribute_values(":client", string(CLIENT))
                .set_exclusive_start_key(start)
                .send()
                .await
                .map_err(|error| StoreError::unavailable(Operation::Scan, error))?;
            for read in page.items().iter().map(client_row::read) {
                match read {
                    Ok(client) => found.clients.push(client),
                    Err(MalformedRow { .. }) => found.unreadable += 1,
                }
            }
            start = page.last_evaluated_key;
            if start.is_none() {
                found.clients.sort_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
                return Ok(found);
            }
        }
    }

    /// Creates a client. Its id is random, so that none is ever overwritten.
    pub async fn create_client(&self, client: &MachineClient) -> Result<(), StoreError> {
        let row = self
            .client
            .put_item()
            .table_name(&*self.name)
            .set_item(Some(client_row::write(client)))
            .item(KEY, client_key(client.id))
            .condition_expression("attribute_not_exists(#pk)")
            .expression_attribute_names("#pk", KEY);
        let row = match &self.administrator {
            Some(LastChange { at, by }) => row.item(CHANGED_AT, instant(*at)).item(CHANGED_BY, string(by)),
            None => row,
        };
        // A row that is there is this one: an answer was lost.
        let Err(error) = put(row).await else { return Ok(()) };
        let found = self.find_client(client.id).await;
        found.ok().flatten().map(drop).ok_or(error)
    }

    /// Replaces the secrets `before` by those of `after`, if nobody has changed them and no newer version has added one.
    pub async fn set_client_secrets(
        &self,
        id: ClientId,
        before: &[StoredSecret],
        after: &[StoredSecret],
    ) -> Result<(), ClientChangeError> {
        let set = self
            .change_client(id, "SET #secrets = :after", "#secrets IN (:before, :after)")
            .expression_attribute_names("#secrets", SECRETS)
            .expression_attribute_values(":before", client_row::secrets(before))
            .expression_attribute_values(":after", client_row::secrets(after));
        match update(set).await {
            Ok(Outcome::Done(_)) => Ok(()),
            Ok(Outcome::Rejected(Some(_))) => Err(ClientChangeError::ChangedMeanwhile),
            Ok(Outcome::Rejected(None)) => Err(ClientChangeError::NoSuchClient),
            // If the answer alone was lost, the new secret is in force, and this is the last chance to say what it is.
            Err(error) => match self.find_client(id).await {
                Ok(Some(client)) if client.secrets == after => Ok(()),
                _ => Err(error.into()),
            },
        }
    }

    /// Whether the client gets tokens.
    pub async fn set_client_enabled(&self, id: ClientId, enabled: bool) -> Result<(), ClientChangeError> {
        let set = self
            .change_client(id, "SET #enabled = :enabled", "attribute_exists(#pk)")
            .expression_attribute_names("#pk", KEY)
            .expression_attribute_names("#enabled", ENABLED)
            .expression_attribute_values(":enabled", AttributeValue::Bool(enabled));
        done(set).await
    }

    /// Replaces what the client's tokens may be for.
    pub async fn set_client_audiences(
        &self,
        id: ClientId,
        audiences: &AccessAudiences,
    ) -> Result<(), ClientChangeError> {
        let set = self
            .change_client(id, "SET #audiences = :audiences", "attribute_exists(#pk)")
            .expression_attribute_names("#pk", KEY)
            .expression_attribute_names("#audiences", AUDIENCES)
            .expression_attribute_values(":audiences", string(audiences));
        done(set).await
    }

    /// Removes the client for good; nobody gets its id again.
    pub async fn delete_client(&self, id: ClientId) -> Result<(), StoreError> {
        let delete = self.client.delete_item().table_name(&*self.name).key(KEY, client_key(id));
        let deleted = delete.send().await.map(drop);
        deleted.map_err(|error| StoreError::unavailable(Operation::DeleteItem, error))
    }

    /// A change of a client, with the administrator's name, if there is one.
    fn change_client(&self, id: ClientId, expression: &str, condition: &str) -> UpdateItemFluentBuilder {
        self.update_in_the_name(self.update_item(client_key(id)).condition_expression(condition), expression)
    }
}

async fn done(change: UpdateItemFluentBuilder) -> Result<(), ClientChangeError> {
    match update(change).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Rejected(_) => Err(ClientChangeError::NoSuchClient),
    }
}
