use super::*;
use crate::Seconds;

fn at(seconds: u64) -> Timestamp {
    Timestamp::from_seconds(seconds).unwrap()
}

fn explain(switch: RefreshSwitch, exp: u64, now: u64) -> Explanation {
    let policy = SessionPolicy::new(Seconds::new(3600), Seconds::new(172_800), switch).unwrap();
    let lifetime = Lifetime { issued_at: at(1_685_728_800), expires_at: at(exp) };
    Explanation::new(&policy, lifetime, at(now))
}

#[test]
fn a_live_token_is_explained_with_the_worked_example() {
    let explanation = explain(RefreshSwitch::On, 1_685_732_400, 1_685_729_400);
    assert_eq!(explanation.verdict, Verdict::Refreshable);
    assert_eq!(explanation.refresh_until, Some(at(1_685_901_600)));
    assert_eq!(explanation.session_ends_by, at(1_685_905_200));
    assert_eq!(
        explanation.sentences,
        [
            "The session began with a login at 2023-06-02 18:00:00 UTC (iat), 10 min ago. No refresh changes that.",
            "This token dies at 2023-06-02 19:00:00 UTC (exp), in 50 min.",
            "A live token of this session can be refreshed until 2023-06-04 18:00:00 UTC, that second included: \
             iat + 2 d is 1 d 23 h 50 min from now.",
            "The session ends by 2023-06-04 19:00:00 UTC at the latest: a refresh at the last possible second \
             gives a token that lives 1 h longer, so the longest session is 2 d + 1 h.",
            "It can be refreshed now: now 1685729400 < exp 1685732400, and now 1685729400 <= iat 1685728800 + \
             172800 = 1685901600. The new token would have the same iat and exp = now + 3600 = 1685733000.",
        ]
    );
}

#[test]
fn each_rejection_is_explained_with_its_arithmetic() {
    for (switch, exp, now, verdict, words) in [
        (
            RefreshSwitch::On,
            1_685_732_400,
            1_685_732_400,
            Verdict::TokenExpired,
            "now 1685732400 >= exp 1685732400",
        ),
        (
            RefreshSwitch::On,
            1_685_905_200,
            1_685_901_601,
            Verdict::RefreshExpired,
            "now 1685901601 > iat 1685728800 + 172800 = 1685901600",
        ),
        (RefreshSwitch::Off, 1_685_732_400, 1_685_728_800, Verdict::RefreshDisabled, "switched off"),
        (
            RefreshSwitch::On,
            1_685_732_400,
            1_685_728_794,
            Verdict::IssuedInFuture,
            "iat 1685728800 is after now",
        ),
    ] {
        let explanation = explain(switch, exp, now);
        assert_eq!(explanation.verdict, verdict);
        let last = explanation.sentences.last().unwrap();
        assert!(last.contains(words), "{last}");
    }
}

#[test]
fn a_token_that_the_policy_cannot_have_issued_is_pointed_out() {
    const LOGIN: u64 = 1_685_728_800;
    for (switch, life, age, words) in [
        (RefreshSwitch::On, 3600, 0, None),
        (RefreshSwitch::On, 3601, 1, None),
        (RefreshSwitch::On, 172_800 + 3600, 172_800, None),
        // Issued by a clock that is ahead.
        (RefreshSwitch::On, 3605, 0, None),
        (RefreshSwitch::Off, 3600, 60, None),
        (RefreshSwitch::On, 3599, 0, Some("exp is 59 min 59 s after iat")),
        (RefreshSwitch::On, 3606, 0, Some("exp is 1 h 6 s from now")),
        (RefreshSwitch::On, 172_800 + 3601, 172_801, Some("exp is 1 s after 2023-06-04 19:00:00 UTC")),
        (RefreshSwitch::Off, 3601, 60, Some("so refreshing is on")),
    ] {
        let found = explain(switch, LOGIN + life, LOGIN + age).contradictions;
        assert_eq!(found.len(), usize::from(words.is_some()), "{life} {age} {found:?}");
        assert!(found.iter().all(|text| text.contains(words.unwrap())), "{found:?}");
    }
}

#[test]
fn the_policy_decides_limit_and_end_and_the_verdict_of_a_live_token() {
    let depends = |now| {
        let explanation = explain(RefreshSwitch::On, 1_685_732_400, now);
        (0..explanation.sentences.len()).map(|index| explanation.depends_on_policy(index)).collect::<Vec<_>>()
    };
    assert_eq!(depends(1_685_728_800), [false, false, true, true, true]);
    assert_eq!(depends(1_685_732_400), [false, false, true, true, false]);
}

#[test]
fn a_token_that_outlives_a_shortened_policy_still_ends_the_session_last() {
    let explanation = explain(RefreshSwitch::Off, 1_685_800_000, 1_685_728_800);
    assert_eq!(explanation.session_ends_by, at(1_685_800_000));
}
