//! A text is taken apart and verified without a panic, and nothing but a token of ours is accepted, of either kind.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use token::{
    AccessVerifier, Algorithm, Issuer, IssuerUrl, Key, KeySet, Schedule, Timestamp, TokenError, UnverifiedToken,
    Verifier,
};

const NOW: u64 = 1_685_728_800;

struct World {
    keys: KeySet,
    verifier: Verifier,
    /// Access tokens are never signed with a shared secret.
    public_keys: KeySet,
    access: AccessVerifier,
    now: Timestamp,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let now = Timestamp::from_seconds(NOW).expect("below 2^53");
    let schedule = Schedule { published: now, signs_from: now, retires: None };
    let key = Key::from_secret("key", b"a secret that the fuzzer never sees", schedule).expect("long enough");
    let url: IssuerUrl = "https://issuer.example".parse().expect("a sound URL");
    let access = AccessVerifier::new(url.clone(), "https://orders.example".parse().expect("a sound name"));
    let issuer = Issuer::new(url, "latchkey".parse().expect("a sound name"));
    let public = Key::generate(Algorithm::ES256, schedule).expect("a random source");
    let public_keys = KeySet::new(vec![public]).expect("one key");
    World {
        keys: KeySet::new(vec![key]).expect("one key"),
        verifier: Verifier::new(issuer),
        public_keys,
        access,
        now,
    }
});

fuzz_target!(|text: &str| {
    let World { keys, verifier, public_keys, access, now } = &*WORLD;
    let verified = verifier.verify(text, keys, *now);
    let rejection = verified.expect_err("a token that nobody signed was accepted");
    assert!(access.verify(text, public_keys, *now).is_err(), "an access token that nobody signed was accepted");
    match UnverifiedToken::parse(text) {
        Ok(token) => {
            // Claims are never reached: every rejection of a well-formed text comes from header or signature.
            assert!(
                matches!(
                    rejection,
                    TokenError::Extension
                        | TokenError::Encrypted
                        | TokenError::ContentType
                        | TokenError::Type
                        | TokenError::UnknownKey
                        | TokenError::Algorithm
                        | TokenError::Signature
                ),
                "{rejection}"
            );
            let _ = token.unverified_claims();
            let _ = (token.problems(*now), token.access_problems(*now), token.unverified_bearer());
            assert!(text.starts_with(token.signing_input()));
        }
        Err(error) => assert_eq!(error, rejection),
    }
});
