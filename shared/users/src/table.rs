use std::{collections::HashMap, sync::Arc};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{
        AttributeDefinition, AttributeValue, BillingMode, KeySchemaElement, KeyType, KeysAndAttributes,
        ScalarAttributeType, StreamSpecification, TimeToLiveSpecification,
    },
};
use token::{Timestamp, UserId};

use crate::{
    Account, AddressFailures, Attempts, LastChange, Operation, SourceAddress, StoreError, User, Username,
    row::{
        Row, address_key, name_mark, read_account, read_address, read_attempts, read_user, string, user_key,
    },
    schema::{
        ATTEMPTS, CLAIMS, ENABLED, EXPIRES_AT, FAILURES, KEY, LAST_FAILURE, PASSWORD_HASH, USER_ID, USERNAME,
    },
};

/// What a login reads of its rows. Not the sessions: the time that they take would tell who has many.
const BEFORE_LOGIN: [&str; 9] =
    [KEY, USER_ID, USERNAME, ENABLED, PASSWORD_HASH, CLAIMS, FAILURES, LAST_FAILURE, EXPIRES_AT];

/// The table of users and of failed logins. Cloning it is cheap.
///
/// How long a call may take and how often it is tried again is the client's to say.
#[derive(Clone, Debug)]
pub struct UserTable {
    pub(crate) client: Client,
    pub(crate) name: Arc<str>,
    /// Who changes users, and when; none for the functions, who are not asked.
    pub(crate) administrator: Option<LastChange>,
    /// Whose rows are changed; anybody's where the name alone is meant.
    pub(crate) only: Option<UserId>,
}

/// What a login has to know first.
#[derive(Clone, Debug)]
pub struct BeforeLogin {
    /// The user of the name.
    pub user: Option<Account>,
    /// The failed logins under it.
    pub attempts: Attempts,
    /// The failed logins from the address.
    pub from_address: AddressFailures,
}

impl UserTable {
    /// The table of this name.
    pub fn new(client: Client, name: &str) -> Self {
        Self { client, name: name.into(), administrator: None, only: None }
    }

    /// Another table that the same client reaches.
    #[must_use]
    pub fn named(&self, name: &str) -> Self {
        Self { name: name.into(), ..self.clone() }
    }

    /// This table, in which administrators change nobody but this user: a name may be another's by now.
    #[must_use]
    pub fn only(&self, user: UserId) -> Self {
        Self { only: Some(user), ..self.clone() }
    }

    /// This table, in whose rows each change of an administrator bears their name and the time.
    #[must_use]
    pub fn in_the_name_of(self, administrator: LastChange) -> Self {
        Self { administrator: Some(administrator), ..self }
    }

    /// Opens the connection, for a role that may `GetItem`: half a read unit for a row that is never there.
    pub async fn connect(&self) -> Result<(), StoreError> {
        let request = self.client.get_item().table_name(&*self.name).key(KEY, nobody());
        let answer = request.send().await;
        answer.map(drop).map_err(|error| StoreError::unavailable(Operation::GetItem, error))
    }

    /// Opens the connection, for a role that may `BatchGetItem`: half a read unit for a row that is never there.
    pub async fn connect_for_login(&self) -> Result<(), StoreError> {
        let wanted = KeysAndAttributes::builder().keys(HashMap::from([(KEY.to_owned(), nobody())]));
        let wanted = wanted.build().map_err(|error| StoreError::unbuilt(Operation::BatchGetItem, error))?;
        let request = self.client.batch_get_item().request_items(&*self.name, wanted);
        let answer = request.send().await;
        answer.map(drop).map_err(|error| StoreError::unavailable(Operation::BatchGetItem, error))
    }

