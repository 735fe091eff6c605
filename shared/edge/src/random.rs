//! The one place that draws identifiers.

use token::Entropy;

/// 128 bits of the cryptographic random source.
#[expect(clippy::disallowed_methods, reason = "the single draw of identifiers")]
pub fn entropy() -> Result<Entropy, RandomError> {
    let mut bits = [0; 16];
    aws_lc_rs::rand::fill(&mut bits).map_err(|_| RandomError)?;
    Ok(Entropy(bits))
}

/// The random source failed; nothing can be issued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the random source failed")]
pub struct RandomError;
