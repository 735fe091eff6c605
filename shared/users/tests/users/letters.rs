//! Letters to be written, and the codes in them.

use token::{Entropy, Timestamp};
use users::{
    AccountCode, CodeFailure, Codes, Deliveries, Grant, Invitation, LETTER_CODE_LIFE, Letter, LetterId,
    LetterKind, MailAddress, Notice, Outbox,
};

use crate::{
    codes::{codes, find, invitation, origin, recover, register},
    world::{NOW, World, at, name, new_hash},
};

struct Mail {
    world: World,
    codes: Codes,
    outbox: Outbox,
    deliveries: Deliveries,
}

impl Mail {
    /// With a user `ada`, who has an address and writes German.
    async fn new() -> Self {
        let world = World::with_ada().await;
        let codes = codes(&world).await;
        let outbox = Outbox::beside(&world.table);
        outbox.create_table().await.unwrap();
        world.table.set_email(&name("ada"), Some(&address())).await.unwrap();
        let deliveries = Deliveries::new(outbox.clone(), codes.clone());
        Self { world, codes, outbox, deliveries }
    }

    async fn ask(&self, index: u8) -> LetterId {
        let id = letter_id(index);
        let letter = Letter {
            source: Some("203.0.113.7".parse().unwrap()),
            ..Letter::about(LetterKind::Recovery, name("ada"), at(NOW))
        };
        self.outbox.put(&id, &letter).await.unwrap();
        id
    }

    /// Sends the letter of this index, with the code of this index.
    async fn send(&self, index: u8, now: Timestamp) -> Grant {
        let id = self.ask(index).await;
        let to = self.deliveries.recovery(&name("ada")).await.unwrap().unwrap();
        let grant = self.deliveries.grant(&id, &to, now).await.unwrap();
        if grant == Grant::Granted {
            let until = self.deliveries.put_code(&to, &name("ada"), &code(index), now).await.unwrap();
            assert_eq!(until, Some(now.plus(LETTER_CODE_LIFE)));
            self.deliveries.finish(&id, "sent").await.unwrap();
        }
        grant
    }
}

fn address() -> MailAddress {
    "ada@example.com".parse().unwrap()
}

fn letter_id(index: u8) -> LetterId {
    LetterId::new(Entropy([index; 16]))
}

fn code(index: u8) -> AccountCode {
    AccountCode::new(Entropy([index; 16]))
}

#[tokio::test]
async fn a_letter_is_asked_for_and_forgotten_once_it_is_sent() {
    let mail = Mail::new().await;
    let id = mail.ask(1).await;
    let (letter, state) = mail.outbox.find(&id).await.unwrap().unwrap();
    assert_eq!((letter.kind, letter.username), (LetterKind::Recovery, Some(name("ada"))));
    assert!(!state.is_granted && !state.is_done && state.uncertain == 0);
    assert_eq!(mail.outbox.outcome(&id).await.unwrap(), None);

    mail.deliveries.finish(&id, "sent").await.unwrap();
    let (letter, state) = mail.outbox.find(&id).await.unwrap().unwrap();
    assert!(state.is_done);
    assert_eq!((letter.username, letter.source, letter.to), (None, None, None));
    assert_eq!(mail.outbox.outcome(&id).await.unwrap().as_deref(), Some("sent"));
    // Of a letter that nobody asked for no row is made.
    mail.deliveries.finish(&letter_id(9), "sent").await.unwrap();
    assert_eq!(mail.outbox.find(&letter_id(9)).await.unwrap(), None);
}

#[tokio::test]
async fn a_letter_for_a_new_password_goes_to_whom_the_row_says_and_to_nobody_else() {
    let mail = Mail::new().await;
    let table = &mail.world.table;
    let to = mail.deliveries.recovery(&name("ada")).await.unwrap().unwrap();
    assert_eq!(to.address, address());
    assert!(mail.deliveries.recovery(&name("nobody")).await.unwrap().is_none());
    mail.world.add("bob", 2).await;
    assert!(mail.deliveries.recovery(&name("bob")).await.unwrap().is_none(), "has no address");
    table.disable(&name("ada")).await.unwrap();
    assert!(mail.deliveries.recovery(&name("ada")).await.unwrap().is_none(), "is disabled");
    table.enable(&name("ada")).await.unwrap();
    table.set_email(&name("ada"), None).await.unwrap();
    assert!(mail.deliveries.recovery(&name("ada")).await.unwrap().is_none(), "has no address any more");
}

