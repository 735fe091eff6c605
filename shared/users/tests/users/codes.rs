//! Codes that set a password: who has one, what it does, and what ends it.

use std::collections::BTreeMap;

use token::{CustomClaims, Entropy};
use users::{
    AccountCode, CodeEffect, CodeFailure, CodeOrigin, CodePurpose, Codes, Invitation, LastChange,
    MakeCodeError, NewUser, OpenCode, PasswordHash, RedeemError, UserTable,
};

use crate::world::{
    NOW, World, at, name, new_hash, new_session, new_user, old_hash, session_id, try_id, user_id,
};

const DAY: u64 = 86_400;

pub(crate) fn code(index: u8) -> AccountCode {
    AccountCode::new(Entropy([index; 16]))
}

/// How a row has the hash of a code: as the SHA-256 in base64url.
fn hash_text(index: u8) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let digits = code(index).expose().replace('-', "");
    BASE64_URL_SAFE_NO_PAD.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, digits.as_bytes()))
}

pub(crate) fn origin(made_at: u64) -> CodeOrigin {
    CodeOrigin {
        made: LastChange { at: at(made_at), by: "arn:aws:iam::123456789012:user/grace".into() },
        valid_until: at(made_at + DAY),
    }
}

pub(crate) fn invitation(username: &str) -> Invitation {
    Invitation {
        username: name(username),
        claims: r#"{"role":"admin"}"#.parse().unwrap(),
        email: None,
        locale: Some("pt-BR".parse().unwrap()),
        origin: origin(NOW),
    }
}

/// The table beside that of `world`.
pub(crate) async fn codes(world: &World) -> Codes {
    let codes = Codes::beside(&world.table);
    codes.create_table().await.unwrap();
    assert_eq!(codes.name(), format!("{}-codes", world.table_name));
    codes
}

pub(crate) async fn find(codes: &Codes, index: u8, now: u64) -> Result<OpenCode, CodeFailure> {
    failure(codes.find(code(index).hash(), at(now)).await)
}

/// Redeems the code of an invitation, for a user of this index.
pub(crate) async fn register(codes: &Codes, index: u8, user: u8) -> Result<(), CodeFailure> {
    let open = find(codes, index, NOW).await?;
    let CodeEffect::Invitation(invitation) = &open.effect else { panic!("{open:?}") };
    let user = NewUser { claims: invitation.claims.clone(), ..new_user(open.username.as_str(), user) };
    failure(codes.register(&open, invitation, &user, at(NOW)).await)
}

pub(crate) async fn recover(codes: &Codes, index: u8, hash: &PasswordHash) -> Result<(), CodeFailure> {
    let open = find(codes, index, NOW).await?;
    let CodeEffect::Recovery(user) = &open.effect else { panic!("{open:?}") };
    failure(codes.recover(&open, user, hash, None, at(NOW)).await)
}

pub(crate) fn failure<T>(redeemed: Result<T, RedeemError>) -> Result<T, CodeFailure> {
    redeemed.map_err(|error| match error {
        RedeemError::Dead(code) => code.failure,
        RedeemError::Store(error) => panic!("{error:?}"),
    })
}

async fn with_recovery(world: &World) -> Codes {
    let codes = codes(world).await;
    assert_eq!(codes.allow_recovery(&name("ada"), &code(1), &origin(NOW), None).await.unwrap(), user_id(1));
    codes
}

/// G5: once, for one name, for its time, with its claims.
#[tokio::test]
async fn the_code_of_an_invitation_makes_one_user_with_its_claims_and_language() {
    let world = World::new().await;
    let codes = codes(&world).await;
    codes.invite(&invitation("ada"), &code(1)).await.unwrap();
    assert!(world.table.find(&name("ada")).await.unwrap().is_none(), "G1: no row before");
    let open = find(&codes, 1, NOW + DAY).await.unwrap();
    assert_eq!((open.username.as_str(), &open.origin), ("ada", &origin(NOW)));
    assert_eq!(find(&codes, 1, NOW + DAY + 1).await.unwrap_err(), CodeFailure::Expired);

    register(&codes, 1, 1).await.unwrap();
    let ada = world.ada().await;
    assert_eq!((ada.id, ada.password_hash, ada.enabled), (user_id(1), Ok(old_hash()), true));
    assert_eq!(ada.claims, invitation("ada").claims);
    assert_eq!((ada.locale, ada.created_at), (invitation("ada").locale, at(NOW)));
    assert!(ada.sessions.is_empty());
    assert_eq!(register(&codes, 1, 2).await, Err(CodeFailure::Unknown));
    assert_eq!(world.ada().await.id, user_id(1));
    assert!(matches!(codes.invite(&invitation("ada"), &code(2)).await, Err(MakeCodeError::NameTaken)));
}

