//! Rows of an imagined next version: this one reads them, and keeps what it does not know.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use users::{EarlierFailures, NewSession, VerifiedLogin};

use crate::world::{NOW, World, at, login, name, new_hash, new_session, policy, session_id, try_id, user_id};

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn m<const N: usize>(members: [(&str, AttributeValue); N]) -> AttributeValue {
    AttributeValue::M(members.map(|(name, value)| (name.to_owned(), value)).into())
}

/// Adds a member of a kind that this version does not have.
async fn extend(world: &World, key: &str) {
    let members = HashMap::from([
        (":factors".to_owned(), m([("totp", m([("since", AttributeValue::N("1".to_owned()))]))])),
        (":flags".to_owned(), AttributeValue::Ss(vec!["beta".to_owned()])),
    ]);
    world
        .client
        .update_item()
        .table_name(&world.table_name)
        .key("pk", s(key))
        .update_expression("SET second_factors = :factors, flags = :flags")
        .set_expression_attribute_values(Some(members))
        .send()
        .await
        .unwrap();
}

/// Gives the user a session with a member that this version does not have.
async fn open_newer_session(world: &World) {
    world
        .client
        .update_item()
        .table_name(&world.table_name)
        .key("pk", s("user#ada"))
        .update_expression("SET sessions.#sid = :session")
        .expression_attribute_names("#sid", session_id(1).to_string())
        .expression_attribute_values(
            ":session",
            m([("iat", AttributeValue::N(NOW.to_string())), ("amr", AttributeValue::L(vec![s("otp")]))]),
        )
        .send()
        .await
        .unwrap();
}

async fn keeps_all(world: &World, key: &str) {
    let row = world.row(key).await;
    assert!(row.contains_key("second_factors") && row.contains_key("flags"), "{row:?}");
}

#[tokio::test]
async fn every_write_of_a_users_row_keeps_unknown_members() {
    let world = World::with_ada().await;
    extend(&world, "user#ada").await;
    open_newer_session(&world).await;
    assert_eq!(world.ada().await.sessions.len(), 1);

    let account = world.account("ada").await;
    let newest = new_session(session_id(2), NOW);
    world.table.open_session(&login(&account, &newest), &policy()).await.unwrap();
    let row = world.row("user#ada").await;
    let newer = &row["sessions"].as_m().unwrap()[&session_id(1).to_string()];
    assert!(newer.as_m().unwrap().contains_key("amr"), "{newer:?}");
    keeps_all(&world, "user#ada").await;

    world.table.end_session(&name("ada"), user_id(1), session_id(1)).await.unwrap();
    keeps_all(&world, "user#ada").await;
    let changed = NewSession { id: session_id(3), ..newest };
    world.table.change_password(&account, session_id(2), &new_hash(), &changed, None).await.unwrap();
    keeps_all(&world, "user#ada").await;
    world.table.end_all_sessions_with(&name("ada"), user_id(1), session_id(3)).await.unwrap();
    world.table.disable(&name("ada")).await.unwrap();
    world.table.enable(&name("ada")).await.unwrap();
    world.table.set_password(&name("ada"), &new_hash()).await.unwrap();
    keeps_all(&world, "user#ada").await;
}

#[tokio::test]
async fn rows_of_failures_with_unknown_members_count() {
    let world = World::with_ada().await;
    let address = "203.0.113.7".parse().unwrap();
    for _ in 0..2 {
        world.table.record_failure(&name("ada"), &try_id(), at(NOW)).await.unwrap();
        world.table.record_failure_from(&address, &try_id(), at(NOW)).await.unwrap();
        extend(&world, &world.table.attempts_key(&name("ada"))).await;
        extend(&world, "address#203.0.113.7").await;
    }
    let read = world.table.for_login(&name("ada"), Some(&address), at(NOW)).await.unwrap();
    assert_eq!((read.attempts.failures, read.from_address.failures), (2, 2));
    let session = new_session(session_id(1), NOW);
    let account = read.user.unwrap();
    let after = VerifiedLogin { earlier_failures: EarlierFailures::Forget, ..login(&account, &session) };
    world.table.open_session(&after, &policy()).await.unwrap();
    keeps_all(&world, &world.table.attempts_key(&name("ada"))).await;
    keeps_all(&world, "address#203.0.113.7").await;
}
