//! Conditional writes, sent until `DynamoDB` has decided.

use aws_sdk_dynamodb::{
    Client,
    error::BuildError,
    operation::{
        delete_item::{DeleteItemError, builders::DeleteItemFluentBuilder},
        put_item::{PutItemError, builders::PutItemFluentBuilder},
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{self, ReturnValuesOnConditionCheckFailure, TransactWriteItem},
};

use crate::{Operation, StoreError, row::Row};

/// How often a write is sent again because another write of its row was under way.
const MAX_ATTEMPTS: u32 = 20;

/// What became of a conditional write once no other write was in its way.
pub(crate) enum Outcome {
    /// The row as written, if the write asks for it.
    Done(Option<Row>),
    /// The condition did not hold for this row, or there is none.
    Rejected(Option<Row>),
}

/// What became of one attempt at a conditional write.
enum Update {
    Done(Option<Row>),
    Rejected(Option<Row>),
    /// Nothing was written: a transaction, or another write that meets this one, was under way.
    Conflict,
}

/// Makes the update.
pub(crate) async fn update(write: UpdateItemFluentBuilder) -> Result<Outcome, StoreError> {
    let write = write.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    settled(|| Update::item(write.clone())).await
}

/// Makes the update, whether or not its condition holds, and reads nothing of the row.
pub(crate) async fn update_unread(write: UpdateItemFluentBuilder) -> Result<(), StoreError> {
    settled(|| Update::item(write.clone())).await.map(drop)
}

/// Makes both updates or none, the condition being the first one's.
pub(crate) async fn update_both(
    client: &Client,
    first: &UpdateItemFluentBuilder,
    second: &UpdateItemFluentBuilder,
) -> Result<Outcome, StoreError> {
    let write = |update| {
        let update =
            part(update).map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
        Ok::<_, StoreError>(TransactWriteItem::builder().update(update).build())
    };
    let writes = vec![write(first)?, write(second)?];
    settled(|| Update::all(client, writes.clone())).await
}

/// Makes the update and these writes or none; the condition is the update's.
pub(crate) async fn update_with(
    client: &Client,
    first: &UpdateItemFluentBuilder,
    others: Vec<TransactWriteItem>,
) -> Result<Outcome, StoreError> {
    let first = part(first).map_err(|error| StoreError::unbuilt(Operation::TransactWriteItems, error))?;
    let first = TransactWriteItem::builder().update(first).build();
    transact(client, [first].into_iter().chain(others).collect()).await
}

/// Puts the row.
pub(crate) async fn put(write: PutItemFluentBuilder) -> Result<Outcome, StoreError> {
    let write = write.return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
    settled(|| Update::put(write.clone())).await
}

/// Makes these writes as a transaction: repeated by the client, it is known again, and its first outcome told.
pub(crate) async fn transact(client: &Client, writes: Vec<TransactWriteItem>) -> Result<Outcome, StoreError> {
    settled(|| Update::all(client, writes.clone())).await
}

/// Deletes the row.
pub(crate) async fn delete(write: DeleteItemFluentBuilder) -> Result<Outcome, StoreError> {
    settled(|| Update::delete(write.clone())).await
}

/// Makes attempts until one of them meets no other write.
async fn settled<A>(attempt: impl Fn() -> A) -> Result<Outcome, StoreError>
where
    A: Future<Output = Result<Update, StoreError>>,
{
    for _ in 0..MAX_ATTEMPTS {
        match attempt().await? {
            Update::Done(row) => return Ok(Outcome::Done(row)),
            Update::Rejected(row) => return Ok(Outcome::Rejected(row)),
            Update::Conflict => {}
        }
    }
    Err(StoreError::Contended { attempts: MAX_ATTEMPTS })
}

impl Update {
    async fn item(write: UpdateItemFluentBuilder) -> Result<Self, StoreError> {
        let error = match write.send().await {
            Ok(written) => return Ok(Self::Done(written.attributes)),
            Err(error) => error,
        };
        match error.as_service_error() {
            Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Self::Rejected(failed.item.clone()))
            }
            Some(UpdateItemError::TransactionConflictException(_)) => Ok(Self::Conflict),
            _ => Err(StoreError::unavailable(Operation::UpdateItem, error)),
        }
    }

    async fn put(write: PutItemFluentBuilder) -> Result<Self, StoreError> {
        let Err(error) = write.send().await else { return Ok(Self::Done(None)) };
        match error.as_service_error() {
            Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Self::Rejected(failed.item.clone()))
            }
            Some(PutItemError::TransactionConflictException(_)) => Ok(Self::Conflict),
            _ => Err(StoreError::unavailable(Operation::PutItem, error)),
        }
    }

    async fn delete(write: DeleteItemFluentBuilder) -> Result<Self, StoreError> {
        let Err(error) = write.send().await else { return Ok(Self::Done(None)) };
        match error.as_service_error() {
            Some(DeleteItemError::ConditionalCheckFailedException(failed)) => {
                Ok(Self::Rejected(failed.item.clone()))
            }
            Some(DeleteItemError::TransactionConflictException(_)) => Ok(Self::Conflict),
            _ => Err(StoreError::unavailable(Operation::DeleteItem, error)),
        }
    }

    async fn all(client: &Client, writes: Vec<TransactWriteItem>) -> Result<Self, StoreError> {
        let operation = Operation::TransactWriteItems;
        let sent = client.transact_write_items().set_transact_items(Some(writes)).send();
        let Err(error) = sent.await else { return Ok(Self::Done(None)) };
        match error.as_service_error() {
            // The first attempt goes on while the SDK, whose patience ended before, sends the second.
            Some(TransactWriteItemsError::TransactionInProgressException(_)) => Ok(Self::Conflict),
            Some(TransactWriteItemsError::TransactionCanceledException(canceled)) => {
                let reasons = canceled.cancellation_reasons();
                let failed = reasons.iter().find(|reason| reason.code() == Some("ConditionalCheckFailed"));
                if let Some(reason) = failed {
                    return Ok(Self::Rejected(reason.item.clone()));
                }
                if reasons.iter().any(|reason| reason.code() == Some("TransactionConflict")) {
                    return Ok(Self::Conflict);
                }
                Err(StoreError::unavailable(operation, error))
            }
            _ => Err(StoreError::unavailable(operation, error)),
        }
    }
}

/// An update as a part of a transaction.
fn part(update: &UpdateItemFluentBuilder) -> Result<types::Update, BuildError> {
    let input = update.as_input();
    types::Update::builder()
        .set_table_name(input.get_table_name().clone())
        .set_key(input.get_key().clone())
        .set_update_expression(input.get_update_expression().clone())
        .set_condition_expression(input.get_condition_expression().clone())
        .set_expression_attribute_names(input.get_expression_attribute_names().clone())
        .set_expression_attribute_values(input.get_expression_attribute_values().clone())
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
}
