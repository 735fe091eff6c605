use std::sync::{Arc, Mutex};

use aws_sdk_dynamodb::{
    config::{
        ConfigBag, Intercept, RuntimeComponents,
        interceptors::{BeforeDeserializationInterceptorContextMut, BeforeTransmitInterceptorContextMut},
    },
    error::BoxError,
};
use aws_smithy_runtime_api::{client::orchestrator::HttpResponse, http::StatusCode};
use aws_smithy_types::{
    body::SdkBody,
    config_bag::{Storable, StoreReplace},
};

/// What DynamoDB is documented to do, and the embedded store never does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A write is made, and its response is lost.
    LostResponse,
    /// From the first write on every response is lost, of reads too.
    LostFromTheFirstWriteOn,
    /// A write meets another one and is not made: `TransactionConflictException`, or a canceled transaction.
    Conflict,
    /// A transaction meets its own first attempt and is not made; other writes are.
    InProgress,
    /// After so many calls none is made any more, as if the process had ended there.
    Outage,
}

/// The faults of the next calls. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Option<Plan>>>);

#[derive(Clone, Copy, Debug)]
struct Plan {
    fault: Fault,
    times: usize,
    write_seen: bool,
}

/// The response that one attempt gets in place of its own.
#[derive(Clone, Debug)]
struct Replacement(Option<(u16, &'static str)>);

impl Storable for Replacement {
    type Storer = StoreReplace<Self>;
}

const LOST: (u16, &str) = (500, r#"{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError"}"#);
const CONFLICT: (u16, &str) =
    (400, r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionConflictException"}"#);
const CANCELED: (u16, &str) = (
    400,
    r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","CancellationReasons":[{"Code":"None"},{"Code":"TransactionConflict"}]}"#,
);
const IN_PROGRESS: (u16, &str) =
    (400, r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionInProgressException"}"#);

impl Faults {
    /// The next `times` writes meet this fault.
    pub fn set(&self, fault: Fault, times: usize) {
        *self.0.lock().unwrap() = Some(Plan { fault, times, write_seen: false });
    }

    /// All is well again.
    pub fn clear(&self) {
        *self.0.lock().unwrap() = None;
    }

    /// The response that this attempt gets, and whether it is made all the same.
    fn next(&self, operation: &str) -> Option<((u16, &'static str), bool)> {
        let mut plan = self.0.lock().unwrap();
        let plan = plan.as_mut()?;
        let is_write = matches!(operation, "UpdateItem" | "PutItem" | "DeleteItem" | "TransactWriteItems");
        plan.write_seen |= is_write;
        if plan.fault == Fault::Outage {
            let made = plan.times > 0;
            plan.times = plan.times.saturating_sub(1);
            return (!made).then_some((LOST, false));
        }
        let is_transaction = operation == "TransactWriteItems";
        let met = match plan.fault {
            Fault::LostResponse | Fault::Conflict => is_write,
            Fault::LostFromTheFirstWriteOn => plan.write_seen,
            Fault::InProgress => is_transaction,
            Fault::Outage => false,
        };
        if !met || plan.times == 0 {
            return None;
        }
        plan.times -= 1;
        Some(match plan.fault {
            Fault::LostResponse | Fault::LostFromTheFirstWriteOn => (LOST, true),
            Fault::Conflict if is_transaction => (CANCELED, false),
            Fault::Conflict => (CONFLICT, false),
            Fault::InProgress | Fault::Outage => (IN_PROGRESS, false),
        })
    }
}

impl Intercept for Faults {
    fn name(&self) -> &'static str {
        "Faults"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let fault = self.next(target.trim_start_matches("DynamoDB_20120810."));
        if let Some((_, false)) = fault {
            // Nothing may be written: the store gets a call that changes nothing.
            request.headers_mut().insert("x-amz-target", "DynamoDB_20120810.ListTables");
            request.headers_mut().insert("content-length", "2");
            *request.body_mut() = SdkBody::from("{}");
        }
        config.interceptor_state().store_put(Replacement(fault.map(|(response, _)| response)));
        Ok(())
    }

    fn modify_before_deserialization(
        &self,
        context: &mut BeforeDeserializationInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Replacement(Some((status, body)))) = config.load::<Replacement>() {
            *context.response_mut() = HttpResponse::new(StatusCode::try_from(*status)?, SdkBody::from(*body));
        }
        Ok(())
    }
}
