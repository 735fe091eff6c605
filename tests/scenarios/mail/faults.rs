//! What goes wrong between the request and the letter.

use harness::{Fault, LOGIN_AT};
use stand_ins::SesFault;

use super::*;

/// How many letters went out, each with a code that works.
async fn good_letters(mail: &MailWorld) -> usize {
    let letters = mail.letters();
    for letter in &letters {
        assert_eq!(show(mail, &code_in(letter)).await.status, 200, "the code of each letter works");
    }
    letters.len()
}

/// M12
#[tokio::test]
async fn what_passes_is_tried_again_until_the_letter_is_out() {
    for fault in [SesFault::Throttled, SesFault::QuotaUsedUp, SesFault::Internal] {
        let mut mail = with_ada().await;
        ask(&mail, "ada", LOGIN_AT).await;
        mail.ses.lock().faults.extend([fault; 20]);
        assert_eq!(mail.deliver_once(LOGIN_AT).await, Some(false), "{fault:?}: to be delivered again");
        assert_eq!(mail.letters().len(), 0);
        mail.deliver(LOGIN_AT).await;
        assert_eq!(good_letters(&mail).await, 1, "{fault:?}");
    }
}

/// A-15: it holds up nobody else.
#[tokio::test]
async fn what_does_not_pass_is_given_up_at_once() {
    let mut mail = with_ada().await;
    add(&mail, "bea", Some("bea@example.org")).await;
    ask(&mail, "ada", LOGIN_AT).await;
    ask(&mail, "bea", LOGIN_AT).await;
    mail.ses.lock().faults.push_back(SesFault::Paused);
    assert_eq!(mail.deliver_once(LOGIN_AT).await, Some(true));
    assert_eq!(mail.letters()[0].to, "bea@example.org");
    // In the sandbox, SES says no to everybody whom it does not know.
    let mut mail = with_ada().await;
    mail.ses.lock().sandbox = true;
    ask(&mail, "ada", LOGIN_AT).await;
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 0);
    // Nor is anything sent without the configuration set, which requires TLS.
    let mut mail = with_ada().await;
    mail.ses.lock().tls_policies.clear();
    ask(&mail, "ada", LOGIN_AT).await;
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 0);
}

/// M11
#[tokio::test]
async fn an_answer_that_is_lost_costs_one_letter_more_at_most() {
    for lost in 1..=5 {
        let mut mail = with_ada().await;
        ask(&mail, "ada", LOGIN_AT).await;
        mail.ses.lock().faults.extend([SesFault::AnswerLost].repeat(lost));
        mail.deliver(LOGIN_AT).await;
        assert_eq!(good_letters(&mail).await, 2, "{lost} answers lost");
    }
}

/// M11: the process ends after each single call to DynamoDB, once or twice, and the record is delivered again.
#[tokio::test]
async fn wherever_the_mailer_ends_a_letter_goes_out_and_at_most_one_more() {
    let mut mail = with_ada().await;
    ask(&mail, "ada", LOGIN_AT).await;
    mail.world.operations();
    mail.deliver(LOGIN_AT).await;
    let calls = mail.world.operations().len();
    assert!(calls > 5, "{calls}");
    for first in 0..calls {
        for second in [None, Some(first), Some(calls - 1)] {
            let mut mail = with_ada().await;
            ask(&mail, "ada", LOGIN_AT).await;
            for cut in [Some(first), second].into_iter().flatten() {
                mail.world.faults.set(Fault::Outage, cut);
                mail.deliver_once(LOGIN_AT).await;
                mail.world.faults.clear();
            }
            mail.deliver(LOGIN_AT).await;
            let sent = good_letters(&mail).await;
            assert!((1..=2).contains(&sent), "{sent} letters, cut off after {first} and {second:?} calls");
        }
    }
}

/// M11: the same record twice at once.
#[tokio::test]
async fn two_runs_with_the_same_record_send_two_letters_at_most() {
    for _ in 0..50 {
        let mut mail = with_ada().await;
        ask(&mail, "ada", LOGIN_AT).await;
        let event = mail.take_event().await;
        let run = || Box::pin(mail.answer(&event, LOGIN_AT));
        let both = futures_util::future::join(run(), run()).await;
        let again = mail.answer(&event, LOGIN_AT).await;
        assert_eq!(again["batchItemFailures"], json!([]), "{both:?}");
        let sent = good_letters(&mail).await;
        assert!((1..=2).contains(&sent), "{sent}");
    }
}

#[tokio::test]
async fn a_letter_that_has_waited_too_long_is_given_up() {
    for (waited, sent) in [(600, 1), (601, 0)] {
        let mut mail = with_ada().await;
        ask(&mail, "ada", LOGIN_AT).await;
        mail.deliver(LOGIN_AT + waited).await;
        assert_eq!(mail.letters().len(), sent, "{waited}");
    }
    // The word of a change surprises nobody who made it, and everybody else has to hear it.
    for (waited, sent) in [(21_600, 1), (21_601, 0)] {
        let mut mail = with_ada().await;
        let code = super::flows::printed_code(&mail, "ada").await;
        assert_eq!(recover(&mail, &code, NEW, LOGIN_AT).await.status, 204);
        mail.deliver(LOGIN_AT + waited).await;
        assert_eq!(mail.letters().len(), sent, "{waited}");
    }
}

