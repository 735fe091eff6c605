use proptest::prelude::*;

use super::*;

const T: u64 = 1_685_728_800;
const HOUR: u64 = 3600;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn policy(algorithm: Algorithm) -> RotationPolicy {
    RotationPolicy::new(algorithm, Seconds::new(3600), Seconds::new(HOUR))
}

fn rotated(set: &KeySet, now: u64) -> KeySet {
    KeySet::rotated(Some(set), policy(Algorithm::EdDSA), at(now)).unwrap()
}

fn first() -> KeySet {
    KeySet::rotated(None, policy(Algorithm::EdDSA), at(T)).unwrap()
}

fn schedule(set: &KeySet, index: usize) -> (u64, u64, Option<u64>) {
    let Schedule { published, signs_from, retires } = set.keys()[index].schedule();
    (published.into(), signs_from.into(), retires.map(u64::from))
}

#[test]
fn the_first_key_signs_at_once() {
    let set = first();
    assert_eq!(schedule(&set, 0), (T, T, None));
    assert_eq!(set.keys().len(), 1);
}

/// From the drawing of a key to its first signature: the run, the publication, a function's cache, API Gateway's.
const LEAD: u64 = 600 + 300 + 3900 + 2 * HOUR;

#[test]
fn a_new_key_is_published_before_it_signs_for_as_long_as_all_caches_last_and_the_old_one_outlives_its_tokens()
{
    let set = rotated(&first(), T + 100);
    let signs_from = T + 100 + LEAD;
    assert_eq!(schedule(&set, 1), (T + 100, signs_from, None));
    assert_eq!(schedule(&set, 0), (T, T, Some(signs_from + HOUR + 300)));
    let signer = |now| set.signing_key(at(now)).unwrap().id();
    assert_eq!(signer(signs_from - 1), set.keys()[0].id());
    assert_eq!(signer(signs_from), set.keys()[1].id());
}

#[test]
fn a_long_stale_time_makes_the_notice_longer() {
    let policy = RotationPolicy::new(Algorithm::EdDSA, Seconds::new(24 * HOUR), Seconds::new(HOUR));
    let set = KeySet::rotated(Some(&first()), policy, at(T)).unwrap();
    assert_eq!(schedule(&set, 1).1, T + 600 + 300 + 300 + 24 * HOUR + 2 * HOUR);
}

#[test]
fn a_key_that_retired_is_left_out_and_a_decided_end_stays() {
    let twice = rotated(&rotated(&first(), T), T + 60);
    assert_eq!(twice.keys().len(), 3);
    assert_eq!(schedule(&twice, 0), schedule(&rotated(&first(), T), 0));
    let later = rotated(&twice, T + 24 * HOUR);
    assert_eq!(later.keys().len(), 2);
    assert_eq!(later.keys()[0].id(), twice.keys()[2].id());
}

#[test]
fn rotating_away_from_a_bare_secret_is_an_ordinary_rotation() {
    let bare = KeySet::from_secret(crate::weak_secret::SOUND_BARE).unwrap();
    let set = KeySet::rotated(Some(&bare), policy(Algorithm::RS256), at(T)).unwrap();
    let read = KeySet::from_secret(&set.to_secret()).unwrap();
    assert_eq!(read.signing_key(at(T)).unwrap().id(), bare.keys()[0].id());
    assert_eq!(read.signing_key(at(T + LEAD)).unwrap().algorithm(), Algorithm::RS256);
    let back = KeySet::rotated(Some(&read), policy(Algorithm::HS256), at(T + 5 * HOUR)).unwrap();
    assert_eq!(back.signing_key(at(T + 5 * HOUR + LEAD)).unwrap().algorithm(), Algorithm::HS256);
}

#[test]
fn a_key_whose_turn_would_come_after_the_new_one_s_is_dropped() {
    let slow = RotationPolicy::new(Algorithm::EdDSA, Seconds::new(24 * HOUR), Seconds::new(HOUR));
    let set = KeySet::rotated(Some(&first()), slow, at(T)).unwrap();
    let next = rotated(&set, T + 60);
    assert_eq!(next.keys().len(), 2);
    assert!(next.keys().iter().all(|key| key.id() != set.keys()[1].id()));
    assert!(set.is_followed_by(&next, at(T + 60)));
}

#[test]
fn a_key_of_others_that_only_verifies_here_is_not_given_an_end() {
    let others = Key::generate(Algorithm::EdDSA, first().keys()[0].schedule()).unwrap().to_public().unwrap();
    let set = KeySet::new(vec![first().keys()[0].clone(), others.clone()]).unwrap();
    let next = rotated(&set, T);
    assert!(set.is_followed_by(&next, at(T + 60)));
    assert_eq!(next.keys()[1].schedule(), others.schedule());
    assert!(next.keys()[0].schedule().retires.is_some());
}

#[test]
fn a_key_that_was_added_by_hand_meanwhile_is_not_dropped() {
    let (set, next) = (first(), rotated(&first(), T));
    let set = KeySet::new(
        next.keys()[..1].iter().map(|key| key.with_schedule(set.keys()[0].schedule()).unwrap()).collect(),
    )
    .unwrap();
    assert!(set.is_followed_by(&next, at(T + 60)));
    let soon = Schedule { published: at(T + 30), signs_from: at(T + HOUR), retires: None };
    let added = Key::generate(Algorithm::EdDSA, soon).unwrap();
    let changed = KeySet::new(vec![set.keys()[0].clone(), added]).unwrap();
    assert!(!changed.is_followed_by(&next, at(T + 60)));
}

