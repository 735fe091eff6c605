//! Every row of the HTTP contract, the worked example end to end, and the files that promise them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a scenario fails by panicking"
)]

mod access_tokens;
mod accounts;
mod address_throttling;
mod alarms;
mod architecture;
mod attacks;
mod authorizer;
mod authorizer_cookie;
mod aws_stand_in;
mod binaries;
mod cookies;
mod cors;
mod deployed;
mod documents;
mod example;
mod faults;
mod foreign_hashes;
mod hostile;
mod http_contract;
mod insights;
mod interleavings;
mod local_clock;
mod local_https;
mod local_page;
mod local_server;
mod login;
mod logout;
mod logs;
mod lost_responses;
mod mail;
mod openapi;
mod operations;
mod outages;
mod password;
mod protected;
mod public_keys;
mod refresh;
mod resolved;
mod rotation;
mod sam_config;
mod session_races;
mod sessions;
mod template;
mod template_codes;
mod template_permissions;
mod tls;
mod traffic_shifting;
mod verify;
mod weak_secrets;
mod worked_example;
