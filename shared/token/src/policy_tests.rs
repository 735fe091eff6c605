//! Every row of the rule table, every number of the worked example, and a model over random chains.

use proptest::prelude::*;

use super::*;

const LOGIN: u64 = 1_685_728_800;
const HOUR: u64 = 3600;
const TWO_DAYS: u64 = 172_800;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn policy(expiration: u64, refresh: u64) -> SessionPolicy {
    SessionPolicy::new(Seconds::new(expiration), Seconds::new(refresh), RefreshSwitch::On).unwrap()
}

/// The session of a client that refreshes every `step` seconds: the last token and its refresh.
fn kept_alive(policy: SessionPolicy, step: u64, until: u64) -> Lifetime {
    let mut lifetime = policy.log_in(at(LOGIN));
    for offset in (step..=until).step_by(usize::try_from(step).unwrap()) {
        lifetime = policy.refresh(lifetime, at(LOGIN + offset)).unwrap();
    }
    lifetime
}

#[test]
fn a_login_lives_from_now_for_the_expiration() {
    let token = policy(HOUR, TWO_DAYS).log_in(at(LOGIN));
    assert_eq!(token, Lifetime { issued_at: at(LOGIN), expires_at: at(LOGIN + HOUR) });
}

#[test]
fn a_refresh_keeps_iat_and_moves_exp() {
    let policy = policy(HOUR, TWO_DAYS);
    let token = policy.refresh(policy.log_in(at(LOGIN)), at(LOGIN + 600)).unwrap();
    assert_eq!(token, Lifetime { issued_at: at(1_685_728_800), expires_at: at(1_685_733_000) });
}

#[test]
fn the_old_token_can_be_refreshed_again() {
    let policy = policy(HOUR, TWO_DAYS);
    let old = policy.log_in(at(LOGIN));
    policy.refresh(old, at(LOGIN + 600)).unwrap();
    assert!(old.is_live(at(LOGIN + 601)));
    assert!(policy.refresh(old, at(LOGIN + 601)).is_ok());
}

#[test]
fn a_token_is_live_until_the_second_before_exp() {
    let policy = policy(HOUR, TWO_DAYS);
    let token = policy.log_in(at(LOGIN));
    assert!(token.is_live(at(LOGIN + HOUR - 1)));
    assert!(policy.refresh(token, at(LOGIN + HOUR - 1)).is_ok());
    assert!(!token.is_live(at(LOGIN + HOUR)));
    assert_eq!(policy.refresh(token, at(LOGIN + HOUR)), Err(RefreshError::Expired));
}

#[test]
fn an_expired_token_is_rejected_inside_the_refresh_window() {
    let policy = policy(HOUR, TWO_DAYS);
    assert_eq!(policy.refresh(policy.log_in(at(LOGIN)), at(LOGIN + 86_400)), Err(RefreshError::Expired));
}

#[test]
fn a_token_kept_alive_is_refreshed_at_the_limit_and_outlives_it() {
    let policy = policy(HOUR, TWO_DAYS);
    let token = policy.refresh(kept_alive(policy, 1800, TWO_DAYS - 1800), at(LOGIN + TWO_DAYS)).unwrap();
    assert_eq!(token.expires_at, at(1_685_905_200));
    assert_eq!(token.expires_at, policy.latest_expiry(at(LOGIN)));
    assert_eq!(Seconds::new(token.expires_at.seconds() - LOGIN).to_string(), "2 d 1 h");
}

#[test]
fn a_token_kept_alive_is_rejected_one_second_after_the_limit() {
    let policy = policy(HOUR, TWO_DAYS);
    let token = kept_alive(policy, 1800, TWO_DAYS);
    assert!(token.is_live(at(LOGIN + TWO_DAYS + 1)));
    assert_eq!(policy.refresh(token, at(LOGIN + TWO_DAYS + 1)), Err(RefreshError::LimitPassed));
}

#[test]
fn refreshing_every_thirty_minutes_succeeds_96_times() {
    let policy = policy(HOUR, TWO_DAYS);
    let mut token = policy.log_in(at(LOGIN));
    let mut refreshes = 0;
    while let Ok(next) = policy.refresh(token, at(LOGIN + (refreshes + 1) * 1800)) {
        token = next;
        refreshes += 1;
    }
    assert_eq!(refreshes, 96);
    assert!(token.is_live(at(LOGIN + TWO_DAYS + HOUR - 1)));
    assert!(!token.is_live(at(LOGIN + TWO_DAYS + HOUR)));
}

#[test]
fn when_both_limits_have_passed_the_expiry_is_what_is_said() {
    let policy = policy(HOUR, 60);
    assert_eq!(policy.refresh(policy.log_in(at(LOGIN)), at(LOGIN + HOUR)), Err(RefreshError::Expired));
}

#[test]
fn refresh_delta_zero_allows_the_second_of_the_login_only() {
    let policy = policy(HOUR, 0);
    let token = policy.log_in(at(LOGIN));
    assert!(policy.refresh(token, at(LOGIN)).is_ok());
    assert_eq!(policy.refresh(token, at(LOGIN + 1)), Err(RefreshError::LimitPassed));
}

#[test]
fn a_refresh_delta_below_the_expiration_obeys_the_same_formula() {
    let policy = policy(HOUR, 1800);
    let token = policy.log_in(at(LOGIN));
    assert_eq!(policy.refresh(token, at(LOGIN + 1800)).unwrap().expires_at, at(LOGIN + 1800 + HOUR));
    assert_eq!(policy.refresh(token, at(LOGIN + 1801)), Err(RefreshError::LimitPassed));
}

