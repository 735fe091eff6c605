//! SDK clients built by hand, with limits. The SDK's own defaults wait for ever on a socket that
//! died while the function was frozen.

use std::time::Duration;

use aws_credential_types::provider::SharedCredentialsProvider;
use aws_sdk_dynamodb::config::{
    BehaviorVersion, Credentials, Region, SharedHttpClient, StalledStreamProtectionConfig,
    retry::{RetryPartition, TokenBucket},
};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};

use aws_types::SdkConfig;

use crate::{https, roots};

/// A variable that is missing or wrong; says which and what it must be, never what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{variable} {problem}")]
pub struct SettingError {
    /// Its name.
    pub variable: &'static str,
    /// What it must be.
    pub problem: &'static str,
}

/// What every AWS client needs, out of the variables that Lambda sets.
#[derive(Clone)]
pub struct AwsSettings {
    region: Region,
    credentials: Credentials,
    dynamodb_endpoint: Option<String>,
    secrets_manager_endpoint: Option<String>,
    ses_endpoint: Option<String>,
    use_fips: bool,
    use_dual_stack: bool,
    /// One for all clients, which share its connections.
    http: SharedHttpClient,
    /// One for all clients of `DynamoDB`.
    dynamodb_retries: RetryPartition,
    /// One for all clients of Secrets Manager: an outage of one service leaves the other its retries.
    secrets_manager_retries: RetryPartition,
}