/// G5 and A-24.
#[tokio::test]
async fn a_newer_invitation_takes_the_place_of_an_older_one_with_all_that_it_said() {
    let world = World::new().await;
    let codes = codes(&world).await;
    codes.invite(&invitation("ada"), &code(1)).await.unwrap();
    let plain = Invitation { claims: CustomClaims::default(), locale: None, ..invitation("ada") };
    codes.invite(&plain, &code(2)).await.unwrap();
    assert_eq!(register(&codes, 1, 1).await, Err(CodeFailure::Replaced));
    register(&codes, 2, 1).await.unwrap();
    assert_eq!((world.ada().await.claims, world.ada().await.locale), (CustomClaims::default(), None));
}

/// A-24
#[tokio::test]
async fn an_invitation_is_listed_until_it_is_withdrawn_used_or_expired() {
    let world = World::new().await;
    let codes = codes(&world).await;
    let listed = async |now| {
        let found = codes.invitations(at(now)).await.unwrap();
        assert_eq!(found.unreadable, 0);
        found.invitations
    };
    for (index, username) in [(1, "grace"), (2, "ada"), (3, "bob")] {
        codes.invite(&invitation(username), &code(index)).await.unwrap();
    }
    world.add("eve", 9).await;
    codes.allow_recovery(&name("eve"), &code(4), &origin(NOW), None).await.unwrap();
    assert_eq!(listed(NOW).await, ["ada", "bob", "grace"].map(invitation));
    assert_eq!(listed(NOW + DAY + 1).await, []);

    assert!(codes.withdraw(CodePurpose::Invitation, &name("grace")).await.unwrap());
    assert!(!codes.withdraw(CodePurpose::Invitation, &name("grace")).await.unwrap());
    assert!(!codes.withdraw(CodePurpose::Invitation, &name("eve")).await.unwrap());
    assert_eq!(register(&codes, 1, 1).await, Err(CodeFailure::Unknown));
    register(&codes, 2, 2).await.unwrap();
    assert_eq!(listed(NOW).await, [invitation("bob")]);
    assert!(find(&codes, 4, NOW).await.is_ok(), "a recovery is no invitation");
    assert!(codes.withdraw(CodePurpose::Recovery, &name("eve")).await.unwrap());
    assert_eq!(find(&codes, 4, NOW).await.unwrap_err(), CodeFailure::Unknown);
}

/// R6, R8 and the end of every session.
#[tokio::test]
async fn a_code_sets_the_password_ends_every_session_and_forgets_the_failures() {
    let world = World::with_ada().await;
    let codes = with_recovery(&world).await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    for _ in 0..9 {
        world.table.record_failure(&name("ada"), &try_id(), at(NOW)).await.unwrap();
    }
    let waits = async || {
        let before = world.table.for_login(&name("ada"), None, at(NOW)).await.unwrap();
        before.attempts.retry_after(at(NOW)).is_some()
    };
    assert!(waits().await);
    recover(&codes, 1, &new_hash()).await.unwrap();
    let ada = world.ada().await;
    assert_eq!((ada.id, ada.password_hash), (user_id(1), Ok(new_hash())));
    assert!(ada.sessions.is_empty());
    assert!(!waits().await);
    assert_eq!(recover(&codes, 1, &old_hash()).await, Err(CodeFailure::Unknown));
    assert_eq!(world.ada().await.password_hash, Ok(new_hash()));
}

/// A-4: each of these by itself ends a code, and so does another code.
#[tokio::test]
async fn whatever_changes_the_user_ends_a_code_that_was_made_before() {
    type Change = for<'a> fn(&'a UserTable) -> futures::Change<'a>;
    let changes: BTreeMap<&str, (Change, CodeFailure)> = BTreeMap::from([
        ("set_password", (futures::set_password as Change, CodeFailure::UserChanged)),
        ("change_password", (futures::change_password, CodeFailure::UserChanged)),
        ("upgrade at login", (futures::upgrade, CodeFailure::UserChanged)),
        ("delete", (futures::delete, CodeFailure::UserChanged)),
        ("delete and register again", (futures::delete_and_add, CodeFailure::UserChanged)),
        ("rename", (futures::rename, CodeFailure::UserChanged)),
        ("disable", (futures::disable, CodeFailure::UserDisabled)),
        ("disable and enable", (futures::disable_and_enable, CodeFailure::UserChanged)),
        ("import with --replace", (futures::import, CodeFailure::UserChanged)),
        ("import that disables and enables", (futures::import_twice, CodeFailure::UserChanged)),
        ("rename, and back", (futures::rename_back, CodeFailure::UserChanged)),
        ("another password, and an import of the old one", (futures::restore, CodeFailure::UserChanged)),
    ]);
    for (said, (change, expected)) in changes {
        let world = World::with_ada().await;
        let codes = with_recovery(&world).await;
        codes.allow_recovery(&name("ada"), &code(2), &origin(NOW), None).await.unwrap();
        assert_eq!(recover(&codes, 1, &new_hash()).await, Err(CodeFailure::Replaced), "{said}");
        let administrator = LastChange { at: at(NOW + 1), by: "grace".into() };
        change(&world.table.clone().in_the_name_of(administrator)).await;
        assert_eq!(recover(&codes, 2, &new_hash()).await, Err(expected), "{said}");
        let user = world.table.find(&name("ada")).await.unwrap();
        assert!(user.is_none_or(|user| user.password_hash != Ok(new_hash())), "{said}");
    }
}

