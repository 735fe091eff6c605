use keyring::{PublicKeysError, SecretError};
use token::{KeySetError, NextKeySetError};

/// Why a step failed. Carries no key material; the sentence goes to the log and to CloudWatch.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// Not the event of a rotation.
    #[error("the event has no Step, SecretId and ClientRequestToken")]
    UnreadableEvent,
    /// Another step than the four.
    #[error("the step is none of createSecret, setSecret, testSecret and finishSecret")]
    UnknownStep,
    /// Not the secret of `SIGNING_SECRET`.
    #[error("the event is about another secret than SIGNING_SECRET")]
    OtherSecret,
    /// Somebody switched rotation off.
    #[error("the secret is not enabled for rotation")]
    RotationDisabled,
    /// `ClientRequestToken` is no version of the secret.
    #[error("the secret has no version of this ClientRequestToken")]
    UnknownVersion,
    /// The version has lost `AWSPENDING`, or never had it.
    #[error("the version is not labelled AWSPENDING")]
    NotPending,
    /// No version is `AWSCURRENT`, so there is nothing to come after.
    #[error("no version is labelled AWSCURRENT")]
    NothingCurrent,
    /// `createSecret` has not run.
    #[error("the AWSPENDING version has no value yet")]
    NoPendingValue,
    /// The value under this label is no key set.
    #[error("the {label} version cannot be used")]
    Unusable {
        /// `AWSCURRENT` or `AWSPENDING`.
        label: &'static str,
        /// What is wrong with it.
        source: KeySetError,
    },
    /// The next set could not be made.
    #[error("the next key set cannot be made")]
    Rotation(#[from] NextKeySetError),
    /// The secret was changed while the rotation ran; its label is gone.
    #[error("the secret was changed since this rotation began, which is given up: rotate again")]
    NotTheNext,
    /// The rotation took so long that its key would sign before every cache knows it; its label is gone.
    #[error("the new key would sign before every verifier knows it; this rotation is given up: rotate again")]
    TooLate,
    /// The pending set cannot sign.
    #[error("the pending key set does not sign")]
    DoesNotSign,
    /// The pending set rejects what it signed.
    #[error("the pending key set does not verify what it signs")]
    DoesNotVerify,
    /// The secret is as it should be, the copy of its public halves may not be.
    #[error("the public keys could not be published")]
    NotPublished(#[from] PublicKeysError),
    /// Secrets Manager rejected a call or did not answer.
    #[error(transparent)]
    SecretsManager(#[from] SecretError),
}
