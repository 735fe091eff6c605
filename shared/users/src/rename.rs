use aws_sdk_dynamodb::{
    error::BuildError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{AttributeValue, Delete, Put, TransactWriteItem},
};

use crate::{
    LastChange, Operation, StoreError, UserTable, Username,
    row::{Row, instant, no_sessions, number, string, user_key},
    schema::{CHANGED_AT, CHANGED_BY, GENERATION, KEY, RESERVED, SESSIONS, USER_ID, USERNAME},
    transfer::is_reserved_for,
};

/// How often a user is read again because others changed the row meanwhile.
const MAX_ATTEMPTS: u32 = 5;

/// Why a user was not renamed.
#[derive(Debug, thiserror::Error)]
pub enum RenameError {
    /// Nobody has the name.
    #[error("there is no user of this name")]
    NoSuchUser,
    /// Somebody has the other name, or both are one.
    #[error("the other name is taken")]
    Taken,
    /// The table gave no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UserTable {
    /// Gives a user another name, in one transaction. They stay who they are: id, password, claims and all else.
    ///
    /// Their sessions end, because tokens find their user by name. The name before is free at once. A name that an
    /// import has reserved for this very user can be taken.
    pub async fn rename(&self, from: &Username, to: &Username) -> Result<(), RenameError> {
        for _ in 0..MAX_ATTEMPTS {
            let row = self.row(from).await?.ok_or(RenameError::NoSuchUser)?;
            let other = self.row(to).await?;
            if from == to || other.as_ref().is_some_and(|other| !is_reserved_for(other, &row)) {
                return Err(RenameError::Taken);
            }
            let unbuilt = |error| StoreError::unbuilt(Operation::TransactWriteItems, error);
            let put = self.put_under(to, &row, other.as_ref()).map_err(unbuilt)?;
            let delete = self.delete_as_read(from, &row).map_err(unbuilt)?;
            let sent = self.client.transact_write_items().transact_items(put).transact_items(delete).send();
            let Err(error) = sent.await else { return Ok(()) };
            // Somebody changed one of the two rows since it was read; the next reading says which.
            if !matches!(
                error.as_service_error(),
                Some(TransactWriteItemsError::TransactionCanceledException(_))
            ) {
                return Err(StoreError::unavailable(Operation::TransactWriteItems, error).into());
            }
        }
        Err(StoreError::Contended { attempts: MAX_ATTEMPTS }.into())
    }

    pub(crate) async fn row(&self, username: &Username) -> Result<Option<Row>, StoreError> {
        let request = self.client.get_item().table_name(&*self.name).key(KEY, user_key(username));
        let answer = request.consistent_read(true).send().await;
        Ok(answer.map_err(|error| StoreError::unavailable(Operation::GetItem, error))?.item)
    }

    fn put_under(
        &self,
        username: &Username,
        row: &Row,
        reserved: Option<&Row>,
    ) -> Result<TransactWriteItem, BuildError> {
        let mut item = row.clone();
        item.insert(KEY.to_owned(), user_key(username));
        item.insert(USERNAME.to_owned(), string(username));
        item.insert(SESSIONS.to_owned(), no_sessions());
        item.insert(GENERATION.to_owned(), number(generation(row) + 1));
        if let Some(LastChange { at, by }) = &self.administrator {
            item.insert(CHANGED_AT.to_owned(), instant(*at));
            item.insert(CHANGED_BY.to_owned(), string(by));
        }
        let put = Put::builder().table_name(&*self.name).set_item(Some(item));
        let put = match reserved.and_then(|row| row.get(USER_ID)) {
            None => {
                put.condition_expression("attribute_not_exists(#pk)").expression_attribute_names("#pk", KEY)
            }
            Some(id) => put
                .condition_expression("attribute_exists(#reserved) AND #id = :id")
                .expression_attribute_names("#reserved", RESERVED)
                .expression_attribute_names("#id", USER_ID)
                .expression_attribute_values(":id", id.clone()),
        };
        Ok(TransactWriteItem::builder().put(put.build()?).build())
    }

    /// Everything but the sessions has to be as it was read, also what a newer version has added.
    fn delete_as_read(&self, username: &Username, row: &Row) -> Result<TransactWriteItem, BuildError> {
        let mut delete = Delete::builder().table_name(&*self.name).key(KEY, user_key(username));
        let mut conditions = Vec::new();
        let read = row.iter().filter(|(name, _)| *name != SESSIONS);
        for (index, (name, value)) in read.enumerate() {
            conditions.push(format!("#a{index} = :a{index}"));
            delete = delete
                .expression_attribute_names(format!("#a{index}"), name)
                .expression_attribute_values(format!(":a{index}"), AttributeValue::clone(value));
        }
        let delete = delete.condition_expression(conditions.join(" AND ")).build()?;
        Ok(TransactWriteItem::builder().delete(delete).build())
    }
}

fn generation(row: &Row) -> u64 {
    match row.get(GENERATION) {
        Some(AttributeValue::N(generation)) => generation.parse().unwrap_or_default(),
        _ => 0,
    }
}
