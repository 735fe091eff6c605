//! Letters on this machine: the mailer over the stream of the embedded DynamoDB, and an SES that keeps what it takes.

use std::{
    collections::VecDeque,
    fmt::{self, Write},
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws::AwsSettings;
use aws_sdk_sesv2::Client;
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use base64::{Engine, prelude::BASE64_STANDARD};
use edge::{Environment, SettingError};
use local_data::{DynamoDb, private_file};
use mailer::Mailer;
use serde_json::{Value, json};
use stand_ins::{SentLetter, Ses};
use token::Timestamp;
use users::{Deliveries, Outbox};

/// Who letters are from.
pub const MAIL_FROM: &str = "Latchkey <no-reply@latchkey.example>";
/// The domain of that, which SES sends for.
const DOMAIN: &str = "latchkey.example";
/// How many records the mailer gets at a time, as in template.yaml.
const BATCH: usize = 10;
/// How long it waits for something new.
const PAUSE: Duration = Duration::from_millis(200);
/// How long one batch may take.
const LIMIT: Duration = Duration::from_secs(8);

/// The SES of this process; clones share it.
#[derive(Clone)]
pub struct SesStandIn(Arc<Mutex<Ses>>);

/// Reads the stream of the outbox as Lambda does: in order, a batch at a time, and from the first failure on again.
pub struct OutboxStream {
    dynamodb: DynamoDb,
    table: String,
    iterator: Option<String>,
    pending: VecDeque<Value>,
}

/// The mailer, and what it reads and writes.
pub(crate) struct PostOffice {
    mailer: Mailer,
    stream: OutboxStream,
    ses: SesStandIn,
    folder: Option<PathBuf>,
    /// How many letters are in the folder.
    written: u64,
}

impl SesStandIn {
    /// One that sends for [`MAIL_FROM`] to anybody.
    pub fn new() -> Self {
        let mut ses = Ses::sending_for(&[DOMAIN]);
        for (set, policy) in [("latchkey", "REQUIRE"), ("optional-tls", "OPTIONAL")] {
            ses.tls_policies.insert(set.to_owned(), policy);
        }
        Self(Arc::new(Mutex::new(ses)))
    }

    /// A look at it, and a hand in it.
    pub fn lock(&self) -> MutexGuard<'_, Ses> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The client of it.
    pub fn client(&self) -> Client {
        Client::new(&AwsSettings::in_process(SharedHttpClient::new(self.clone())).for_ses())
    }

    /// The letters that it has, the newest first, as JSON.
    pub(crate) fn letters(&self) -> Value {
        let letter = |letter: &SentLetter| {
            json!({
                "id": letter.id, "from": letter.from, "to": letter.to,
                "subject": letter.subject, "text": letter.text,
            })
        };
        let ses = self.lock();
        json!({ "letters": ses.sent().rev().map(letter).collect::<Vec<_>>() })
    }
}

impl Default for SesStandIn {
    fn default() -> Self {
        Self::new()
    }
}

/// Never a letter, which has a code in it.
impl fmt::Debug for SesStandIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SesStandIn")
    }
}

impl HttpClient for SesStandIn {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for SesStandIn {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let path = request.uri().split_once("://").map_or("", |(_, rest)| rest);
        let path = path.find('/').map_or("", |at| path.split_at(at).1);
        let body = request.body().bytes().unwrap_or_default();
        let Some((status, said)) = self.lock().answer(request.method(), path, body) else {
            let lost = io::Error::new(io::ErrorKind::ConnectionReset, "the answer was lost");
            return HttpConnectorFuture::ready(Err(ConnectorError::io(lost.into())));
        };
        let response = StatusCode::try_from(status).map(|status| {
            let mut response = HttpResponse::new(status, SdkBody::from(said.to_string()));
            if let Some(name) = said.get("__type").and_then(Value::as_str) {
                response.headers_mut().insert("x-amzn-errortype", name.to_owned());
            }
            response
        });
        HttpConnectorFuture::ready(response.map_err(|error| ConnectorError::other(error.into(), None)))
    }
}

impl OutboxStream {
    /// The stream of `outbox`, from its beginning.
    pub fn new(dynamodb: DynamoDb, outbox: &Outbox) -> Self {
        Self { dynamodb, table: outbox.name().to_owned(), iterator: None, pending: VecDeque::new() }
    }

    /// The event that Lambda would call the mailer with; none while nothing is new.
    pub async fn next(&mut self) -> Option<Value> {
        if self.pending.is_empty() {
            self.read().await?;
        }
        let records: Vec<_> = self.pending.iter().take(BATCH).cloned().collect();
        (!records.is_empty()).then(|| json!({ "Records": records }))
    }