/// The changes of the test above, each of its own type.
mod futures {
    use std::pin::Pin;

    use users::{Account, Assurance, IfDifferent, Status, UserRecord, VerifiedLogin};

    use super::*;
    use crate::world::{login, policy, upgraded_hash};

    pub(super) type Change<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

    async fn account(table: &UserTable) -> Account {
        table.for_login(&name("ada"), None, at(NOW)).await.unwrap().user.unwrap()
    }

    pub(super) fn set_password(table: &UserTable) -> Change<'_> {
        Box::pin(async { table.set_password(&name("ada"), &upgraded_hash()).await.unwrap() })
    }

    pub(super) fn change_password(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            let (ada, session) = (account(table).await, new_session(session_id(1), NOW));
            table.open_session(&login(&ada, &session), &policy()).await.unwrap();
            let next = new_session(session_id(2), NOW);
            table.change_password(&ada, session_id(1), &upgraded_hash(), &next, None).await.unwrap();
        })
    }

    pub(super) fn upgrade(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            let (ada, session, hash) =
                (account(table).await, new_session(session_id(1), NOW), upgraded_hash());
            let login = VerifiedLogin { upgraded_hash: Some(&hash), ..login(&ada, &session) };
            table.open_session(&login, &policy()).await.unwrap();
        })
    }

    pub(super) fn delete(table: &UserTable) -> Change<'_> {
        Box::pin(async { table.delete(&name("ada")).await.unwrap() })
    }

    pub(super) fn delete_and_add(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            table.delete(&name("ada")).await.unwrap();
            table.create(&new_user("ada", 7), at(NOW)).await.unwrap();
        })
    }

    pub(super) fn rename(table: &UserTable) -> Change<'_> {
        Box::pin(async { table.rename(&name("ada"), &name("ada lovelace")).await.unwrap() })
    }

    pub(super) fn rename_back(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            table.rename(&name("ada"), &name("ada lovelace")).await.unwrap();
            table.rename(&name("ada lovelace"), &name("ada")).await.unwrap();
        })
    }

    pub(super) fn restore(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            table.set_password(&name("ada"), &upgraded_hash()).await.unwrap();
            import_as(table, old_hash(), Status::Enabled).await;
        })
    }

    pub(super) fn disable(table: &UserTable) -> Change<'_> {
        Box::pin(async { table.disable(&name("ada")).await.unwrap() })
    }

    pub(super) fn disable_and_enable(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            table.disable(&name("ada")).await.unwrap();
            table.enable(&name("ada")).await.unwrap();
        })
    }

    async fn import_as(table: &UserTable, hash: PasswordHash, status: Status) {
        let record = UserRecord {
            username: name("ada"),
            id: Some(user_id(1)),
            origin: None,
            password_hash: Some(hash),
            claims: CustomClaims::default(),
            status,
            created_at: Some(at(NOW)),
            email: None,
            locale: None,
        };
        let (record_says, how) = (Assurance::Record, IfDifferent::Replace);
        table.import(&record, record_says, how, user_id(9), at(NOW)).await.unwrap();
    }

    pub(super) fn import(table: &UserTable) -> Change<'_> {
        Box::pin(import_as(table, upgraded_hash(), Status::Enabled))
    }

    pub(super) fn import_twice(table: &UserTable) -> Change<'_> {
        Box::pin(async {
            import_as(table, old_hash(), Status::Disabled).await;
            import_as(table, old_hash(), Status::Enabled).await;
        })
    }
}