impl AwsSettings {
    /// Reads `AWS_REGION`, `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and, for
    /// emulators, `AWS_ENDPOINT_URL_DYNAMODB`, `AWS_ENDPOINT_URL_SECRETS_MANAGER`, `AWS_ENDPOINT_URL_SESV2` or
    /// `AWS_ENDPOINT_URL`.
    ///
    /// `AWS_USE_FIPS_ENDPOINT` and `AWS_USE_DUALSTACK_ENDPOINT` (false) choose other endpoints of AWS: validated
    /// cryptography (FIPS 140), and IPv6 beside IPv4.
    ///
    /// `AWS_CA_BUNDLE` names a PEM file of the certificate authorities to trust instead of the built-in ones, as it
    /// does for every SDK of AWS.
    ///
    /// Lambda's credentials live as long as the environment of the function, so they are read once. An empty variable
    /// counts as absent.
    pub fn new(lookup: &dyn Fn(&str) -> Option<String>) -> Result<Self, SettingError> {
        let optional = |variable: &str| lookup(variable).filter(|value| !value.is_empty());
        let required = |variable| optional(variable).ok_or(SettingError { variable, problem: "must be set" });
        let endpoint = |variable| optional(variable).or_else(|| optional("AWS_ENDPOINT_URL"));
        let flag = |variable: &'static str| match optional(variable).as_deref() {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(SettingError { variable, problem: "must be true or false" }),
        };
        let tls = match optional("AWS_CA_BUNDLE") {
            None => roots::trusting_amazon(),
            Some(file) => std::fs::read(file)
                .map_err(|_| "cannot be read")
                .and_then(|pem| roots::trusting(&pem))
                .map_err(|problem| SettingError { variable: "AWS_CA_BUNDLE", problem })?,
        };
        Ok(Self {
            region: Region::new(required("AWS_REGION")?),
            credentials: Credentials::new(
                required("AWS_ACCESS_KEY_ID")?,
                required("AWS_SECRET_ACCESS_KEY")?,
                optional("AWS_SESSION_TOKEN"),
                None,
                "environment",
            ),
            dynamodb_endpoint: endpoint("AWS_ENDPOINT_URL_DYNAMODB"),
            secrets_manager_endpoint: endpoint("AWS_ENDPOINT_URL_SECRETS_MANAGER"),
            ses_endpoint: endpoint("AWS_ENDPOINT_URL_SESV2"),
            use_fips: flag("AWS_USE_FIPS_ENDPOINT")?,
            use_dual_stack: flag("AWS_USE_DUALSTACK_ENDPOINT")?,
            http: https::client(tls),
            dynamodb_retries: retry_budget("dynamodb"),
            secrets_manager_retries: retry_budget("secretsmanager"),
        })
    }

    /// A DynamoDB at `dynamodb_endpoint` on this machine, which takes any credentials.
    pub fn embedded(dynamodb_endpoint: String) -> Self {
        Self {
            dynamodb_endpoint: Some(dynamodb_endpoint),
            ..Self::in_process(https::client(roots::trusting_amazon()))
        }
    }

    /// A DynamoDB inside this process, which `http` reaches without a connection.
    pub fn in_process(http: SharedHttpClient) -> Self {
        Self {
            region: Region::new("local"),
            credentials: Credentials::new("local", "local", None, None, "embedded"),
            dynamodb_endpoint: Some("http://in-process.invalid".to_owned()),
            secrets_manager_endpoint: None,
            ses_endpoint: Some("http://in-process.invalid".to_owned()),
            use_fips: false,
            use_dual_stack: false,
            http,
            dynamodb_retries: retry_budget("dynamodb"),
            secrets_manager_retries: retry_budget("secretsmanager"),
        }
    }

    /// A DynamoDB client.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.region.clone())
            .credentials_provider(self.credentials.clone())
            .http_client(self.http_client())
            .timeout_config(timeouts())
            .retry_config(retries())
            .retry_partition(self.dynamodb_retries.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_use_fips(Some(self.use_fips)).set_use_dual_stack(Some(self.use_dual_stack));
        config.set_endpoint_url(self.dynamodb_endpoint.clone());
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// A DynamoDB client for what nobody waits for: large pages, and many of them.
    pub fn patient_dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(PATIENCE).build();
        let retries = RetryConfig::standard().with_max_attempts(6);
        let config = self.dynamodb().config().to_builder().timeout_config(timeouts).retry_config(retries);
        aws_sdk_dynamodb::Client::from_conf(config.retry_partition(RetryPartition::new("patient")).build())
    }

    /// A Secrets Manager client.
    pub fn secrets_manager(&self) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::Config::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.region.clone())
            .credentials_provider(self.credentials.clone())
            .http_client(self.http_client())
            .timeout_config(timeouts())
            .retry_config(retries())
            .retry_partition(self.secrets_manager_retries.clone())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_use_fips(Some(self.use_fips)).set_use_dual_stack(Some(self.use_dual_stack));
        config.set_endpoint_url(self.secrets_manager_endpoint.clone());
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    /// What a client of SES is made of. It makes one attempt: an answer that is lost may be that of a letter which was sent.
    pub fn for_ses(&self) -> SdkConfig {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(SES_PATIENCE).build();
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::v2026_01_12())
            .region(self.region.clone())
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .http_client(self.http_client())
            .timeout_config(timeouts)
            .retry_config(RetryConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        config.set_use_fips(Some(self.use_fips)).set_use_dual_stack(Some(self.use_dual_stack));
        config.set_endpoint_url(self.ses_endpoint.clone());
        config.build()
    }

    /// The HTTP client of all endpoints.
    pub fn http_client(&self) -> SharedHttpClient {
        self.http.clone()
    }
}

/// How long SES may take for a letter.
const SES_PATIENCE: Duration = Duration::from_secs(4);

/// How long one call may take that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Many times over in the worst case, so a handler needs a limit of its own.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_millis(2500))
        .build()
}

/// With these a call succeeds in 999.9 of 1,000 cases when one attempt in ten fails, and in 992 when three in ten do;
/// a login makes two calls.
fn retries() -> RetryConfig {
    RetryConfig::standard()
        .with_max_attempts(4)
        .with_initial_backoff(Duration::from_millis(25))
        .with_max_backoff(Duration::from_millis(200))
}

