//! The `jwks` Lambda function.

use jwks::Jwks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| Jwks::new(environment.verification_keys(aws)?, environment)).await
}
