//! What `latchkey client …` says, and what the service then does.

use harness::{Event, LOGIN_AT, Reply, World, at};
use http::Method;
use local_data::TABLE_NAME;
use serde_json::{Value, json};

use crate::{
    changes::against,
    clients::{ORDERS, READ, text},
    folder::{latchkey, run},
};

/// What `POST /oauth2/token` answers to this client and secret.
async fn token(world: &World, id: &str, secret: &str, more: &str) -> Reply {
    let form = format!("grant_type=client_credentials&client_id={id}&client_secret={secret}{more}");
    let path = "/oauth2/token";
    let event = Event::http_api(&Method::POST, path)
        .header("content-type", Some("application/x-www-form-urlencoded"))
        .body(form);
    Reply::new(&world.gateway.respond(path, &event.0.to_string(), at(LOGIN_AT)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_service_takes_the_secrets_that_the_command_line_says_are_valid() {
    let store = harness::DynamoDb::start().await;
    let settings =
        [("ACCESS_TOKEN_AUDIENCES", "https://orders.example.com=orders:read"), ("MACHINE_CLIENTS", "true")];
    let world = World::at_endpoint(&store.endpoint, &settings);
    let json = |words: &[&str]| -> Value {
        let run = against(&store.endpoint, TABLE_NAME, &[words, &["--json"]].concat());
        assert_eq!((run.status, run.err.as_str()), (0, ""), "{words:?}");
        serde_json::from_str(&run.out).unwrap()
    };
    let created = json(&["client", "create", "nightly", "--audience", READ]);
    let (id, first) = (text(&created, "client_id"), text(&created, "client_secret"));
    let takes = async |secret: &str| {
        let reply = token(&world, &id, secret, "").await;
        assert!(reply.status == 200 || reply.body["error"] == "invalid_client", "{reply:?}");
        reply.status == 200
    };

    let granted = token(&world, &id, &first, "&scope=orders:read").await;
    assert_eq!((granted.status, &granted.body["scope"]), (200, &json!("orders:read")), "{granted:?}");
    let explained = run(
        latchkey(&[
            "token",
            "explain",
            granted.body["access_token"].as_str().unwrap(),
            "--at",
            &LOGIN_AT.to_string(),
        ]),
        "",
    );
    assert_eq!(explained.status, 0);
    assert!(explained.out.contains(&format!("\nIts machine client is {id} (sub);")), "{}", explained.out);

    let second = text(&json(&["client", "rotate", &id]), "client_secret");
    assert_eq!([takes(&first).await, takes(&second).await], [true, true]);
    let third = text(&json(&["client", "rotate", &id, "--replace-newest"]), "client_secret");
    assert_eq!([takes(&first).await, takes(&second).await, takes(&third).await], [true, false, true]);
    json(&["client", "rotate", &id, "--finish"]);
    assert_eq!([takes(&first).await, takes(&third).await], [false, true]);
    let fourth = text(&json(&["client", "rotate", &id, "--now"]), "client_secret");
    assert_eq!([takes(&third).await, takes(&fourth).await], [false, true]);

    json(&["client", "disable", &id]);
    assert!(!takes(&fourth).await);
    json(&["client", "enable", &id]);
    assert!(takes(&fourth).await);
    json(&["client", "set-audiences", &id, "--audience", "https://billing.example.com"]);
    assert_eq!(token(&world, &id, &fourth, "").await.body["error"], "invalid_target");
    json(&["client", "set-audiences", &id, "--audience", ORDERS]);
    assert_eq!(token(&world, &id, &fourth, "&scope=orders:read").await.body["error"], "invalid_scope");
    json(&["client", "delete", &id, "--yes"]);
    assert!(!takes(&fourth).await);

    let recorded = store.changes.list().await.unwrap().changes;
    assert_eq!(recorded.len(), 10);
    assert!(recorded.iter().all(|change| change.what.as_deref().unwrap().contains(&id)));
    assert!(!format!("{recorded:?}").contains("lks_"));
}
