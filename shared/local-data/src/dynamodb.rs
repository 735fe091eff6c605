use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use dynoxide::{Database, DynoxideError};
use serde::{Serialize, de::DeserializeOwned};

/// The operations that only read items: a connection of their own does not wait for a write.
const READS: [&str; 8] = [
    "GetItem",
    "BatchGetItem",
    "Query",
    "Scan",
    "TransactGetItems",
    "DescribeStream",
    "GetShardIterator",
    "GetRecords",
];

/// An embedded DynamoDB; clones share it.
///
/// It listens nowhere. Calls come from inside this process, or through a server that has asked who calls.
#[derive(Clone)]
pub struct DynamoDb(Arc<Connections>);

struct Connections {
    /// Writes, and everything on the first thread that asks.
    first: Database,
    /// One more for each other thread, as SQLite reads one row at a time on each; made when that thread first reads.
    readers: Vec<OnceLock<Database>>,
    file: PathBuf,
}

/// What DynamoDB says to one call.
#[derive(Debug)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// JSON.
    pub body: String,
}

impl DynamoDb {
    /// The one in `file`, made if it is not there; several processes may have it open.
    pub(crate) fn open(file: &Path, readers: usize) -> Result<Self, DynoxideError> {
        let first = Database::new(&file.to_string_lossy())?;
        // dynoxide's name for `PRAGMA synchronous = NORMAL`: SQLite waits for the disk when it moves its log into the file, and
        // not for each commit, which takes milliseconds. A killed process loses nothing, a power cut may lose the last writes.
        first.disable_bulk_loading()?;
        let readers = (0..readers).map(|_| OnceLock::new()).collect();
        Ok(Self(Arc::new(Connections { first, readers, file: file.to_owned() })))
    }

    /// One that is gone with the process.
    pub(crate) fn in_memory() -> Result<Self, DynoxideError> {
        let first = Database::memory()?;
        Ok(Self(Arc::new(Connections { first, readers: Vec::new(), file: PathBuf::new() })))
    }

    /// The reply to one call; `target` is its `X-Amz-Target` header.
    ///
    /// A write may wait for another process that has the file open, so it waits where it holds up nobody else.
    pub async fn reply(&self, target: &str, body: Vec<u8>) -> Reply {
        // A caller that never yields would run alone, however many there are.
        tokio::task::yield_now().await;
        let operation = target.rsplit('.').next().unwrap_or_default();
        if READS.contains(&operation) {
            return reply(self.0.reader(), operation, &body);
        }
        let (connections, operation) = (Arc::clone(&self.0), operation.to_owned());
        let written = tokio::task::spawn_blocking(move || reply(&connections.first, &operation, &body));
        written.await.unwrap_or_else(|_| failure(&internal("the embedded DynamoDB stopped")))
    }
}

impl fmt::Debug for DynamoDb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynamoDb({})", self.0.file.display())
    }
}

impl Connections {
    /// The connection of this thread.
    fn reader(&self) -> &Database {
        static THREADS: AtomicUsize = AtomicUsize::new(0);
        thread_local!(static THREAD: usize = THREADS.fetch_add(1, Ordering::Relaxed));
        let chosen = THREAD.with(|thread| thread % (self.readers.len() + 1)).checked_sub(1);
        let Some(reader) = chosen.and_then(|chosen| self.readers.get(chosen)) else { return &self.first };
        if let Some(open) = reader.get() {
            return open;
        }
        // One that cannot be opened is no reason to fail: the first one can read too.
        match Database::new(&self.file.to_string_lossy()) {
            Ok(opened) => reader.get_or_init(|| opened),
            Err(_) => &self.first,
        }
    }
}

/// Calls the method of the database that has the operation's name.
macro_rules! dispatch {
    ($operation:expr, $database:expr, $body:expr, { $($name:literal => $method:ident,)* }) => {
        match $operation {
            $($name => run($body, |request| $database.$method(request)),)*
            _ => return Reply {
                status: 400,
                body: r#"{"__type":"com.amazon.coral.service#UnknownOperationException"}"#.to_owned(),
            },
        }
    };
}

fn reply(database: &Database, operation: &str, body: &[u8]) -> Reply {
    let said = dispatch!(operation, database, body, {
        "GetItem" => get_item,
        "UpdateItem" => update_item,
        "BatchGetItem" => batch_get_item,
        "TransactWriteItems" => transact_write_items,
        "PutItem" => put_item,
        "DeleteItem" => delete_item,
        "Query" => query,
        "Scan" => scan,
        "TransactGetItems" => transact_get_items,
        "ListStreams" => list_streams,
        "DescribeStream" => describe_stream,
        "GetShardIterator" => get_shard_iterator,
        "GetRecords" => get_records,
        "BatchWriteItem" => batch_write_item,
        "CreateTable" => create_table,
        "DeleteTable" => delete_table,
        "DescribeTable" => describe_table,
        "ListTables" => list_tables,
        "UpdateTable" => update_table,
        "UpdateTimeToLive" => update_time_to_live,
        "DescribeTimeToLive" => describe_time_to_live,
        "ExecuteStatement" => execute_statement,
        "ExecuteTransaction" => execute_transaction,
        "BatchExecuteStatement" => batch_execute_statement,
        "TagResource" => tag_resource,
        "UntagResource" => untag_resource,
        "ListTagsOfResource" => list_tags_of_resource,
    });
    match said {
        Ok(body) => Reply { status: 200, body },
        Err(error) => failure(&error),
    }
}

fn run<Request: DeserializeOwned, Response: Serialize>(
    body: &[u8],
    call: impl FnOnce(Request) -> Result<Response, DynoxideError>,
) -> Result<String, DynoxideError> {
    let request = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    serde_json::to_string(&call(request)?).map_err(|error| internal(&error.to_string()))
}

/// What DynamoDB calls a request that cannot be read. dynoxide marks what it has classified itself.
fn unreadable(error: &serde_json::Error) -> DynoxideError {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    for mark in ["VALIDATION_REQUEST:", "VALIDATION_AS_READ:", "VALIDATION:"] {
        if let Some(reason) = text.strip_prefix(mark) {
            return DynoxideError::ValidationException(reason.to_owned());
        }
    }
    let reason = text.strip_prefix("SERIALIZATION_AS_READ:").or_else(|| text.strip_prefix("SERIALIZATION:"));
    DynoxideError::SerializationException(reason.unwrap_or(text).to_owned())
}

fn internal(reason: &str) -> DynoxideError {
    DynoxideError::InternalServerError(reason.to_owned())
}

fn failure(error: &DynoxideError) -> Reply {
    Reply { status: error.status_code(), body: error.to_json() }
}

#[cfg(test)]
#[path = "dynamodb_tests.rs"]
mod tests;