/// A-16, M4: every letter works until one was used, whose use ends the others.
#[tokio::test]
async fn each_letter_has_a_code_and_the_first_that_is_used_ends_the_others() {
    let mail = Mail::new().await;
    for index in 1..=3 {
        assert_eq!(mail.send(index, at(NOW)).await, Grant::Granted);
    }
    for index in 1..=3 {
        let open = find(&mail.codes, index, NOW + LETTER_CODE_LIFE.get()).await.unwrap();
        assert_eq!((open.username.as_str(), &*open.origin.made.by), ("ada", "letter"));
    }
    let late = NOW + LETTER_CODE_LIFE.get() + 1;
    assert_eq!(find(&mail.codes, 1, late).await.unwrap_err(), CodeFailure::Expired);
    recover(&mail.codes, 2, &new_hash()).await.unwrap();
    assert_eq!(mail.world.ada().await.password_hash, Ok(new_hash()));
    assert_eq!(find(&mail.codes, 2, NOW).await.unwrap_err(), CodeFailure::Unknown);
    for index in [1, 3] {
        assert_eq!(find(&mail.codes, index, NOW).await.unwrap_err(), CodeFailure::UserChanged);
    }
}

/// a code that was mailed to the old address is worthless once the address has been set, to whatever.
#[tokio::test]
async fn a_change_of_the_address_ends_the_codes_of_before() {
    for new in [Some("new@example.com".parse().unwrap()), None, Some(address())] {
        let mail = Mail::new().await;
        mail.send(1, at(NOW)).await;
        mail.codes.allow_recovery(&name("ada"), &code(2), &origin(NOW), None).await.unwrap();
        mail.world.table.set_email(&name("ada"), new.as_ref()).await.unwrap();
        for index in [1, 2] {
            assert_eq!(find(&mail.codes, index, NOW).await.unwrap_err(), CodeFailure::UserChanged);
        }
    }
}

///
#[tokio::test]
async fn too_many_letters_are_not_sent_and_those_that_were_go_on_working() {
    let mail = Mail::new().await;
    for index in 1..=3 {
        assert_eq!(mail.send(index, at(NOW)).await, Grant::Granted);
    }
    assert_eq!(mail.send(4, at(NOW)).await, Grant::Enough);
    assert_eq!(mail.send(5, at(NOW + 1799)).await, Grant::Enough);
    find(&mail.codes, 3, NOW + 1799).await.unwrap();
    assert_eq!(mail.send(6, at(NOW + 1800)).await, Grant::Granted);
    recover(&mail.codes, 6, &new_hash()).await.unwrap();
}

#[tokio::test]
async fn one_address_may_ask_for_ten_letters_at_once() {
    let mail = Mail::new().await;
    let source = "2001:db8::1".parse().unwrap();
    for index in 1..=11 {
        let id = mail.ask(index).await;
        let charge = mail.deliveries.charge(&id, &source, at(NOW)).await.unwrap();
        assert_eq!(charge, if index <= 10 { Grant::Granted } else { Grant::Enough }, "{index}");
        if index == 1 {
            let again = mail.deliveries.charge(&id, &source, at(NOW)).await.unwrap();
            assert_eq!(again, Grant::TakenByAnother, "a record that comes again is counted once");
        }
    }
    // Another address of the same network is the same.
    let neighbour = "2001:db8::2".parse().unwrap();
    let id = mail.ask(12).await;
    assert_eq!(mail.deliveries.charge(&id, &neighbour, at(NOW)).await.unwrap(), Grant::Enough);
    // A notice is never refused.
    let to = users::Recipient::named(None, address(), None);
    for index in 13..=20 {
        let id = mail.ask(index).await;
        assert_eq!(mail.deliveries.grant(&id, &to, at(NOW)).await.unwrap(), Grant::Granted);
    }
}

/// M11: at most one letter more than records.
#[tokio::test]
async fn a_letter_whose_outcome_is_unknown_is_sent_once_more_and_no_more() {
    let mail = Mail::new().await;
    let id = mail.ask(1).await;
    let to = mail.deliveries.recovery(&name("ada")).await.unwrap().unwrap();
    let grant = async || mail.deliveries.grant(&id, &to, at(NOW)).await.unwrap();
    let state = async || mail.outbox.find(&id).await.unwrap().unwrap().1;
    assert_eq!(grant().await, Grant::Granted);
    assert_eq!(grant().await, Grant::TakenByAnother);
    let first = state().await;
    assert_eq!((first.is_granted, first.uncertain), (true, 1));
    assert!(mail.deliveries.begin_again(&id, first).await.unwrap());
    assert!(!mail.deliveries.begin_again(&id, first).await.unwrap(), "another run has begun meanwhile");
    assert!(!mail.deliveries.begin_again(&id, state().await).await.unwrap(), "a third attempt");
    // What surely failed costs no attempt.
    mail.deliveries.not_sent(&id).await.unwrap();
    assert!(mail.deliveries.begin_again(&id, state().await).await.unwrap());
    mail.deliveries.finish(&id, "sent").await.unwrap();
    assert!(!mail.deliveries.begin_again(&id, state().await).await.unwrap(), "it is done");
}

