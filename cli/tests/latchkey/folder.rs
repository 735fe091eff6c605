use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
};

use local_data::Store;
use serde_json::Value;
use token::{Entropy, RefreshSwitch, Seconds, SessionId, SessionPolicy, Timestamp};
use users::{Account, EarlierFailures, NewSession, User, VerifiedLogin};

/// The data folder of a local server, gone with the test.
pub(crate) struct Folder(PathBuf);

/// What a run of the program left behind.
#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("latchkey-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        #[cfg(unix)]
        fs::set_permissions(&folder, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The program with `--local` and this folder.
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> Run {
        let mut command = latchkey(arguments);
        command.arg("--local").arg(&self.0);
        run(command, input)
    }

    /// The JSON of a run that must succeed.
    pub(crate) fn json(&self, arguments: &[&str], input: &str) -> Value {
        let run = self.run(&[arguments, &["--json"]].concat(), input);
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{arguments:?}");
        serde_json::from_str(&run.out).unwrap()
    }

    /// The user as another process with the same store open sees them.
    pub(crate) fn user(&self, name: &str) -> Option<User> {
        runtime().block_on(async {
            let store = Store::open(&self.0).await.unwrap();
            store.users.find(&name.parse().unwrap()).await.unwrap()
        })
    }

    /// Logs the user in, as the login function does.
    pub(crate) fn open_session(&self, name: &str, bits: u8, at: u64, user_agent: Option<&str>) -> SessionId {
        let id = SessionId::new(Entropy([bits; 16]));
        let at = Timestamp::from_seconds(at).unwrap();
        let session = NewSession { id, issued_at: at, user_agent, source_ip: Some("192.0.2.7") };
        let policy =
            SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), RefreshSwitch::On).unwrap();
        runtime().block_on(async {
            let users = Store::open(&self.0).await.unwrap().users;
            let user = users.find(&name.parse().unwrap()).await.unwrap().unwrap();
            let login = VerifiedLogin {
                user: &Account::from(user),
                session: &session,
                upgraded_hash: None,
                earlier_failures: EarlierFailures::None,
            };
            users.open_session(&login, &policy).await.unwrap();
        });
        id
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that stays is no failure of what was tested.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The program with an empty environment.
pub(crate) fn latchkey(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
    command.args(arguments).env_clear();
    command
}

/// Runs it with this on its standard input.
pub(crate) fn run(mut command: Command, input: &str) -> Run {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().unwrap();
    // A program that rejects its arguments has gone before it reads.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
    Run {
        status: status.code().unwrap(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
    }
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}