/// What bounds retries while everything fails: ten, and then one attempt a call until calls succeed again.
///
/// A success pays for a retry, so the budget stays full while up to half of the attempts fail. The SDK's
/// default allows a hundred, which triples the load on a service that is down. Nothing is refilled by time: a function
/// with few calls would retry all of them through an outage.
fn retry_budget(service: &'static str) -> RetryPartition {
    let bucket =
        TokenBucket::builder().capacity(10).retry_cost(1).throttling_retry_cost(1).timeout_retry_cost(1);
    RetryPartition::custom(service).token_bucket(bucket.build()).build()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use aws_smithy_runtime_api::client::{
        http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
        orchestrator::HttpRequest,
        result::ConnectorError,
        runtime_components::RuntimeComponents,
    };

    use super::*;

    /// A network that nothing answers on, and which remembers what was asked of it.
    #[derive(Clone, Debug, Default)]
    struct Recorder(Arc<Mutex<Vec<String>>>);

    impl HttpConnector for Recorder {
        fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
            self.0.lock().unwrap().push(request.uri().to_owned());
            HttpConnectorFuture::ready(Err(ConnectorError::user("recorded".into())))
        }
    }

    impl HttpClient for Recorder {
        fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
            SharedHttpConnector::new(self.clone())
        }
    }

    fn settings(region: &str, fips: &str, dual_stack: &str) -> Result<AwsSettings, SettingError> {
        AwsSettings::new(&|variable| {
            let value = match variable {
                "AWS_REGION" => region,
                "AWS_ACCESS_KEY_ID" | "AWS_SECRET_ACCESS_KEY" => "test",
                "AWS_USE_FIPS_ENDPOINT" => fips,
                "AWS_USE_DUALSTACK_ENDPOINT" => dual_stack,
                _ => return None,
            };
            Some(value.to_owned())
        })
    }

    /// Where the clients of `settings` send their requests.
    async fn asked(mut settings: AwsSettings) -> Vec<String> {
        let network = Recorder::default();
        settings.http = SharedHttpClient::new(network.clone());
        let _failed = settings.dynamodb().list_tables().send().await;
        let _failed = settings.secrets_manager().list_secrets().send().await;
        let mut asked = network.0.lock().unwrap().clone();
        asked.dedup();
        asked
    }

    #[tokio::test]
    async fn endpoints_are_those_of_the_region_and_of_the_two_switches() {
        for (region, fips, dual_stack, hosts) in [
            (
                "eu-west-1",
                "",
                "",
                ["dynamodb.eu-west-1.amazonaws.com", "secretsmanager.eu-west-1.amazonaws.com"],
            ),
            (
                "us-east-1",
                "true",
                "false",
                ["dynamodb-fips.us-east-1.amazonaws.com", "secretsmanager-fips.us-east-1.amazonaws.com"],
            ),
            (
                "us-gov-west-1",
                "true",
                "",
                ["dynamodb.us-gov-west-1.amazonaws.com", "secretsmanager-fips.us-gov-west-1.amazonaws.com"],
            ),
            // Secrets Manager answers on IPv6 under its ordinary name.
            (
                "eu-west-1",
                "false",
                "true",
                ["dynamodb.eu-west-1.api.aws", "secretsmanager.eu-west-1.amazonaws.com"],
            ),
            (
                "cn-north-1",
                "",
                "",
                ["dynamodb.cn-north-1.amazonaws.com.cn", "secretsmanager.cn-north-1.amazonaws.com.cn"],
            ),
        ] {
            let asked = asked(settings(region, fips, dual_stack).unwrap()).await;
            assert_eq!(asked, hosts.map(|host| format!("https://{host}/")), "{region} {fips} {dual_stack}");
        }
    }

    #[test]
    fn a_switch_is_true_or_false() {
        let wrong = settings("eu-west-1", "yes", "").err().unwrap();
        assert_eq!(wrong.to_string(), "AWS_USE_FIPS_ENDPOINT must be true or false");
    }
}
