//! `cargo run -p local` as a script starts it.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::Value;
use tempfile::TempDir;

use crate::lambda;

/// A server that answers, until it is dropped.
pub struct LocalServer {
    child: Child,
    /// What it said in its ready file.
    ready: Value,
    /// Its ready file and what it prints.
    folder: TempDir,
}

impl LocalServer {
    /// Starts it on a free port and waits until it answers; panics with what it printed if it ends before.
    pub fn start(data: &Path, arguments: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        let file = |name| folder.path().join(name);
        let mut child = Self::command(data)
            .args(["--port", "0", "--ready-file"])
            .arg(file("ready.json"))
            .args(arguments)
            .stdout(File::create(file("stdout")).unwrap())
            .stderr(File::create(file("stderr")).unwrap())
            .spawn()
            .unwrap();
        // Without a limit: it answers or ends, however busy the machine is.
        while !file("ready.json").exists() {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "{}", fs::read_to_string(file("stderr")).unwrap());
            thread::sleep(Duration::from_millis(5));
        }
        let ready = serde_json::from_str(&fs::read_to_string(file("ready.json")).unwrap()).unwrap();
        Self { child, ready, folder }
    }

    /// The program with this data folder, an empty environment and nothing to read.
    pub fn command(data: &Path) -> Command {
        let mut command = Command::new(lambda::binary("local"));
        command.arg("--data").arg(data).env_clear().stdin(Stdio::null());
        command
    }

    /// Where it answers.
    pub fn url(&self) -> &str {
        self.ready["url"].as_str().unwrap()
    }

    /// The id of its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// The port of 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.url().rsplit(':').next().unwrap().parse().unwrap()
    }

    /// The JSON in its ready file.
    pub fn ready(&self) -> &Value {
        &self.ready
    }

    /// What it has printed.
    pub fn greeting(&self) -> String {
        fs::read_to_string(self.folder.path().join("stdout")).unwrap()
    }
}

impl Drop for LocalServer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
