//! The gates before the calls, and who opens which next.

use std::{
    fmt,
    fmt::Write,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client,
    config::{retry::RetryConfig, timeout::TimeoutConfig},
};
use aws_smithy_runtime_api::{
    client::{
        http::{
            HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
            SharedHttpConnector,
        },
        orchestrator::{HttpRequest, HttpResponse},
        runtime_components::RuntimeComponents,
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use local_data::DynamoDb;
use tokio::sync::{
    mpsc::{UnboundedReceiver, UnboundedSender},
    oneshot,
};

/// What goes wrong in a run, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nothing.
    None,
    /// A call is made, and its response is lost; the SDK sends it again.
    LostResponse,
    /// An operation ends before one of its calls.
    Crash,
}

/// What an operation tells the scheduler.
pub(super) enum Signal {
    /// It is at a gate.
    Waits(usize, oneshot::Sender<Pass>),
    /// It is over.
    Done,
}

/// Tells the scheduler when it is dropped.
pub(super) struct Done(pub(super) UnboundedSender<Signal>);

impl Drop for Done {
    fn drop(&mut self) {
        let _ = self.0.send(Signal::Done);
    }
}

/// How a gate opens.
#[derive(Clone, Copy, Debug)]
pub(super) enum Pass {
    Call,
    CallWithoutResponse,
}

/// One operation's way to the store.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    index: usize,
    dynamodb: DynamoDb,
    /// None where nobody is waited for.
    signals: Arc<Mutex<Option<UnboundedSender<Signal>>>>,
}

impl Actor {
    pub(super) fn new(index: usize, dynamodb: DynamoDb) -> Self {
        Self { index, dynamodb, signals: Arc::default() }
    }

    /// Waits at each gate from now on, or at none.
    pub(super) fn waits(&self, signals: Option<UnboundedSender<Signal>>) {
        *self.signals.lock().unwrap() = signals;
    }

    pub(super) fn client(&self) -> Client {
        let settings = aws::AwsSettings::in_process(SharedHttpClient::new(self.clone()));
        let config = settings.dynamodb().config().to_builder();
        let retries = RetryConfig::standard().with_initial_backoff(std::time::Duration::from_millis(1));
        Client::from_conf(config.timeout_config(TimeoutConfig::disabled()).retry_config(retries).build())
    }
}

impl HttpClient for Actor {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Actor {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Self { index, dynamodb, .. } = self.clone();
        let signals = self.signals.lock().unwrap().clone();
        HttpConnectorFuture::new(async move {
            let mut pass = Pass::Call;
            if let Some(signals) = signals {
                let (gate, opened) = oneshot::channel();
                let _ = signals.send(Signal::Waits(index, gate));
                match opened.await {
                    Ok(how) => pass = how,
                    // Whose gate is never opened has ended here.
                    Err(_) => std::future::pending().await,
                }
            }
            let target = request.headers().get("x-amz-target").unwrap_or_default().to_owned();
            let body = request.body().bytes().unwrap_or_default().to_vec();
            let reply = dynamodb.reply(&target, body).await;
            let (status, body) = match pass {
                Pass::Call => (reply.status, reply.body),
                Pass::CallWithoutResponse => (500, r#"{"__type":"InternalServerError"}"#.to_owned()),
            };
            Ok(HttpResponse::new(StatusCode::try_from(status).unwrap(), SdkBody::from(body)))
        })
    }
}

/// Which gate opens next: a path through the tree of all runs, depth first.
pub(super) struct Scheduler {
    fault: Fault,
    /// At each step the choice that was made, and how many there were.
    path: Vec<(usize, usize)>,
    told: String,
}

impl Scheduler {
    pub(super) fn new(fault: Fault) -> Self {
        Self { fault, path: Vec::new(), told: String::new() }
    }

    /// Goes to the next run; none is left when it says false.
    pub(super) fn next(&mut self) -> bool {
        while let Some((choice, choices)) = self.path.pop() {
            if choice + 1 < choices {
                self.path.push((choice + 1, choices));
                return true;
            }
        }
        false
    }

    /// Opens gates until every operation is over; says which one was ended, if one was.
    pub(super) async fn drive(
        &mut self,
        actors: usize,
        signals: &mut UnboundedReceiver<Signal>,
    ) -> Option<usize> {
        let mut waiting: Vec<Option<oneshot::Sender<Pass>>> = (0..actors).map(|_| None).collect();
        let (mut running, mut step, mut fault_is_left, mut ended) =
            (actors, 0, self.fault != Fault::None, None);
        self.told.clear();
        loop {
            // Until each is at a gate or over.
            while running > 0 {
                match signals.recv().await {
                    Some(Signal::Waits(actor, gate)) => {
                        let before = waiting[actor].replace(gate);
                        assert!(before.is_none(), "two calls of one operation at the same time");
                    }
                    Some(Signal::Done) => {}
                    None => return ended,
                }
                running -= 1;
            }
            let ready: Vec<_> = (0..actors).filter(|actor| waiting[*actor].is_some()).collect();
            if ready.is_empty() {
                return ended;
            }
            let choices = if fault_is_left { ready.len() * 2 } else { ready.len() };
            if step == self.path.len() {
                self.path.push((0, choices));
            }
            let (choice, expected) = self.path[step];
            assert_eq!(choices, expected, "the same choices lead to another place: {self}");
            step += 1;
            let (actor, is_faulty) = (ready[choice % ready.len()], choice >= ready.len());
            let _ = write!(self.told, "{actor}{} ", if is_faulty { "!" } else { "" });
            fault_is_left &= !is_faulty;
            let gate = waiting[actor].take().unwrap();
            if is_faulty && self.fault == Fault::Crash {
                drop(gate);
                ended = Some(actor);
                continue;
            }
            let _ = gate.send(if is_faulty { Pass::CallWithoutResponse } else { Pass::Call });
            running = 1;
        }
    }
}

/// Who was let through in which order; ! where the fault was.
impl fmt::Display for Scheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}
