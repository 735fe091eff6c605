//! `cargo run -p local` as a person starts it.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::Command,
};

use harness::{LocalServer, lambda};
use serde_json::{Value, json};
use tempfile::TempDir;

fn send(port: u16, request: &str) -> (u16, Value) {
    let (status, _, body) = exchange(port, request);
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

/// The status, the head in lower case and the body of the answer.
pub(crate) fn exchange(port: u16, request: &str) -> (u16, String, String) {
    exchange_with(&format!("127.0.0.1:{port}"), request)
}

/// What [`exchange`] does, with the server at `address`.
pub(crate) fn exchange_with(address: &str, request: &str) -> (u16, String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    let status = reply.split(' ').nth(1).unwrap().parse().unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    (status, head.to_lowercase(), body.to_owned())
}

pub(crate) fn post(port: u16, path: &str, body: &Value) -> (u16, Value) {
    let body = body.to_string();
    let length = body.len();
    send(
        port,
        &format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
        ),
    )
}

pub(crate) fn demo_login(port: u16) -> (u16, Value) {
    post(port, "/auth/login", &json!({ "username": "demo", "password": "latchkey demo password" }))
}

#[test]
fn it_logs_the_demo_user_in_refreshes_and_publishes_its_key() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    let (status, login) = demo_login(server.port());
    assert_eq!((status, &login["expires_in"]), (200, &json!(3600)));
    let (status, refreshed) = post(server.port(), "/auth/refresh", &json!({ "token": login["token"] }));
    assert_eq!((status, &refreshed["token_type"]), (200, &json!("Bearer")));
    let (status, keys) =
        send(server.port(), "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert_eq!((status, &keys["keys"][0]["alg"]), (200, &json!("RS256")));
    let (status, discovery) = send(
        server.port(),
        "GET /.well-known/openid-configuration HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    assert_eq!((status, &discovery["issuer"]), (200, &json!(format!("http://127.0.0.1:{}", server.port()))));
    assert_eq!(send(server.port(), "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").0, 404);
}

#[test]
fn its_greeting_says_what_it_is_and_its_curl_commands_work_when_pasted() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    // Else a second may end between the login and the refresh, and take one from `refresh_expires_in`.
    assert_eq!(post(server.port(), "/local/clock", &json!({ "running": false })).0, 200);
    let greeting = server.greeting();
    for words in ["Latchkey", "demo", "latchkey demo password", server.url()] {
        assert!(greeting.contains(words), "{greeting}");
    }
    let commands: Vec<_> = greeting.lines().map(str::trim).filter(|line| line.contains("curl ")).collect();
    assert_eq!(commands.len(), 10, "{greeting}");
    let (status, login) = paste(server.port(), commands[0], "");
    assert_eq!((status, &login["token_type"]), (200, &json!("Bearer")));
    let token = login["token"].as_str().unwrap();
    let (status, refreshed) = paste(server.port(), commands[1], token);
    assert_eq!((status, &refreshed["refresh_expires_in"]), (200, &json!(172_800)));
    let (status, verified) = paste(server.port(), commands[2], token);
    assert_eq!((status, &verified["claims"]["username"]), (200, &json!("demo")));
    let (status, listed) = paste(server.port(), commands[3], token);
    assert_eq!((status, &listed["sessions"][0]["current"]), (200, &json!(true)));
    for guarded in &commands[4..6] {
        let (status, handed) = paste(server.port(), guarded, token);
        assert_eq!((status, &handed["claims"]["username"]), (200, &json!("demo")));
    }
    let (status, access) = paste(server.port(), commands[6], token);
    assert_eq!((status, &access["scope"]), (200, &json!("orders:read")));
    let access = access["access_token"].as_str().unwrap();
    let (status, handed) = paste(server.port(), &commands[7].replace("$ACCESS", access), "");
    assert_eq!((status, &handed["claims"]["token_use"]), (200, &json!("access")));
    assert_eq!(paste(server.port(), commands[8], token), (204, Value::Null));
    assert_eq!(paste(server.port(), commands[4], token).0, 200);
    assert_eq!(paste(server.port(), commands[5], token), (403, json!({ "message": "Forbidden" })));
    assert_eq!(paste(server.port(), commands[2], token).1["code"], "session_ended");
    let (status, keys) = paste(server.port(), commands[9], "");
    assert!(status == 200 && keys["keys"].is_array());
}

