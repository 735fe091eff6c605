//! The real binaries and an AWS whose certificates are of an authority that only this test knows.

use bench::{Authority, AwsStandIn, Scenario};
use harness::{Event, lambda, lambda::Function};
use tempfile::TempDir;

struct Stack {
    scenario: Scenario,
    aws: AwsStandIn,
    roots: String,
    folder: TempDir,
}

impl Stack {
    fn new() -> Self {
        let (scenario, authority, folder) = (Scenario::new(), Authority::new(), TempDir::new().unwrap());
        let aws = AwsStandIn::start(&authority, scenario.secret.clone(), scenario.row.clone());
        let roots = folder.path().join("roots.pem");
        std::fs::write(&roots, authority.root()).unwrap();
        let roots = roots.to_str().unwrap().to_owned();
        Self { scenario, aws, roots, folder }
    }

    async fn start(&self, more: &[(&str, &str)]) -> Function {
        let mut variables = vec![
            ("AWS_ENDPOINT_URL_DYNAMODB", self.aws.dynamodb.as_str()),
            ("AWS_ENDPOINT_URL_SECRETS_MANAGER", self.aws.secrets_manager.as_str()),
            ("USERS_TABLE", "users"),
            ("SIGNING_SECRET", "signing"),
            ("JWT_ISSUER", "https://issuer.example"),
            ("JWT_ALLOW_REFRESH", "true"),
        ];
        variables.extend(more);
        Function::start(&lambda::binary("refresh"), &variables).await
    }

    /// The status of a refresh, and what the function printed.
    async fn refresh(&self, more: &[(&str, &str)]) -> (u64, String) {
        let mut function = self.start(more).await;
        let event = Event(serde_json::from_str(&self.scenario.refresh_event).unwrap());
        let status = function.invoke(&event).await.status;
        (status, function.stop().await)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_only_the_system_s_roots_vouch_for_is_believed_after_amazon_s() {
    let stack = Stack::new();
    let (status, printed) = stack.refresh(&[("SSL_CERT_FILE", &stack.roots)]).await;
    assert_eq!(status, 200, "{printed}");
    assert_eq!(printed.matches("now trusting the system's").count(), 1, "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_one_s_own_is_believed_at_once_and_alone() {
    let stack = Stack::new();
    let (status, printed) = stack.refresh(&[("AWS_CA_BUNDLE", &stack.roots)]).await;
    assert_eq!(status, 200, "{printed}");
    assert!(!printed.contains("trusting the system's"), "{printed}");
    assert_eq!(stack.aws.take_traffic().connections, 2, "one connection a service, opened once");

    let amazon = stack.folder.path().join("amazon.pem");
    std::fs::write(&amazon, Authority::amazon()).unwrap();
    let amazon = ("AWS_CA_BUNDLE", amazon.to_str().unwrap());
    let (status, printed) = stack.refresh(&[amazon, ("SSL_CERT_FILE", &stack.roots)]).await;
    assert_eq!(status, 503, "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_nobody_vouches_for_is_a_503() {
    let (stack, empty) = (Stack::new(), Authority::new());
    let other = stack.folder.path().join("other.pem");
    std::fs::write(&other, empty.root()).unwrap();
    let (status, printed) = stack.refresh(&[("SSL_CERT_FILE", other.to_str().unwrap())]).await;
    assert_eq!(status, 503, "{printed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_that_cannot_be_used_ends_the_function_with_the_name_of_its_variable() {
    let stack = Stack::new();
    let text = stack.folder.path().join("text");
    std::fs::write(&text, "a text").unwrap();
    for (file, problem) in
        [("/no/such/file", "cannot be read"), (text.to_str().unwrap(), "holds no certificate")]
    {
        let printed = stack.start(&[("AWS_CA_BUNDLE", file)]).await.ended().await;
        assert!(printed.contains(&format!("AWS_CA_BUNDLE {problem}")), "{printed}");
    }
}