/// A-3 and A-13: a flood silences neither the owner's own letters nor any notice.
#[tokio::test]
async fn a_stranger_who_asks_without_end_keeps_the_owner_from_nothing() {
    let mut mail = with_ada().await;
    for _ in 0..30 {
        assert_eq!(ask(&mail, "ada", LOGIN_AT).await.status, 202);
    }
    mail.deliver(LOGIN_AT).await;
    assert_eq!(good_letters(&mail).await, 3);
    // Half an hour of it later the owner asks, and gets one.
    ask(&mail, "ada", LOGIN_AT + 1800).await;
    mail.deliver(LOGIN_AT + 1800).await;
    let letters = mail.letters();
    assert_eq!(letters.len(), 4);
    assert_eq!(recover(&mail, &code_in(&letters[3]), NEW, LOGIN_AT + 1800).await.status, 204);
    mail.deliver(LOGIN_AT + 1800).await;
    assert_eq!(mail.letters()[4].subject, "Your password for app.example.com was changed");
}

/// Only the letters of one address count against it.
#[tokio::test]
async fn one_address_asks_for_ten_letters_at_once_and_others_for_their_own() {
    let mut mail = MailWorld::new().await;
    for index in 0..12 {
        add(&mail, &format!("user{index}"), Some(&format!("user{index}@example.org"))).await;
    }
    for index in 0..12 {
        ask(&mail, &format!("user{index}"), LOGIN_AT).await;
    }
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 10);
    // No name is used up by that.
    ask(&mail, "user11", LOGIN_AT + 90).await;
    mail.deliver(LOGIN_AT + 90).await;
    assert_eq!(mail.letters()[10].to, "user11@example.org");
}

/// A-14c: what is left of an address's allowance does not tell whom it was used for.
#[tokio::test]
async fn an_address_that_is_used_up_tells_nothing_of_who_exists() {
    let mut told = Vec::new();
    for asked_for in ["nobody", "without-address", "disabled", "has-enough", "bea"] {
        let mut mail = with_ada().await;
        add(&mail, "without-address", None).await;
        for username in ["disabled", "has-enough", "bea"] {
            add(&mail, username, Some(&format!("{username}@example.org"))).await;
        }
        mail.world.users.disable(&name("disabled")).await.unwrap();
        for _ in 0..3 {
            ask(&mail, "has-enough", LOGIN_AT - 899).await;
        }
        mail.deliver(LOGIN_AT - 899).await;
        // The attacker has nine letters sent to accounts of their own, asks for somebody, and looks whether the next one comes.
        for own in 0..9 {
            add(&mail, &format!("own{own}"), Some(&format!("own{own}@example.org"))).await;
        }
        for own in 0..9 {
            ask(&mail, &format!("own{own}"), LOGIN_AT).await;
        }
        ask(&mail, asked_for, LOGIN_AT).await;
        ask(&mail, "ada", LOGIN_AT).await;
        mail.deliver(LOGIN_AT).await;
        told.push(mail.letters().iter().any(|letter| letter.to == ADDRESS));
    }
    assert_eq!(told, [false; 5]);
}

/// Where a proxy hides the addresses, one caller uses up nothing of another's.
#[tokio::test]
async fn addresses_mean_nothing_where_the_setting_says_so() {
    let mut mail = MailWorld::with(&[("LOGIN_FAILURES_PER_ADDRESS", "0")]).await;
    for index in 0..12 {
        add(&mail, &format!("user{index}"), Some(&format!("user{index}@example.org"))).await;
        ask(&mail, &format!("user{index}"), LOGIN_AT).await;
    }
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 12);
}

/// An outage of the table is 503 to the caller, and nothing else.
#[tokio::test]
async fn who_asks_during_an_outage_is_told_to_ask_again() {
    let mut mail = with_ada().await;
    mail.world.faults.set(Fault::Outage, 0);
    let reply = ask(&mail, "ada", LOGIN_AT).await;
    assert_eq!((reply.status, reply.code()), (503, "temporarily_unavailable"));
    mail.world.faults.clear();
    mail.deliver(LOGIN_AT).await;
    assert_eq!(mail.letters().len(), 0);
}

/// Whatever an event is, the answer is one that Lambda takes.
#[tokio::test]
async fn an_event_that_is_none_and_a_record_of_no_row_hold_up_nothing() {
    let mail = with_ada().await;
    let record = |key: serde_json::Value| json!({ "Records": [{ "dynamodb": { "Keys": key } }] });
    for event in [
        json!(null),
        json!([]),
        json!({ "Records": 7 }),
        json!({ "Records": [null, {}] }),
        record(json!({ "pk": { "N": "1" } })),
        record(json!({ "pk": { "S": "letter#nothing" } })),
        record(json!({ "pk": { "S": "" } })),
    ] {
        let answer = mail.answer(&event, LOGIN_AT).await;
        let is_empty = event.to_string().contains(r#""S":"""#);
        // DynamoDB refuses an empty key, which no record of its own has.
        assert!(is_empty || answer == json!({ "batchItemFailures": [] }), "{event}: {answer}");
    }
    assert_eq!(mail.letters().len(), 0);
}
