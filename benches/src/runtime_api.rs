use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::http::Connection;

/// No answer takes that long, not under Valgrind on a busy machine either.
const PATIENCE: Duration = Duration::from_mins(2);

/// What Lambda is to one function: hands out its event as often as it may, and keeps the time.
pub struct RuntimeApi {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    signals: Receiver<Signal>,
}

/// An answer, and when its event was sent and it was there.
#[derive(Debug)]
pub struct Answered {
    pub event_sent: Instant,
    pub at: Instant,
    pub body: Vec<u8>,
}

struct Shared {
    event: String,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// How many events may still be sent.
    left: u64,
    stopped: bool,
}

enum Signal {
    Polled(Instant),
    Answered(Answered),
    Failed(Vec<u8>),
}

impl RuntimeApi {
    /// An API that knows this event and sends none yet.
    pub fn start(event: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared { event, state: Mutex::default(), changed: Condvar::new() });
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

    /// Lets the function have so many events more.
    pub fn send_events(&self, count: u64) {
        self.shared.state.lock().unwrap().left += count;
        self.shared.changed.notify_all();
    }

    /// When the function first asked for an event.
    pub fn first_poll(&self) -> Instant {
        match self.signal() {
            Signal::Polled(at) => at,
            Signal::Answered(_) | Signal::Failed(_) => panic!("an answer before the first event"),
        }
    }

    /// The next answer.
    pub fn answer(&self) -> Answered {
        loop {
            match self.signal() {
                Signal::Polled(_) => {}
                Signal::Answered(answer) => return answer,
                Signal::Failed(body) => panic!("the function failed: {}", String::from_utf8_lossy(&body)),
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
                self.wait_for_event()?;
                let head = head();
                event_sent = Instant::now();
                connection.send(&head, self.event.as_bytes()).ok()?;
                continue;
            }
            let signal = if request.start.contains("/response ") {
                Signal::Answered(Answered { event_sent, at: now, body: request.body })
            } else {
                Signal::Failed(request.body)
            };
            signals.send(signal).ok()?;
            connection.send("HTTP/1.1 202 Accepted\r\n", b"").ok()?;
        }
        Some(())
    }

    fn wait_for_event(&self) -> Option<()> {
        let state = self.state.lock().unwrap();
        let mut state = self.changed.wait_while(state, |state| state.left == 0 && !state.stopped).unwrap();
        state.left = state.left.checked_sub(1)?;
        Some(())
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