    /// The user of this name, as of every write that has returned: one strongly consistent `GetItem`.
    pub async fn find(&self, username: &Username) -> Result<Option<User>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&*self.name)
            .key(KEY, user_key(username))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::unavailable(Operation::GetItem, error))?;
        Ok(answer.item.map(|row| read_user(&row, username)).transpose()?)
    }

    /// The user of this name and the failed logins under it and from this address: one strongly consistent
    /// `BatchGetItem` of the same attributes for every name, whatever sessions it has.
    pub async fn for_login(
        &self,
        username: &Username,
        address: Option<&SourceAddress>,
        now: Timestamp,
    ) -> Result<BeforeLogin, StoreError> {
        let keys = [user_key(username), string(&self.attempts_key(username))]
            .into_iter()
            .chain(address.map(address_key));
        let wanted = KeysAndAttributes::builder()
            .set_keys(Some(keys.map(|key| HashMap::from([(KEY.to_owned(), key)])).collect()))
            .projection_expression(BEFORE_LOGIN.map(|name| format!("#{name}")).join(", "))
            .set_expression_attribute_names(Some(
                BEFORE_LOGIN.map(|name| (format!("#{name}"), name.to_owned())).into(),
            ))
            .consistent_read(true)
            .build()
            .map_err(|error| StoreError::unbuilt(Operation::BatchGetItem, error))?;
        let rows = self.batch_get(wanted).await?.into_iter().filter_map(|row| match row.get(KEY) {
            Some(AttributeValue::S(key)) => Some((key.clone(), row)),
            _ => None,
        });
        self.read_all(&rows.collect(), username, address, now)
    }

    /// The rows of these keys. What `DynamoDB` leaves unprocessed is asked for once more.
    pub(crate) async fn batch_get(&self, wanted: KeysAndAttributes) -> Result<Vec<Row>, StoreError> {
        self.batch_get_of(HashMap::from([(self.name.to_string(), wanted)])).await
    }

    /// The rows of these keys, in one call for several tables. Asks once more for what `DynamoDB` leaves unprocessed.
    pub(crate) async fn batch_get_of(
        &self,
        wanted: HashMap<String, KeysAndAttributes>,
    ) -> Result<Vec<Row>, StoreError> {
        let (mut rows, mut unread) = (Vec::new(), wanted);
        for _ in 0..2 {
            let request = self.client.batch_get_item().set_request_items(Some(unread));
            let answer = request
                .send()
                .await
                .map_err(|error| StoreError::unavailable(Operation::BatchGetItem, error))?;
            rows.extend(answer.responses.into_iter().flat_map(HashMap::into_values).flatten());
            unread = answer.unprocessed_keys.unwrap_or_default();
            if unread.is_empty() {
                return Ok(rows);
            }
        }
        Err(StoreError::Unprocessed)
    }

    /// Makes the table unless there is one, for the local server and for tests.
    ///
    /// It is not waited for: the embedded server's and `DynamoDB` local's tables are there at once, AWS's are not.
    pub async fn create_table(&self) -> Result<(), StoreError> {
        create_table(&self.client, &self.name, None).await
    }

    /// The key of the failed logins under a name: what stands for it, for nobody knows what was typed there.
    pub fn attempts_key(&self, username: &Username) -> String {
        format!("{ATTEMPTS}{}", name_mark(&self.name, username))
    }

    fn read_all(
        &self,
        rows: &HashMap<String, Row>,
        username: &Username,
        address: Option<&SourceAddress>,
        now: Timestamp,
    ) -> Result<BeforeLogin, StoreError> {
        let row = |key| match key {
            AttributeValue::S(key) => rows.get(&key),
            _ => None,
        };
        let user = row(user_key(username)).map(|row| read_account(row, username)).transpose()?;
        let attempts = read_attempts(rows.get(&self.attempts_key(username)), now)?;
        let from_address = read_address(address.and_then(|address| row(address_key(address))), now)?;
        Ok(BeforeLogin { user, attempts, from_address })
    }

    pub(crate) fn update_item(&self, key: AttributeValue) -> UpdateItemFluentBuilder {
        self.client.update_item().table_name(&*self.name).key(KEY, key)
    }
}

/// Makes a table by `pk`, whose rows expire, unless there is one.
pub(crate) async fn create_table(
    client: &Client,
    name: &str,
    stream: Option<StreamSpecification>,
) -> Result<(), StoreError> {
    let unbuilt = |error| StoreError::unbuilt(Operation::CreateTable, error);
    let key = KeySchemaElement::builder().attribute_name(KEY).key_type(KeyType::Hash);
    let attribute = AttributeDefinition::builder().attribute_name(KEY).attribute_type(ScalarAttributeType::S);
    let created = client
        .create_table()
        .table_name(name)
        .key_schema(key.build().map_err(unbuilt)?)
        .attribute_definitions(attribute.build().map_err(unbuilt)?)
        .billing_mode(BillingMode::PayPerRequest)
        .set_stream_specification(stream)
        .send()
        .await;
    match created {
        Ok(_) => set_time_to_live(client, name).await,
        Err(SdkError::ServiceError(error)) if error.err().is_resource_in_use_exception() => Ok(()),
        Err(error) => Err(StoreError::unavailable(Operation::CreateTable, error)),
    }
}

async fn set_time_to_live(client: &Client, name: &str) -> Result<(), StoreError> {
    let specification = TimeToLiveSpecification::builder().attribute_name(EXPIRES_AT).enabled(true);
    let specification =
        specification.build().map_err(|error| StoreError::unbuilt(Operation::UpdateTimeToLive, error))?;
    let request = client.update_time_to_live().table_name(name).time_to_live_specification(specification);
    let set = request.send().await.map(drop);
    set.map_err(|error| StoreError::unavailable(Operation::UpdateTimeToLive, error))
}

/// A key that no row has: all have a prefix.
fn nobody() -> AttributeValue {
    AttributeValue::S("nobody".to_owned())
}
