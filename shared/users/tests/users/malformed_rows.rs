use std::{collections::HashMap, error::Error};

use aws_sdk_dynamodb::types::AttributeValue;
use users::{HashError, OpenSessionError, StoreError};

use crate::world::{NOW, World, at, name, session_id, try_id, user_id};

async fn overwrite(world: &World, key: &str, attribute: &str, value: AttributeValue) {
    world
        .client
        .update_item()
        .table_name(&world.table_name)
        .key("pk", AttributeValue::S(key.to_owned()))
        .update_expression("SET #attribute = :value")
        .expression_attribute_names("#attribute", attribute)
        .expression_attribute_values(":value", value)
        .send()
        .await
        .unwrap();
}

fn s(text: &str) -> AttributeValue {
    AttributeValue::S(text.to_owned())
}

fn n(text: &str) -> AttributeValue {
    AttributeValue::N(text.to_owned())
}

fn m(name: &str, value: AttributeValue) -> AttributeValue {
    AttributeValue::M(HashMap::from([(name.to_owned(), value)]))
}

fn attribute(error: &StoreError) -> &'static str {
    let StoreError::Malformed(row) = error else {
        panic!("{error:?}");
    };
    row.attribute
}

#[tokio::test]
async fn a_malformed_row_names_its_attribute_and_prints_no_value() {
    let world = World::with_ada().await;
    for (index, (name_of_attribute, value, blamed)) in [
        ("user_id", n("1"), "user_id"),
        ("user_id", s("s3cret"), "user_id"),
        ("username", s("S3cret"), "username"),
        ("username", s("s3cret\u{0}"), "username"),
        ("enabled", s("s3cret"), "enabled"),
        ("password_hash", n("1"), "password_hash"),
        ("claims", s("{s3cret"), "claims"),
        ("claims", s("{\"s3cret\":1,\"s3cret\":2}"), "claims"),
        ("created_at", s("s3cret"), "created_at"),
        ("created_at", n("-1"), "created_at"),
        ("created_at", n("1.5"), "created_at"),
        ("created_at", n("9007199254740992"), "created_at"),
        ("sessions", AttributeValue::L(vec![]), "sessions"),
    ]
    .into_iter()
    .enumerate()
    {
        let username = format!("ada {index}");
        world.add(&username, 1).await;
        overwrite(&world, &format!("user#{username}"), name_of_attribute, value).await;

        let error = world.table.find(&name(&username)).await.expect_err(name_of_attribute);
        assert_eq!(attribute(&error), blamed, "{username}");
        let mut cause: Option<&dyn Error> = Some(&error);
        while let Some(error) = cause {
            assert!(!error.to_string().contains("s3cret"), "{error}");
            cause = error.source();
        }
        let id = user_id(1);
        let row = if blamed == "user_id" {
            "a user's row whose user_id is unreadable".to_owned()
        } else {
            format!("the row of the user {id}")
        };
        assert!(error.source().unwrap().to_string().ends_with(&format!(" in {row}")), "{error:?}");
        let before_login = world.table.for_login(&name(&username), None, at(NOW)).await;
        if ["created_at", "sessions"].contains(&blamed) {
            assert!(before_login.is_ok(), "a login reads neither");
        } else {
            assert_eq!(attribute(&before_login.unwrap_err()), blamed);
        }
    }
}

#[tokio::test]
async fn an_unreadable_session_shuts_nobody_out_and_is_kept_until_all_end() {
    let world = World::with_ada().await;
    let sid = session_id(9).to_string();
    for sessions in [
        m("oauth:1", m("iat", n("1"))),
        m(&sid, s("a newer form")),
        m(&sid, m("user_agent", s("curl"))),
        m(&sid, m("iat", s("yesterday"))),
    ] {
        overwrite(&world, "user#ada", "sessions", sessions).await;
        assert!(world.ada().await.sessions.is_empty());
        world.log_in(&world.ada().await, session_id(1), NOW).await.unwrap();
        assert_eq!(world.sessions("ada").await.len(), 1);
        let row = world.row("user#ada").await;
        assert_eq!(row["sessions"].as_m().unwrap().len(), 2, "{row:?}");
    }
}

#[tokio::test]
async fn a_missing_attribute_is_malformed_too() {
    for attribute_name in
        ["user_id", "username", "enabled", "password_hash", "claims", "created_at", "sessions"]
    {
        let world = World::with_ada().await;
        world
            .client
            .update_item()
            .table_name(&world.table_name)
            .key("pk", s("user#ada"))
            .update_expression("REMOVE #attribute")
            .expression_attribute_names("#attribute", attribute_name)
            .send()
            .await
            .unwrap();
        let error = world.table.find(&name("ada")).await.expect_err(attribute_name);
        assert_eq!(attribute(&error), attribute_name);
        // Logging out of such a row is still answered.
        world.table.end_session(&name("ada"), user_id(1), session_id(1)).await.unwrap();
    }
}

#[tokio::test]
async fn a_hash_that_must_not_run_is_no_error_of_the_row() {
    let world = World::with_ada().await;
    for (hash, reason) in [
        ("$argon2id$v=19$m=4194304,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5Q", HashError::Parameters),
        ("md5$salt$b969f3609f96f027ca7da6aa9d4d2e50", HashError::TooWeak("md5")),
    ] {
        overwrite(&world, "user#ada", "password_hash", s(hash)).await;
        let user = world.ada().await;
        assert_eq!(user.password_hash, Err(reason));
        let rejected = world.log_in(&user, session_id(1), NOW).await;
        assert!(matches!(rejected, Err(OpenSessionError::UnreadableHash)), "{rejected:?}");
    }
}

#[tokio::test]
async fn malformed_attempts_are_an_error_and_not_no_attempts() {
    let world = World::new().await;
    for (attribute_name, value) in
        [("failures", s("many")), ("last_failure", s("today")), ("expires_at", n("-1"))]
    {
        world.table.record_failure(&name("ada"), &try_id(), at(NOW)).await.unwrap();
        overwrite(&world, &world.table.attempts_key(&name("ada")), attribute_name, value).await;
        let error = world.table.for_login(&name("ada"), None, at(NOW)).await.expect_err(attribute_name);
        assert_eq!(attribute(&error), attribute_name);
        overwrite(&world, &world.table.attempts_key(&name("ada")), "failures", n("1")).await;
        overwrite(&world, &world.table.attempts_key(&name("ada")), "expires_at", n(&(NOW + 1).to_string()))
            .await;
    }
}

#[tokio::test]
async fn a_malformed_row_does_not_hide_the_other_users_of_a_listing() {
    let world = World::with_ada().await;
    world.add("grace", 2).await;
    overwrite(&world, "user#ada", "claims", s("[]")).await;
    let page = world.table.list(None).await.unwrap();
    let (users, unreadable): (Vec<_>, Vec<_>) = page.users.into_iter().partition(Result::is_ok);
    assert_eq!(users.into_iter().map(|user| user.unwrap().id).collect::<Vec<_>>(), [user_id(2)]);
    let row = unreadable.into_iter().map(|user| user.unwrap_err()).next().unwrap();
    assert_eq!((row.key.as_str(), row.source.attribute), ("user#ada", "claims"));
}
