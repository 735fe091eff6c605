//! The `jwks` Lambda function.

use edge::SigningKeys;
use jwks::Jwks;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_http::Error> {
    edge::start(|environment, aws| Jwks::new(SigningKeys::to_verify(environment, aws)?, environment)).await
}
