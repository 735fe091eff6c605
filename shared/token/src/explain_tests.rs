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
fn each_refusal_is_explained_with_its_arithmetic() {
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
fn a_token_that_outlives_a_shortened_policy_still_ends_the_session_last() {
    let explanation = explain(RefreshSwitch::Off, 1_685_800_000, 1_685_728_800);
    assert_eq!(explanation.session_ends_by, at(1_685_800_000));
}