#[test]
fn where_every_key_has_an_end_the_new_one_signs_when_the_last_retires() {
    let ends = Schedule { published: at(T), signs_from: at(T), retires: Some(at(T + 600)) };
    let set = KeySet::new(vec![Key::generate(Algorithm::EdDSA, ends).unwrap()]).unwrap();
    assert_eq!(schedule(&rotated(&set, T + 1), 1).1, T + 600);
    assert_eq!(schedule(&rotated(&set, T + 700), 0).1, T + 700);
}

#[test]
fn keys_do_not_pile_up_beyond_what_the_secret_holds() {
    let mut set = first();
    for minute in 1..24 {
        set = KeySet::rotated(Some(&set), policy(Algorithm::RS256), at(T + 60 * minute)).unwrap();
    }
    assert!(set.to_secret().len() < 60_000);
    let rejected = KeySet::rotated(Some(&set), policy(Algorithm::RS256), at(T + 3000)).unwrap_err();
    assert!(matches!(rejected, NextKeySetError::TooManyKeys(next) if next > at(T + 3000)), "{rejected}");
}

#[test]
fn the_next_set_is_recognised_and_no_other() {
    let (set, now) = (first(), at(T + 60));
    let next = rotated(&set, T);
    assert!(set.is_followed_by(&next, now));
    assert!(!set.is_followed_by(&set, now), "no new key");
    assert!(!set.is_followed_by(&first(), now), "a key is gone");
    let other_end = KeySet::rotated(Some(&next), policy(Algorithm::EdDSA), at(T + 60)).unwrap();
    assert!(next.is_followed_by(&other_end, now));
    assert!(!other_end.is_followed_by(&next, now), "an end was taken back, or a key is gone");
    let same_name = set.keys()[0].id();
    let forged = Key::from_secret(same_name, &[1; 32], set.keys()[0].schedule()).unwrap();
    let forged = KeySet::rotated(Some(&KeySet::new(vec![forged]).unwrap()), policy(Algorithm::HS256), at(T));
    assert!(!set.is_followed_by(&forged.unwrap(), now), "another key of the same kid");
}

#[test]
fn a_set_that_comes_into_force_too_late_gives_no_notice() {
    let set = first();
    let next = rotated(&set, T);
    assert!(next.gives_notice(Some(&set), policy(Algorithm::EdDSA), at(T + 600)));
    assert!(!next.gives_notice(Some(&set), policy(Algorithm::EdDSA), at(T + 601)));
    assert!(set.gives_notice(None, policy(Algorithm::EdDSA), at(T + 9999)), "nobody waits for the first key");
}

/// One set and from when on Secrets Manager hands it out.
struct InForce {
    from: u64,
    set: KeySet,
}

/// What is held at `now` whose way from Secrets Manager took `age`.
fn cached(history: &[InForce], now: u64, age: u64) -> &KeySet {
    let read_at = now.saturating_sub(age);
    let at_hand = history.iter().rfind(|entry| entry.from <= read_at);
    // Before the first set there was nothing to read: the function reads until it has keys.
    &at_hand.unwrap_or(&history[0]).set
}

/// How old three caches are, as shares of how old they may be; at their oldest half of the time.
fn ages() -> impl Strategy<Value = [f64; 3]> {
    prop_oneof![Just([1.0; 3]), prop::array::uniform3(0.0_f64..1.0)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Any schedule of rotations, any settings, any caches: who holds a token keeps it to its end.
    #[test]
    fn tokens_live_to_their_own_end_over_any_number_of_rotations(
        gaps in prop::collection::vec((0_u64..40_000, 0_u64..=600), 1..12),
        life in 1_u64..200_000,
        cache_age in 300_u64..90_000,
        tokens in prop::collection::vec((0_u64..600_000, 0.0_f64..1.0, ages(), 0.0_f64..1.0), 40),
    ) {
        let policy = RotationPolicy::new(Algorithm::HS256, Seconds::new(cache_age), Seconds::new(life));
        let mut history = vec![InForce { from: T, set: KeySet::rotated(None, policy, at(T)).unwrap() }];
        let mut drawn_at = T;
        for (gap, run_time) in gaps {
            drawn_at = drawn_at.max(history.last().unwrap().from) + gap;
            let set = KeySet::rotated(Some(&history.last().unwrap().set), policy, at(drawn_at)).unwrap();
            let from = drawn_at + run_time;
            prop_assert!(set.gives_notice(Some(&history.last().unwrap().set), policy, at(from)));
            history.push(InForce { from, set });
        }
        #[expect(clippy::cast_sign_loss, clippy::cast_possible_truncation, clippy::cast_precision_loss,
            reason = "a share of a duration in whole seconds")]
        let share = |of: u64, share: f64| (of as f64 * share) as u64;
        for (offset, signer_age, [publication, function, api_gateway], moment) in tokens {
            // One cache behind the other: the table, the function that serves the JWK set, API Gateway.
            let verifier_age = share(300, publication) + share(cache_age, function) + share(2 * HOUR, api_gateway);
            let signed_at = T + offset;
            let ring = cached(&history, signed_at, share(cache_age, signer_age));
            let key = ring.signing_key(at(signed_at)).expect("a key that signs").id();
            // From the instant of the signature to the last second of the token.
            let seen_at = signed_at + share(life - 1, moment);
            for now in [signed_at, seen_at, signed_at + life - 1] {
                let ring = cached(&history, now, verifier_age);
                prop_assert!(ring.verification_key(key, at(now)).is_some(), "rejected {} s after login", now - signed_at);
            }
        }
    }
}