/// G5 and A-24, by letter.
#[tokio::test]
async fn every_letter_of_an_invitation_works_until_one_is_used_or_the_invitation_is_replaced() {
    let mail = Mail::new().await;
    let by_letter = |username: &str| Invitation {
        email: Some("bob@example.com".parse().unwrap()),
        ..invitation(username)
    };
    let invite = async |version: u8| {
        let (codes, outbox, id) = (&mail.codes, &mail.outbox, letter_id(version));
        codes.invite_by_letter(&by_letter("bob"), &code(version), outbox, &id).await.unwrap();
        let (letter, _) = outbox.find(&id).await.unwrap().unwrap();
        assert_eq!((letter.kind, letter.username), (LetterKind::Invitation, Some(name("bob"))));
    };
    let send = async |index: u8| {
        let to = mail.deliveries.invitation(&name("bob"), at(NOW)).await.unwrap().unwrap();
        assert_eq!(to.address.as_str(), "bob@example.com");
        mail.deliveries.put_code(&to, &name("bob"), &code(index), at(NOW)).await.unwrap()
    };
    invite(100).await;
    assert_eq!(send(1).await, Some(origin(NOW).valid_until));
    send(2).await;
    for index in [1, 2] {
        assert_eq!(find(&mail.codes, index, NOW).await.unwrap().username.as_str(), "bob");
    }
    invite(101).await;
    assert_eq!(find(&mail.codes, 1, NOW).await.unwrap_err(), CodeFailure::Replaced);
    send(3).await;
    send(4).await;
    register(&mail.codes, 3, 2).await.unwrap();
    assert_eq!(find(&mail.codes, 4, NOW).await.unwrap_err(), CodeFailure::Replaced);
    mail.world.table.delete(&name("bob")).await.unwrap();
    assert_eq!(find(&mail.codes, 4, NOW).await.unwrap_err(), CodeFailure::Replaced);
    assert!(mail.deliveries.invitation(&name("bob"), at(NOW)).await.unwrap().is_none());
}

#[tokio::test]
async fn an_invitation_that_is_printed_or_expired_is_sent_to_nobody() {
    let mail = Mail::new().await;
    mail.codes.invite(&invitation("bob"), &code(1)).await.unwrap();
    assert!(mail.deliveries.invitation(&name("bob"), at(NOW)).await.unwrap().is_none());
    let by_letter = Invitation { email: Some(address()), ..invitation("bob") };
    mail.codes.invite_by_letter(&by_letter, &code(2), &mail.outbox, &letter_id(2)).await.unwrap();
    let late = origin(NOW).valid_until.seconds() + 1;
    assert!(mail.deliveries.invitation(&name("bob"), at(late)).await.unwrap().is_none());
}

/// told in the same transaction, at the address of before.
#[tokio::test]
async fn a_new_password_and_a_link_for_one_are_told_to_the_user() {
    let mail = Mail::new().await;
    let (made, changed) = (letter_id(1), letter_id(2));
    let notice = |id| Some(Notice { outbox: &mail.outbox, id });
    mail.codes.allow_recovery(&name("ada"), &code(1), &origin(NOW), notice(&made)).await.unwrap();
    let open = find(&mail.codes, 1, NOW).await.unwrap();
    let users::CodeEffect::Recovery(user) = &open.effect else { panic!("{open:?}") };
    mail.codes.recover(&open, user, &new_hash(), notice(&changed), at(NOW)).await.unwrap();
    for (id, kind) in [(&made, LetterKind::LinkMade), (&changed, LetterKind::PasswordChanged)] {
        let (letter, _) = mail.outbox.find(id).await.unwrap().unwrap();
        assert_eq!((letter.kind, letter.to, letter.user), (kind, Some(address()), Some(user.id)));
    }
    // Nothing happened, so nothing is told.
    let again = letter_id(3);
    let rejected = mail.codes.recover(&open, user, &new_hash(), notice(&again), at(NOW)).await;
    assert!(rejected.is_err() || mail.outbox.find(&again).await.unwrap().is_none());
    // Who has no address is told nothing, and recovers all the same.
    mail.world.table.set_email(&name("ada"), None).await.unwrap();
    mail.codes.allow_recovery(&name("ada"), &code(4), &origin(NOW), notice(&letter_id(4))).await.unwrap();
    assert_eq!(mail.outbox.find(&letter_id(4)).await.unwrap(), None);
    recover(&mail.codes, 4, &crate::world::old_hash()).await.unwrap();
}

#[tokio::test]
async fn a_first_address_is_given_to_that_user_and_over_no_other_address() {
    let mail = Mail::new().await;
    let table = &mail.world.table;
    let bob = mail.world.add("bob", 2).await.id;
    let first = address();
    assert!(
        !table.set_first_email(&name("ada"), mail.world.ada().await.id, &first).await.unwrap(),
        "has one"
    );
    assert!(
        !table.set_first_email(&name("bob"), mail.world.ada().await.id, &first).await.unwrap(),
        "another's"
    );
    assert!(!table.set_first_email(&name("eve"), bob, &first).await.unwrap(), "nobody's");
    assert!(table.set_first_email(&name("bob"), bob, &first).await.unwrap());
    assert_eq!(mail.world.user("bob").await.email, Some(first));
}
