//! `cargo run --release -p bench --bin local-server`: how many refreshes a second the local server answers, and what each costs.
//!
//! The load comes from this process, on the same processors, with a thread and a connection for each caller.
//! `--node FOLDER` measures Node.js with jose in the same run; jose is installed in FOLDER (`npm install jose`).

#![expect(clippy::print_stdout, reason = "this is a program for a terminal")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{
    error::Error,
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use argon2_rust::{Argon2, Params, Version};
use bench::median;
use serde_json::{Value, json};
use tempfile::TempDir;

const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(4);
const LOGINS: u32 = 100;
const IMPORTED: usize = 20_000;
const COMMANDS: usize = 10;
/// Of `/proc/…/stat`; every Linux that Rust runs on has it.
const TICKS_PER_SECOND: f64 = 100.0;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let node = node_folder()?;
    let folder = std::env::current_exe()?.parent().ok_or("this program is in no folder")?.to_owned();
    build()?;
    let data = TempDir::new()?;
    let mut servers = vec![Server::latchkey(&folder, data.path())?];
    if let Some(node) = node {
        servers.push(Server::node(&node)?);
    }
    for connections in [1, 8] {
        let mut measured: Vec<Vec<Load>> = servers.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (server, rounds) in servers.iter().zip(&mut measured) {
                rounds.push(server.refresh(connections)?);
            }
        }
        for (server, rounds) in servers.iter().zip(&measured) {
            let of = |part: fn(&Load) -> f64| median(&rounds.iter().map(part).collect::<Vec<_>>());
            println!(
                "{}: {:.0} refreshes a second with {connections} connection(s), {:.3} ms of processor time each",
                server.name,
                of(|load| load.per_second),
                of(|load| load.processor_ms),
            );
        }
    }
    let [latchkey, ..] = &servers[..] else { return Ok(()) };
    let (login, hash) = (latchkey.login()?, bare_hash()?);
    println!("login: {login:.2} ms of processor time, {:.2} of the bare hash ({hash:.2} ms)", login / hash);
    commands(&folder, data.path())
}

fn node_folder() -> Result<Option<PathBuf>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [] => Ok(None),
        [option, folder] if option == "--node" => Ok(Some(PathBuf::from(folder).canonicalize()?)),
        _ => Err("cargo run --release -p bench --bin local-server [-- --node FOLDER]".into()),
    }
}

fn build() -> Result<()> {
    let arguments = ["build", "--release", "--quiet", "--locked", "-p", "local", "-p", "cli"];
    let built =
        Command::new(env!("CARGO")).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).status()?;
    if built.success() { Ok(()) } else { Err("the local server could not be built".into()) }
}

/// A server that answers `/auth/login` and `/auth/refresh`.
struct Server {
    name: &'static str,
    child: Child,
    port: u16,
}

/// What one round measured.
struct Load {
    per_second: f64,
    processor_ms: f64,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill().and_then(|()| self.child.wait());
    }
}

impl Server {
    fn latchkey(folder: &Path, data: &Path) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new(folder.join("local"));
        command.arg("--data").arg(data).args(["--port", &port.to_string()]).stdout(Stdio::piped());
        let mut child = command.spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no output")?).lines();
        lines.find(|line| line.as_ref().is_ok_and(|line| line.contains("Ctrl-C"))).ok_or("it ended")??;
        Ok(Self { name: "latchkey", child, port })
    }

    fn node(folder: &Path) -> Result<Self> {
        let (port, program) = (free_port()?, folder.join("latchkey-peer.mjs"));
        fs::write(&program, include_str!("../../peers/node-jose.mjs"))?;
        let child = Command::new("node").arg(program).arg(port.to_string()).spawn()?;
        let server = Self { name: "node with jose", child, port };
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Refreshes one token over and over.
    fn refresh(&self, connections: usize) -> Result<Load> {
        let request = request("/auth/refresh", &json!({ "token": self.token()? }));
        let (answered, over) = (AtomicU64::new(0), AtomicBool::new(false));
        let before = self.processor()?;
        let start = Instant::now();
        thread::scope(|scope| {
            let callers: Vec<_> = (0..connections)
                .map(|_| {
                    scope.spawn(|| {
                        let mut connection = Connection::open(self.port)?;
                        while !over.load(Ordering::Relaxed) {
                            connection.call(&request)?;
                            answered.fetch_add(1, Ordering::Relaxed);
                        }
                        Ok(())
                    })
                })
                .collect();
            thread::sleep(ROUND);
            over.store(true, Ordering::Relaxed);
            callers.into_iter().try_for_each(|caller| {
                let called: std::result::Result<(), String> =
                    caller.join().unwrap_or_else(|_| Err("a caller panicked".to_owned()));
                called
            })
        })?;
        let seconds = start.elapsed().as_secs_f64();
        #[expect(clippy::cast_precision_loss, reason = "nobody waits for 2^52 answers")]
        let answered = answered.into_inner() as f64;
        Ok(Load {
            per_second: answered / seconds,
            processor_ms: (self.processor()? - before) * 1000.0 / answered,
        })
    }

    /// The processor time of a login, in milliseconds.
    fn login(&self) -> Result<f64> {
        let request = request("/auth/login", &credentials());
        let mut connection = Connection::open(self.port)?;
        let before = self.processor()?;
        for _ in 0..LOGINS {
            connection.call(&request)?;
        }
        Ok((self.processor()? - before) * 1000.0 / f64::from(LOGINS))
    }

    fn token(&self) -> Result<String> {
        let answer = Connection::open(self.port)?.call(&request("/auth/login", &credentials()))?;
        let answer: Value = serde_json::from_str(&answer)?;
        Ok(answer.get("token").and_then(Value::as_str).ok_or("no token")?.to_owned())
    }

    /// The processor time that the process has had so far, in seconds.
    fn processor(&self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // proc(5): the name may hold spaces; utime and stime are the 12th and 13th after it.
        let (_, after) = stat.rsplit_once(") ").ok_or("no such process")?;
        let ticks = after.split(' ').skip(11).take(2).map(str::parse::<f64>);
        Ok(ticks.sum::<std::result::Result<f64, _>>()? / TICKS_PER_SECOND)
    }
}

