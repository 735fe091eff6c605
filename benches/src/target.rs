use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use stand_ins::RuntimeApi;

use crate::{AwsStandIn, scenario};

/// A program to measure, and the event it gets.
#[derive(Clone, Debug)]
pub struct Target {
    pub name: &'static str,
    pub program: PathBuf,
    pub event: String,
}

/// A running one; stopped when it is dropped.
pub struct Process {
    child: Child,
}

impl Target {
    /// Starts the program as Lambda would, `under` a tool if one is named.
    pub fn start(&self, api: &RuntimeApi, aws: &AwsStandIn, bundle: &str, under: &[String]) -> Process {
        let mut words = under.iter().cloned().chain([self.program.display().to_string()]);
        let mut command = Command::new(words.next().unwrap());
        command
            .args(words)
            .env_clear()
            .env("AWS_LAMBDA_RUNTIME_API", api.address.to_string())
            .env("AWS_LAMBDA_FUNCTION_NAME", "function")
            .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .env("AWS_LAMBDA_LOG_FORMAT", "JSON")
            .env("AWS_LAMBDA_LOG_GROUP_NAME", "group")
            .env("AWS_LAMBDA_LOG_STREAM_NAME", "stream")
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
            .env("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
            .env("AWS_SESSION_TOKEN", "token")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", &aws.secrets_manager)
            .env("AWS_ENDPOINT_URL_DYNAMODB", &aws.dynamodb)
            // Ours read the first, the SDK's defaults the second in place of the system's roots.
            .env("AWS_CA_BUNDLE", bundle)
            .env("SSL_CERT_FILE", bundle)
            .env("SIGNING_SECRET", "signing")
            .env("USERS_TABLE", scenario::TABLE)
            .env("JWT_ISSUER", scenario::ISSUER)
            .env("JWT_ALLOW_REFRESH", "true")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if std::env::var_os("BENCH_STDERR").is_none() {
            command.stderr(Stdio::null());
        }
        let child = command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.program.display()));
        Process { child }
    }

    /// The bytes of the program, and of a zip of it.
    pub fn sizes(&self) -> (u64, u64) {
        let bytes = fs::read(&self.program).unwrap();
        let mut deflated = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut deflated, &bytes).unwrap();
        // A local header, a central one and the end, each with the name `bootstrap`.
        (bytes.len() as u64, deflated.finish().unwrap().len() as u64 + 138)
    }
}

impl Process {
    /// The most memory it has had resident, in bytes.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
    }

    /// The time that its threads have had a processor, in nanoseconds; those that have ended are not seen.
    pub fn processor_time(&self) -> u64 {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let of_task = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split_whitespace()
                .next()
                .and_then(|nanoseconds| nanoseconds.parse::<u64>().ok())
                .unwrap_or(0)
        };
        tasks.flatten().map(of_task).sum()
    }

    /// Ends it so that Valgrind still writes what it counted.
    pub fn terminate(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
