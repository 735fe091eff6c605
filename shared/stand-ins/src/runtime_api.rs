use std::{
    collections::VecDeque,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::connection::Connection;

/// No response takes that long, not under Valgrind on a busy machine either.
const PATIENCE: Duration = Duration::from_mins(5);

/// What Lambda is to one function: hands out events and keeps the time.
pub struct RuntimeApi {
    /// What `AWS_LAMBDA_RUNTIME_API` has to say.
    pub address: SocketAddr,
    shared: Arc<Shared>,
    signals: Receiver<Signal>,
}

/// A response, and when its event was sent and it was there.
#[derive(Debug)]
pub struct Answered {
    /// When the event went out.
    pub event_sent: Instant,
    /// When the response had come.
    pub at: Instant,
    /// The response, or the error that the function reported instead: API Gateway makes a 500 of it.
    pub outcome: Result<Vec<u8>, Vec<u8>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    events: VecDeque<Arc<str>>,
    stopped: bool,
}

enum Signal {
    Polled(Instant),
    Answered(Answered),
}

impl RuntimeApi {
    /// An API that has no event yet.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let (sender, signals) = channel();
        let serving = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if serving.state.lock().unwrap().stopped {
                    return;
                }
                let (shared, sender) = (Arc::clone(&serving), sender.clone());
                thread::spawn(move || shared.serve(stream, &sender));
            }
        });
        Self { address, shared, signals }
    }

    /// Lets the function have this event, after those that are waiting.
    pub fn send(&self, event: &str) {
        self.send_times(event, 1);
    }

    /// Lets the function have this event so many times.
    pub fn send_times(&self, event: &str, times: usize) {
        let events = std::iter::repeat_n(Arc::from(event), times);
        self.shared.state.lock().unwrap().events.extend(events);
        self.shared.changed.notify_all();
    }

    /// When the function first asked for an event.
    pub fn first_poll(&self) -> Instant {
        match self.signal() {
            Signal::Polled(at) => at,
            Signal::Answered(_) => panic!("a response before the first event"),
        }
    }

    /// The next response.
    pub fn answer(&self) -> Answered {
        loop {
            if let Signal::Answered(answer) = self.signal() {
                return answer;
            }
        }
    }

    fn signal(&self) -> Signal {
        match self.signals.recv_timeout(PATIENCE) {
            Ok(signal) => signal,
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                panic!("the function says nothing")
            }
        }
    }
}

impl Answered {
    /// The response of a function that did not fail.
    pub fn response(&self) -> &[u8] {
        match &self.outcome {
            Ok(response) => response,
            Err(error) => panic!("the function failed: {}", String::from_utf8_lossy(error)),
        }
    }
}

impl Drop for RuntimeApi {
    fn drop(&mut self) {
        self.shared.state.lock().unwrap().stopped = true;
        self.shared.changed.notify_all();
        // Wakes the thread that accepts, so that it ends.
        drop(TcpStream::connect(self.address));
    }
}

impl Shared {
    /// Answers one connection; the other end may be killed at any time.
    fn serve(&self, stream: TcpStream, signals: &Sender<Signal>) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut connection = Connection::new(stream);
        let mut event_sent = Instant::now();
        while let Some(request) = connection.read().ok()? {
            let now = Instant::now();
            if request.start.contains("/invocation/next ") {
                signals.send(Signal::Polled(now)).ok()?;
                let event = self.next_event()?;
                let head = head();
                event_sent = Instant::now();
                connection.send(&head, event.as_bytes()).ok()?;
                continue;
            }
            let succeeded = request.start.contains("/response ");
            let outcome = if succeeded { Ok(request.body) } else { Err(request.body) };
            signals.send(Signal::Answered(Answered { event_sent, at: now, outcome })).ok()?;
            connection.send("HTTP/1.1 202 Accepted\r\n", b"").ok()?;
        }
        Some(())
    }

    fn next_event(&self) -> Option<Arc<str>> {
        let state = self.state.lock().unwrap();
        let waits = |state: &mut State| state.events.is_empty() && !state.stopped;
        let mut state = self.changed.wait_while(state, waits).unwrap();
        if state.stopped { None } else { state.events.pop_front() }
    }
}

fn head() -> String {
    let deadline = SystemTime::now().duration_since(UNIX_EPOCH).unwrap() + Duration::from_mins(15);
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
         lambda-runtime-aws-request-id: 8476a536-e9f4-11e8-9739-2dfe598c3fcd\r\n\
         lambda-runtime-deadline-ms: {}\r\n\
         lambda-runtime-invoked-function-arn: arn:aws:lambda:eu-west-1:123456789012:function:f\r\n\
         lambda-runtime-trace-id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0\r\n",
        deadline.as_millis()
    )
}