fn credentials() -> Value {
    json!({ "username": "demo", "password": "latchkey demo password" })
}

fn request(path: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// A connection that is kept.
struct Connection(BufReader<TcpStream>);

impl Connection {
    fn open(port: u16) -> std::result::Result<Self, String> {
        let stream = TcpStream::connect(("127.0.0.1", port)).map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        Ok(Self(BufReader::new(stream)))
    }

    /// The body of the answer, which must be 200.
    fn call(&mut self, request: &str) -> std::result::Result<String, String> {
        self.exchange(request).map_err(|error| error.to_string())
    }

    fn exchange(&mut self, request: &str) -> Result<String> {
        self.0.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length) = (String::new(), None);
        self.0.read_line(&mut line)?;
        if !line.starts_with("HTTP/1.1 200 ") {
            return Err(format!("the server says {line}").into());
        }
        loop {
            line.clear();
            self.0.read_line(&mut line)?;
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            }
        }
        let mut body = vec![0; length.ok_or("the answer has no Content-Length")?];
        self.0.read_exact(&mut body)?;
        Ok(String::from_utf8(body)?)
    }
}

/// The processor time of one hash with the parameters of new passwords, in milliseconds.
fn bare_hash() -> Result<f64> {
    let mut hasher = Argon2::new(argon2_rust::Algorithm::Argon2id, Version::V0x13, Params::OWASP).hasher();
    let mut hash = [0; 32];
    let mut times = Vec::new();
    for _ in 0..LOGINS {
        let start = Instant::now();
        hasher
            .hash_into(b"latchkey demo password", &[7; 16], &mut hash)
            .map_err(|error| error.to_string())?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    Ok(median(&times))
}

/// An import, and commands that do next to nothing.
fn commands(folder: &Path, data: &Path) -> Result<()> {
    let latchkey = |arguments: &[&str]| {
        let mut command = Command::new(folder.join("latchkey"));
        command.args(arguments).arg("--local").arg(data).stdout(Stdio::null());
        command
    };
    let rows = TempDir::new()?;
    let file = rows.path().join("users.jsonl");
    let hash =
        "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$4r5C0qQz2nN7m3a4m0mC7g5S0b8rYhA2yD9sXq3oK1w";
    let lines = (0..IMPORTED).map(|row| json!({ "username": format!("user {row}"), "password_hash": hash }));
    fs::write(&file, lines.map(|line| line.to_string()).collect::<Vec<_>>().join("\n"))?;
    let path = file.to_str().ok_or("a path that is not text")?;
    let start = Instant::now();
    let imported = latchkey(&["user", "import", path]).status()?;
    let seconds = start.elapsed().as_secs_f64();
    #[expect(clippy::cast_precision_loss, reason = "a constant below 2^52")]
    let per_second = IMPORTED as f64 / seconds;
    println!("import: {per_second:.0} rows a second ({imported})");
    let mut times = Vec::new();
    for _ in 0..COMMANDS {
        let start = Instant::now();
        latchkey(&["user", "show", "demo"]).status()?;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    println!("latchkey user show --local: {:.1} ms", median(&times));
    Ok(())
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}