/// Does what a shell and curl would do with the command; a machine with Rust alone has no curl.
fn paste(port: u16, command: &str, token: &str) -> (u16, Value) {
    let url = command.split(' ').find(|word| word.starts_with("http")).unwrap();
    let path = url.strip_prefix(&format!("http://127.0.0.1:{port}")).unwrap();
    let header = command.split_once(" -H \"").and_then(|(_, header)| header.split_once('"'));
    let header = header.map(|(header, _)| header.replace("$TOKEN", token) + "\r\n").unwrap_or_default();
    let common = format!("HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n");
    let Some((_, rest)) = command.split_once(" -d '") else {
        return send(port, &format!("GET {path} {common}\r\n"));
    };
    assert!(command.contains("-H 'Content-Type: application/json'"));
    let body = rest[..=rest.rfind("}'").unwrap()].replace("'$TOKEN'", token);
    let described = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    send(port, &format!("POST {path} {common}{described}\r\n{body}"))
}

#[test]
fn its_ready_file_says_where_it_answers_and_who_can_log_in() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    let ready = server.ready();
    let members: Vec<_> = ready.as_object().unwrap().keys().collect();
    assert_eq!(members, ["password", "url", "username"]);
    let body = json!({ "username": ready["username"], "password": ready["password"] });
    assert_eq!(post(server.port(), "/auth/login", &body).0, 200);
}

#[cfg(unix)]
#[test]
fn the_data_are_readable_by_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let parent = TempDir::new().unwrap();
    let data = parent.path().join("data");
    LocalServer::start(&data, &[]);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&data), 0o700);
    for file in std::fs::read_dir(&data).unwrap() {
        let file = file.unwrap().path();
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
}

/// The ports on which a process listens.
#[cfg(target_os = "linux")]
fn listening(process: u32) -> Vec<u16> {
    let open = std::fs::read_dir(format!("/proc/{process}/fd")).unwrap();
    let open = open.filter_map(|file| std::fs::read_link(file.unwrap().path()).ok());
    let sockets: Vec<_> = open.map(|link| link.to_string_lossy().into_owned()).collect();
    let is_of_process = |inode: &str| sockets.iter().any(|socket| *socket == format!("socket:[{inode}]"));
    let mut ports = Vec::new();
    for table in ["tcp", "tcp6"] {
        let table = std::fs::read_to_string(format!("/proc/{process}/net/{table}")).unwrap_or_default();
        for line in table.lines().skip(1) {
            let columns: Vec<_> = line.split_whitespace().collect();
            // proc(5): the local address, the state, of which 0A is LISTEN, and the inode.
            if columns[3] == "0A" && is_of_process(columns[9]) {
                ports.push(u16::from_str_radix(columns[1].rsplit(':').next().unwrap(), 16).unwrap());
            }
        }
    }
    ports
}

#[cfg(target_os = "linux")]
#[test]
fn it_listens_on_its_own_port_and_on_no_other() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    assert_eq!(demo_login(server.port()).0, 200);
    assert_eq!(listening(server.process()), [server.port()]);
}

#[test]
fn a_body_that_is_too_long_is_rejected_before_it_is_sent() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    // Nothing follows the head: a server that waited for the body would close without an answer.
    let head = format!(
        "POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Type: application/json\r\n\
         Content-Length: 10485760\r\nConnection: close\r\n\r\n",
        server.port()
    );
    let (status, rejected) = send(server.port(), &head);
    assert_eq!((status, rejected["code"].is_string()), (413, true), "{rejected}");
}

#[cfg(unix)]
#[test]
fn a_folder_or_a_key_that_is_a_link_is_not_used() {
    let parent = TempDir::new().unwrap();
    let data = parent.path().join("data");
    LocalServer::start(&data, &[]);
    let linked = parent.path().join("linked");
    std::os::unix::fs::symlink(&data, &linked).unwrap();
    let key = data.join("signing-keys.json");
    let moved = parent.path().join("moved.json");
    std::fs::rename(&key, &moved).unwrap();
    std::os::unix::fs::symlink(&moved, &key).unwrap();
    for (folder, arguments) in [(&linked, vec![]), (&data, vec![]), (&data, vec!["--aws-only"])] {
        let output = LocalServer::command(folder).args(arguments).args(["--port", "0"]).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{printed}");
        assert!(printed.contains("is a link"), "{printed}");
    }
}

#[test]
fn two_servers_that_start_in_one_new_folder_sign_with_one_key() {
    let parent = TempDir::new().unwrap();
    let data = parent.path().join("data");
    let servers: Vec<_> = std::thread::scope(|scope| {
        let starting: Vec<_> = (0..2).map(|_| scope.spawn(|| LocalServer::start(&data, &[]))).collect();
        starting.into_iter().map(|started| started.join().unwrap()).collect()
    });
    let key_ids: Vec<_> = servers
        .iter()
        .map(|server| {
            let request = "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
            send(server.port(), request).1["keys"].clone()
        })
        .collect();
    assert_eq!(key_ids[0], key_ids[1]);
    assert!(servers.iter().all(|server| demo_login(server.port()).0 == 200));
}