/// What is not theirs to change leaves the code as it is.
#[tokio::test]
async fn a_login_its_end_and_other_claims_leave_a_code_good() {
    let world = World::with_ada().await;
    let codes = with_recovery(&world).await;
    world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
    world.table.end_session(&name("ada"), user_id(1), session_id(1)).await.unwrap();
    world.table.set_claims(&name("ada"), &r#"{"role":"x"}"#.parse().unwrap()).await.unwrap();
    recover(&codes, 1, &new_hash()).await.unwrap();
}

#[tokio::test]
async fn codes_are_made_for_those_alone_whom_they_can_help() {
    let world = World::with_ada().await;
    let codes = codes(&world).await;
    let allow =
        async |username: &str| codes.allow_recovery(&name(username), &code(1), &origin(NOW), None).await;
    assert!(matches!(allow("grace").await, Err(MakeCodeError::NoSuchUser)));
    world.table.disable(&name("ada")).await.unwrap();
    assert!(matches!(allow("ada").await, Err(MakeCodeError::UserDisabled)));
    world.table.reserve(&name("bob"), None, user_id(8), at(NOW)).await.unwrap();
    assert!(matches!(allow("bob").await, Err(MakeCodeError::NoSuchUser)));
    let invited = codes.invite(&invitation("bob"), &code(2)).await;
    assert!(matches!(invited, Err(MakeCodeError::NameReserved)));
    assert_eq!(find(&codes, 1, NOW).await.unwrap_err(), CodeFailure::Unknown);
}

/// A user without a password that anybody can have, as an import leaves them, is whom a code is for.
#[tokio::test]
async fn a_user_without_a_password_gets_one() {
    let world = World::with_ada().await;
    let codes = codes(&world).await;
    let unusable = aws_sdk_dynamodb::types::AttributeValue::S("!".to_owned());
    let key = aws_sdk_dynamodb::types::AttributeValue::S("user#ada".to_owned());
    let update = world.client.update_item().table_name(&world.table_name).key("pk", key);
    let update = update.update_expression("SET password_hash = :hash");
    update.expression_attribute_values(":hash", unusable).send().await.unwrap();
    codes.allow_recovery(&name("ada"), &code(1), &origin(NOW), None).await.unwrap();
    recover(&codes, 1, &new_hash()).await.unwrap();
    assert_eq!(world.ada().await.password_hash, Ok(new_hash()));
}

/// M3: neither table has a code in clear, nor what one could be made of.
#[tokio::test]
async fn the_table_holds_hashes_of_codes_and_nothing_that_logs_anybody_in() {
    let world = World::with_ada().await;
    let codes = with_recovery(&world).await;
    codes.invite(&invitation("grace"), &code(2)).await.unwrap();
    let rows = world.client.scan().table_name(codes.name()).send().await.unwrap().items.unwrap();
    assert_eq!(rows.len(), 4);
    let stored = format!("{rows:?}");
    for index in [1, 2] {
        let text = code(index).expose().to_string();
        for spelling in [text.replace('-', ""), text.clone(), text.to_lowercase()] {
            assert!(!stored.contains(&spelling), "{stored}");
        }
    }
    assert!(!stored.contains(old_hash().expose()), "{stored}");
    for row in &rows {
        let expires_at = row["expires_at"].as_n().unwrap().parse::<u64>().unwrap();
        assert_eq!(expires_at, NOW + 2 * DAY, "M15: long after any check");
    }
}

/// A writer of this table alone cannot make a code of another one: its row is bound to its code and its time.
#[tokio::test]
async fn who_can_only_write_codes_cannot_forge_one_for_a_user_who_is_there() {
    use aws_sdk_dynamodb::types::AttributeValue;
    for (attribute, value) in [
        ("code", AttributeValue::S(hash_text(9))),
        ("valid_until", AttributeValue::N((NOW + 9_999_999).to_string())),
    ] {
        let world = World::with_ada().await;
        let codes = with_recovery(&world).await;
        let key = AttributeValue::S("recovery#ada".to_owned());
        let forge = world.client.update_item().table_name(codes.name()).key("pk", key);
        let forge =
            forge.update_expression("SET #forged = :forged").expression_attribute_names("#forged", attribute);
        forge.expression_attribute_values(":forged", value).send().await.unwrap();
        let pk = format!("code#{}", hash_text(9));
        let row = [("pk", pk), ("purpose", "recovery".into()), ("username", "ada".into())];
        let row = row.map(|(name, text)| (name.to_owned(), AttributeValue::S(text)));
        world.client.put_item().table_name(codes.name()).set_item(Some(row.into())).send().await.unwrap();
        for index in [1, 9] {
            assert!(find(&codes, index, NOW).await.is_err(), "{attribute} {index}");
        }
    }
}

#[tokio::test]
async fn what_is_withdrawn_leaves_no_row_and_is_withdrawn_once() {
    let world = World::with_ada().await;
    let codes = with_recovery(&world).await;
    assert!(codes.withdraw(CodePurpose::Recovery, &name("ada")).await.unwrap());
    let rows = world.client.scan().table_name(codes.name()).send().await.unwrap();
    assert_eq!(rows.items.unwrap(), []);
    assert!(!codes.withdraw(CodePurpose::Recovery, &name("ada")).await.unwrap());
}
