use aws_sdk_dynamodb::types::AttributeValue;

use crate::world::{NOW, World, at, name, policy, session_id};

const MONTH: u64 = 30 * 86_400;

#[tokio::test]
async fn sessions_that_are_over_go_from_every_user_and_no_row_keeps_others_from_it() {
    let world = World::new().await;
    for (index, user) in ["ada", "bob", "eve", "mallory"].into_iter().enumerate() {
        let number = u8::try_from(index).unwrap() + 1;
        let added = world.add(user, number).await;
        world.log_in(&added, session_id(number), NOW).await.unwrap();
    }
    let live = world.ada().await;
    world.log_in(&live, session_id(100), NOW + MONTH).await.unwrap();
    // Unreadable, and of a newer version.
    overwrite(&world, "mallory", "user_id", AttributeValue::N("1".to_owned())).await;
    overwrite(&world, "eve", "passkeys", AttributeValue::S("newer".to_owned())).await;
    let pruned = world.table.prune(None, &policy(), at(NOW + MONTH)).await.unwrap();
    // Ada's own login has cleared hers away.
    assert_eq!((pruned.sessions, pruned.failed, pruned.next), (2, 1, None));
    assert_eq!(world.sessions("ada").await.into_keys().collect::<Vec<_>>(), [session_id(100)]);
    for user in ["bob", "eve"] {
        assert!(world.table.find(&name(user)).await.unwrap().unwrap().sessions.is_empty(), "{user}");
    }
}

async fn overwrite(world: &World, user: &str, attribute: &str, value: AttributeValue) {
    let write = world.client.update_item().table_name(&world.table_name);
    let write = write.key("pk", AttributeValue::S(format!("user#{user}")));
    let write = write.update_expression("SET #a = :a").expression_attribute_names("#a", attribute);
    write.expression_attribute_values(":a", value).send().await.unwrap();
}

#[tokio::test]
async fn many_users_are_cleared_page_by_page() {
    let world = World::new().await;
    let claims = format!(r#"{{"long":"{}"}}"#, "x".repeat(1000));
    for number in 0..40_u8 {
        let user = format!("user{number}");
        let added = world.add(&user, number + 1).await;
        world.log_in(&added, session_id(number), NOW).await.unwrap();
        overwrite(&world, &user, "claims", AttributeValue::S(claims.clone())).await;
        overwrite(&world, &user, "padding", AttributeValue::S("x".repeat(50_000))).await;
    }
    let (mut sessions, mut pages, mut start) = (0, 0, None);
    loop {
        let page = world.table.prune(start.as_ref(), &policy(), at(NOW + MONTH)).await.unwrap();
        (sessions, pages, start) = (sessions + page.sessions, pages + 1, page.next);
        if start.is_none() {
            break;
        }
    }
    assert!(sessions == 40 && pages > 1, "{sessions} sessions on {pages} pages of a megabyte");
}
