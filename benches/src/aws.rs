use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
    net::{TcpListener, TcpStream, ToSocketAddrs},
    sync::{Arc, Mutex},
    thread,
};

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use serde_json::{Value, json};
use stand_ins::{Secret, connection::Connection, secrets_manager};

use crate::Authority;

const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:signing-a1B2c3";

/// Secrets Manager and DynamoDB, each on a port of its own, over TLS: one secret and one user.
pub struct AwsStandIn {
    pub secrets_manager: String,
    pub dynamodb: String,
    traffic: Arc<Mutex<Traffic>>,
}

/// What went over the wires since it was last asked.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Calls by their names.
    pub calls: BTreeMap<String, u64>,
    pub connections: u64,
    /// TLS included.
    pub bytes_in: u64,
    pub bytes_out: u64,
}

/// What AWS would know.
struct Answers {
    secret: Mutex<Secret>,
    row: Value,
}

impl AwsStandIn {
    /// Serves until the process ends.
    pub fn start(authority: &Authority, secret: String, row: Value) -> Self {
        let traffic = Arc::new(Mutex::new(Traffic::default()));
        let secret = Mutex::new(Secret::new(SECRET_ARN, secret));
        let answers = Arc::new(Answers { secret, row });
        let port = || serve(authority.server(), Arc::clone(&answers), Arc::clone(&traffic));
        let (secrets_manager, dynamodb) = (port(), port());
        Self { secrets_manager, dynamodb, traffic }
    }

    /// The traffic since the last time.
    pub fn take_traffic(&self) -> Traffic {
        std::mem::take(&mut *self.traffic.lock().unwrap())
    }
}

fn serve(config: Arc<ServerConfig>, answers: Arc<Answers>, traffic: Arc<Mutex<Traffic>>) -> String {
    // The first address of the name is the one that a client tries first.
    let address = ("localhost", 0).to_socket_addrs().unwrap().next().expect("localhost has an address");
    let listener = TcpListener::bind(address).unwrap();
    let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let (config, answers, traffic) =
                (Arc::clone(&config), Arc::clone(&answers), Arc::clone(&traffic));
            traffic.lock().unwrap().connections += 1;
            // A client that is killed breaks off.
            thread::spawn(move || answer_all(stream, config, &answers, &traffic).ok());
        }
    });
    url
}

fn answer_all(
    stream: TcpStream,
    config: Arc<ServerConfig>,
    answers: &Answers,
    traffic: &Arc<Mutex<Traffic>>,
) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let counted = Counted { stream, traffic: Arc::clone(traffic) };
    let tls = ServerConnection::new(config).map_err(io::Error::other)?;
    let mut connection = Connection::new(StreamOwned::new(tls, counted));
    while let Some(request) = connection.read()? {
        let call = request.header("x-amz-target").unwrap_or_default();
        let answer = answers.to(call, &request.body);
        let call = call.rsplit('.').next().unwrap_or_default().to_owned();
        *traffic.lock().unwrap().calls.entry(call).or_default() += 1;
        let head =
            "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\nx-amzn-requestid: stand-in\r\n";
        connection.send(head, answer.as_bytes())?;
    }
    Ok(())
}

impl Answers {
    fn to(&self, target: &str, body: &[u8]) -> String {
        if target.starts_with(secrets_manager::TARGET) {
            return secrets_manager::answer(&mut self.secret.lock().unwrap(), target, body).into_body();
        }
        let asked: Value = serde_json::from_slice(body).unwrap_or_default();
        let is_of_user = |key: &Value| *key == json!({ "pk": self.row["pk"] });
        let answer = match target.rsplit('.').next().unwrap_or_default() {
            "GetItem" if is_of_user(&asked["Key"]) => json!({ "Item": self.row }),
            "BatchGetItem" => {
                let (table, wanted) = asked["RequestItems"].as_object().unwrap().iter().next().unwrap();
                let rows = wanted["Keys"].as_array().unwrap().iter().filter(|key| is_of_user(key));
                let rows: Vec<_> = rows.map(|_| self.row.clone()).collect();
                json!({ "Responses": { table.clone(): rows }, "UnprocessedKeys": {} })
            }
            _ => json!({}),
        };
        answer.to_string()
    }
}

struct Counted {
    stream: TcpStream,
    traffic: Arc<Mutex<Traffic>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.stream.read(buffer)?;
        self.traffic.lock().unwrap().bytes_in += count as u64;
        Ok(count)
    }
}

impl Write for Counted {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.stream.write(buffer)?;
        self.traffic.lock().unwrap().bytes_out += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
