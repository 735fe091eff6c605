//! Failed logins from one address, under many names.

use std::sync::Arc;

use harness::{Event, LOGIN_AT, Reply, World};
use http::Method;
use serde_json::json;
use tokio::task::JoinSet;

const PASSWORD: &str = "correct horse battery";
const WINDOW: u64 = 900;

/// A world that allows three failures from an address.
async fn world() -> World {
    let world = World::with(&[("LOGIN_FAILURES_PER_ADDRESS", "3")]).await;
    world.create("ada", PASSWORD).await;
    world
}

fn login(username: &str, password: &str) -> Event {
    Event::http_api(&Method::POST, "/auth/login").json(&json!({ "username": username, "password": password }))
}

fn from(mut event: Event, address: &str) -> Event {
    event.0["requestContext"]["http"]["sourceIp"] = address.into();
    event
}

async fn send(world: &World, event: &Event, now: u64) -> Reply {
    world.send("/auth/login", event, now).await
}

/// Fails to log in from the address of the event files under as many names, the first a second before the others.
async fn fail(world: &World, times: u64) {
    for attempt in 0..times {
        let name = format!("name-{attempt}");
        let rejected = world.log_in(&name, "wrong", LOGIN_AT + attempt.min(1)).await;
        assert_eq!(rejected.code(), "invalid_credentials");
    }
}

#[tokio::test]
async fn from_the_limit_on_every_name_waits_for_the_end_of_the_fifteen_minutes() {
    let world = world().await;
    fail(&world, 3).await;
    world.calls();
    for username in ["ada", "nobody", "name-0"] {
        let rejected = world.log_in(username, PASSWORD, LOGIN_AT + 10).await;
        assert_eq!((rejected.status, rejected.code()), (429, "too_many_attempts"));
        assert_eq!(rejected.headers["retry-after"], (WINDOW - 10).to_string());
        assert_eq!(world.calls(), 1, "a rejected try reads once, writes nothing and hashes nothing");
    }
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + WINDOW - 1).await.status, 429);
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + WINDOW).await.status, 200);
    let again = world.log_in("nobody", "wrong", LOGIN_AT + WINDOW).await;
    assert_eq!(again.code(), "invalid_credentials", "and counting starts over");
}

#[tokio::test]
async fn other_addresses_do_not_wait() {
    let world = world().await;
    fail(&world, 3).await;
    let elsewhere = from(login("ada", PASSWORD), "198.51.100.1");
    assert_eq!(send(&world, &elsewhere, LOGIN_AT + 1).await.status, 200);
}

#[tokio::test]
async fn a_success_does_not_forget_the_failures_of_its_address() {
    let world = world().await;
    fail(&world, 2).await;
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 1).await.status, 200);
    assert_eq!(world.log_in("nobody", "wrong", LOGIN_AT + 1).await.code(), "invalid_credentials");
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 1).await.status, 429);
}

#[tokio::test]
async fn an_ipv6_network_counts_as_one_address() {
    let world = world().await;
    for attempt in 1..=3 {
        let event = from(login(&format!("name-{attempt}"), "wrong"), &format!("2001:db8:0:1::{attempt}"));
        assert_eq!(send(&world, &event, LOGIN_AT).await.code(), "invalid_credentials");
    }
    let neighbour = from(login("ada", PASSWORD), "2001:db8:0:1:ffff::9");
    assert_eq!(send(&world, &neighbour, LOGIN_AT).await.status, 429);
    let next_network = from(login("ada", PASSWORD), "2001:db8:0:2::1");
    assert_eq!(send(&world, &next_network, LOGIN_AT).await.status, 200);
}

#[tokio::test]
async fn an_address_that_anybody_can_write_into_a_header_changes_nothing() {
    let world = world().await;
    for attempt in 0..3 {
        let spoofed = format!("198.51.100.{attempt}");
        let event = login(&format!("name-{attempt}"), "wrong").header("x-forwarded-for", Some(&spoofed));
        assert_eq!(send(&world, &event, LOGIN_AT).await.code(), "invalid_credentials");
    }
    let event = login("ada", PASSWORD).header("x-forwarded-for", Some("198.51.100.9"));
    assert_eq!(send(&world, &event, LOGIN_AT).await.status, 429);
}

#[tokio::test]
async fn without_an_address_of_the_request_context_names_alone_are_counted() {
    let world = world().await;
    for attempt in 0..5 {
        for mut event in [
            Event::load_balancer(&Method::POST, "/auth/login"),
            from(Event::http_api(&Method::POST, "/auth/login"), "test-invoke-source-ip"),
        ] {
            event = event.json(&json!({ "username": format!("name-{attempt}"), "password": "wrong" }));
            event = event.header("content-type", Some("application/json"));
            assert_eq!(send(&world, &event, LOGIN_AT).await.code(), "invalid_credentials");
        }
    }
}

#[tokio::test]
async fn a_limit_of_zero_counts_nothing() {
    let world = World::with(&[("LOGIN_FAILURES_PER_ADDRESS", "0")]).await;
    world.create("ada", PASSWORD).await;
    world.operations();
    assert_eq!(world.log_in("ada", "wrong", LOGIN_AT).await.code(), "invalid_credentials");
    assert_eq!(world.operations(), ["BatchGetItem", "UpdateItem"]);
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_tries_at_the_same_instant_no_more_than_the_limit_are_checked_from_half_of_it_on() {
    let world = Arc::new(World::with(&[("LOGIN_FAILURES_PER_ADDRESS", "6")]).await);
    world.create("ada", PASSWORD).await;
    fail(&world, 3).await;
    assert_eq!(world.log_in("ada", PASSWORD, LOGIN_AT + 1).await.status, 200, "a success is not counted");
    let mut tries = JoinSet::new();
    for attempt in 0..24 {
        let world = Arc::clone(&world);
        tries.spawn(
            async move { world.log_in(&format!("other-{attempt}"), "wrong", LOGIN_AT + 1).await.status },
        );
    }
    let statuses = tries.join_all().await;
    assert_eq!(statuses.iter().filter(|status| **status == 400).count(), 3, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 21, "{statuses:?}");
}