#[test]
fn switched_off_rejects_tokens_issued_while_it_was_on() {
    let on = policy(HOUR, TWO_DAYS);
    let off = SessionPolicy::new(on.expiration(), on.refresh_expiration(), RefreshSwitch::Off).unwrap();
    assert_eq!(off.refresh(on.log_in(at(LOGIN)), at(LOGIN + 1)), Err(RefreshError::SwitchedOff));
    assert_eq!(off.latest_expiry(at(LOGIN)), at(LOGIN + HOUR));
}

#[test]
fn a_session_ends_with_its_token_where_nothing_is_refreshed_and_never_before_it() {
    let on = policy(HOUR, TWO_DAYS);
    let off = SessionPolicy::new(on.expiration(), on.refresh_expiration(), RefreshSwitch::Off).unwrap();
    let token = |life| Lifetime { issued_at: at(LOGIN), expires_at: at(LOGIN + life) };
    for (life, while_on, while_off) in [
        (HOUR, TWO_DAYS + HOUR, HOUR),
        (60, TWO_DAYS + HOUR, 60),
        // Issued under a longer policy.
        (3 * TWO_DAYS, 3 * TWO_DAYS, 3 * TWO_DAYS),
    ] {
        assert_eq!(on.session_end(token(life)), at(LOGIN + while_on));
        assert_eq!(off.session_end(token(life)), at(LOGIN + while_off));
    }
}

#[test]
fn the_time_left_for_refreshing_ends_at_zero_and_is_none_where_nothing_is_refreshed() {
    let on = policy(HOUR, TWO_DAYS);
    let off = SessionPolicy::new(on.expiration(), on.refresh_expiration(), RefreshSwitch::Off).unwrap();
    for (second, left) in [(0, TWO_DAYS), (600, TWO_DAYS - 600), (TWO_DAYS, 0), (TWO_DAYS + 1, 0)] {
        let now = at(LOGIN + second);
        assert_eq!(on.refresh_time_left(at(LOGIN), now), Some(Seconds::new(left)));
        assert_eq!(off.refresh_time_left(at(LOGIN), now), None);
    }
}

#[test]
fn refreshing_is_off_unless_said_otherwise() {
    assert_eq!(RefreshSwitch::default(), RefreshSwitch::Off);
}

#[test]
fn nonsense_durations_make_no_policy() {
    let new = |expiration, refresh| {
        SessionPolicy::new(Seconds::new(expiration), Seconds::new(refresh), RefreshSwitch::On)
    };
    assert_eq!(new(0, 60), Err(PolicyError::ExpirationIsZero));
    assert_eq!(new(366 * 86_400 + 1, 60), Err(PolicyError::ExpirationTooLong));
    assert_eq!(new(60, 3660 * 86_400 + 1), Err(PolicyError::RefreshExpirationTooLong));
    assert!(new(366 * 86_400, 3660 * 86_400).is_ok());
}

/// The rule in five lines, over plain 128-bit integers.
fn model(exp_delta: i128, ref_delta: i128, iat: i128, exp: i128, now: i128) -> Result<i128, RefreshError> {
    if now >= exp {
        return Err(RefreshError::Expired);
    }
    if now > iat + ref_delta { Err(RefreshError::LimitPassed) } else { Ok(now + exp_delta) }
}

proptest! {
    #[test]
    fn any_chain_of_refreshes_follows_the_model(
        expiration in 1_u64..=200_000,
        refresh in 0_u64..=2_000_000,
        login in 0_u64..=4_000_000_000,
        steps in prop::collection::vec(0_u64..=250_000, 0..60),
    ) {
        let policy = policy(expiration, refresh);
        let mut token = policy.log_in(at(login));
        let mut now = login;
        for step in steps {
            now += step;
            let expected = model(
                expiration.into(), refresh.into(), login.into(),
                token.expires_at.seconds().into(), now.into(),
            );
            let actual = policy.refresh(token, at(now));
            prop_assert_eq!(actual.map(|next| i128::from(next.expires_at.seconds())), expected);
            if let Ok(next) = actual {
                prop_assert_eq!(next.issued_at, at(login));
                prop_assert!(next.expires_at <= policy.latest_expiry(at(login)));
                token = next;
            }
        }
    }

    #[test]
    fn any_single_token_follows_the_model(
        expiration in 1_u64..=366 * 86_400,
        refresh in 0_u64..=3660 * 86_400,
        iat in 0_u64..=1 << 52,
        life in 0_u64..=1 << 40,
        now in 0_u64..=1 << 52,
        near in -2_i64..=2,
        pick in 0_u8..4,
    ) {
        let exp = iat + life;
        // Random instants rarely hit a boundary: three in four are placed on one.
        let now = match pick {
            0 => now,
            1 => exp.saturating_add_signed(near),
            2 => (iat + refresh).saturating_add_signed(near),
            _ => iat.saturating_add_signed(near),
        };
        let token = Lifetime { issued_at: at(iat), expires_at: at(exp) };
        let actual = policy(expiration, refresh).refresh(token, at(now));
        let expected = model(expiration.into(), refresh.into(), iat.into(), exp.into(), now.into());
        prop_assert_eq!(actual.map(|next| i128::from(next.expires_at.seconds())), expected);
    }
}