#[test]
fn users_and_key_outlive_the_process_until_fresh_forgets_them() {
    let data = TempDir::new().unwrap();
    let token = demo_login(LocalServer::start(data.path(), &[]).port()).1["token"].clone();
    let again = LocalServer::start(data.path(), &[]);
    // The port is another, and with it the issuer: the key is the same, the token is not ours.
    let code = post(again.port(), "/auth/refresh", &json!({ "token": token })).1["code"].clone();
    assert_eq!(code, "invalid_token");
    let key =
        |port| send(port, "GET /.well-known/jwks.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").1;
    let before = key(again.port());
    drop(again);
    let again = LocalServer::start(data.path(), &[]);
    assert_eq!(key(again.port()), before);
    drop(again);
    assert_ne!(key(LocalServer::start(data.path(), &["--fresh"]).port()), before);
}

#[test]
fn what_was_answered_outlives_a_server_that_is_killed() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    for _ in 0..3 {
        assert_eq!(demo_login(server.port()).0, 200);
    }
    // By SIGKILL: it has no time to tidy up.
    drop(server);
    let listed: Value =
        serde_json::from_str(&latchkey(data.path(), &["session", "list", "demo", "--json"])).unwrap();
    assert_eq!(listed.as_array().unwrap().len(), 3, "{listed}");
}

#[test]
fn the_durations_are_the_command_line_s() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &["--expiration", "5m", "--refresh-expiration", "1h 30m"]);
    let login = demo_login(server.port()).1;
    assert_eq!((&login["expires_in"], &login["refresh_expires_in"]), (&json!(300), &json!(5400)));
}

#[test]
fn what_cannot_work_is_one_clear_line() {
    let (data, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let file = other.path().join("file");
    std::fs::write(&file, "").unwrap();
    let below_file = file.join("folder");
    let bad_key = TempDir::new().unwrap();
    std::fs::write(bad_key.path().join("signing-keys.json"), "").unwrap();
    let no_folder = file.join("ready.json").display().to_string();
    for (folder, arguments, said) in [
        (data.path(), vec!["--port", "0", "--ready-file", &no_folder], format!("cannot use {no_folder}")),
        (bad_key.path(), vec!["--port", "0"], "start with --fresh to make another key".to_owned()),
        (data.path(), vec!["--port", &port], format!("port {port} of 127.0.0.1 cannot be had")),
        (below_file.as_path(), vec!["--port", "0"], "(set by --data)".to_owned()),
        (
            data.path(),
            vec!["--port", "0", "--expiration", "0"],
            "JWT_EXPIRATION_DELTA is out of range".to_owned(),
        ),
    ] {
        let output = LocalServer::command(folder).args(arguments).output().unwrap();
        let printed = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1));
        assert!(printed.starts_with("error: ") && printed.contains(&said), "{printed}");
        assert_eq!(printed.lines().count(), 1, "{printed}");
    }
    let output = LocalServer::command(data.path()).args(["--expiration", "soon"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stderr).contains("90s, 15m, 1h, 2d"));
}

/// What `latchkey ARGUMENTS --local DATA` prints, of a success.
fn latchkey(data: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(lambda::binary("latchkey"));
    let output = command.args(arguments).arg("--local").arg(data).env_clear().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_command_line_and_a_running_server_see_each_other_s_changes() {
    let data = TempDir::new().unwrap();
    let server = LocalServer::start(data.path(), &[]);
    let body = json!({ "username": "demo", "password": "latchkey demo password" });
    let log_in = || post(server.port(), "/auth/login", &body).1["token"].as_str().unwrap().to_owned();
    // More than once: the first one to close the database must not take it away from the server.
    for sessions in 1..=3 {
        log_in();
        let listed: Value =
            serde_json::from_str(&latchkey(data.path(), &["session", "list", "demo", "--json"])).unwrap();
        assert_eq!(listed.as_array().unwrap().len(), sessions, "{listed}");
    }
    let token = log_in();
    latchkey(data.path(), &["session", "end-all", "demo"]);
    let rejected = post(server.port(), "/auth/refresh", &json!({ "token": token }));
    assert_eq!((rejected.0, &rejected.1["code"]), (400, &json!("session_ended")));

    let wrong = json!({ "username": "demo", "password": "wrong" });
    let code = |body| post(server.port(), "/auth/login", body).1["code"].clone();
    for _ in 0..5 {
        assert_eq!(code(&wrong), "invalid_credentials");
    }
    assert_eq!(code(&body), "too_many_attempts");
    latchkey(data.path(), &["user", "unlock", "demo"]);
    assert_eq!(code(&body), Value::Null);
}