    /// Goes on after the event of before, by what the mailer has answered to it; says whether all of it was done.
    pub fn settle(&mut self, answer: &Value) -> bool {
        let failed = answer.pointer("/batchItemFailures/0/itemIdentifier");
        let begun = self.pending.len().min(BATCH);
        let done = failed.and_then(|failed| {
            self.pending.iter().position(|record| record.pointer("/dynamodb/SequenceNumber") == Some(failed))
        });
        self.pending.drain(..done.unwrap_or(begun));
        failed.is_none()
    }

    async fn read(&mut self) -> Option<()> {
        let iterator = match self.iterator.take() {
            Some(iterator) => iterator,
            None => self.begin().await?,
        };
        let read = self.call("GetRecords", &json!({ "ShardIterator": iterator })).await?;
        self.iterator = read.get("NextShardIterator").and_then(Value::as_str).map(str::to_owned);
        let records = read.get("Records")?.as_array()?;
        let is_new = |record: &&Value| record.get("eventName").and_then(Value::as_str) == Some("INSERT");
        self.pending.extend(records.iter().filter(is_new).cloned());
        Some(())
    }

    async fn begin(&self) -> Option<String> {
        let table = self.call("DescribeTable", &json!({ "TableName": self.table })).await?;
        let stream = table.pointer("/Table/LatestStreamArn")?;
        let told = self.call("DescribeStream", &json!({ "StreamArn": stream })).await?;
        let shard = told.pointer("/StreamDescription/Shards/0/ShardId")?;
        let asked = json!({
            "StreamArn": stream, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON",
        });
        let iterator = self.call("GetShardIterator", &asked).await?;
        iterator.get("ShardIterator")?.as_str().map(str::to_owned)
    }

    async fn call(&self, operation: &str, request: &Value) -> Option<Value> {
        let reply = self.dynamodb.reply(operation, request.to_string().into_bytes()).await;
        (reply.status == 200).then(|| serde_json::from_str(&reply.body).ok()).flatten()
    }
}

impl PostOffice {
    /// Sends the letters of `deliveries` to `ses`, and writes them into `folder` too.
    pub(crate) fn new(
        deliveries: Deliveries,
        dynamodb: DynamoDb,
        ses: SesStandIn,
        folder: Option<&Path>,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        let stream = OutboxStream::new(dynamodb, deliveries.outbox());
        let mailer = Mailer::new(deliveries, ses.client(), environment)?;
        Ok(Self { mailer, stream, ses, folder: folder.map(Path::to_owned), written: 0 })
    }

    /// The SES that it sends to.
    pub(crate) fn ses(&self) -> SesStandIn {
        self.ses.clone()
    }

    /// Sends letters until the process ends.
    pub(crate) async fn work(mut self, clock: impl Fn() -> Timestamp) {
        loop {
            let more = self.send(clock()).await;
            if let Err(problem) = &more {
                complain(problem);
            }
            if !more.unwrap_or_default() {
                tokio::time::sleep(PAUSE).await;
            }
        }
    }

    /// Sends a batch of what is there to be sent; says whether there may be more.
    async fn send(&mut self, now: Timestamp) -> io::Result<bool> {
        let Some(event) = self.stream.next().await else { return Ok(false) };
        let answer = self.mailer.answer(&event.to_string(), now, LIMIT).await;
        let is_done = self.stream.settle(&answer);
        self.write(now)?;
        Ok(is_done)
    }

    /// Writes each letter that is new into the folder, as a file that mail programs open.
    fn write(&mut self, now: Timestamp) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let letters: Vec<_> = self.ses.lock().sent().cloned().collect();
        for letter in letters {
            let number = letter.id.split('-').next().and_then(|id| u64::from_str_radix(id, 16).ok());
            let Some(number) = number.filter(|number| *number > self.written) else { continue };
            let name = format!("{}-{number:04}.eml", now.seconds());
            let mut file = private_file::create_new(&folder.join(name))?;
            io::Write::write_all(&mut file, message(&letter).as_bytes())?;
            self.written = number;
        }
        Ok(())
    }
}

/// The folder for letters, which only its owner may enter.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

#[expect(clippy::print_stderr, reason = "this is a program for a terminal")]
fn complain(problem: &io::Error) {
    eprintln!("error: cannot write a letter into the folder of --mail-folder: {problem}");
}

/// The letter as RFC 5322 has it.
fn message(letter: &SentLetter) -> String {
    let mut text = format!(
        "From: {}\r\nTo: {}\r\nSubject: =?UTF-8?B?{}?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: base64\r\n",
        letter.from,
        letter.to,
        BASE64_STANDARD.encode(&letter.subject),
    );
    for (name, value) in &letter.headers {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    let body = BASE64_STANDARD.encode(letter.text.replace('\n', "\r\n"));
    for line in body.as_bytes().chunks(76) {
        text.push_str(&String::from_utf8_lossy(line));
        text.push_str("\r\n");
    }
    text
}
