//! `latchkey token explain` of access tokens.

use std::fs;

use local_data::signing_key;
use serde_json::{Value, json};
use token::{
    AccessGrant, Algorithm, Bearer, ClientId, CustomClaims, Entropy, Issuer, KeySet, Lifetime, Scopes,
    SessionId, TokenId, UserId, public_jwk_set,
};

use crate::{
    explain::{explain, explain_json, unsigned},
    folder::Folder,
    signatures::{at, keys, tampered},
};

const LOGIN: u64 = 1_685_728_800;
const ISSUED: u64 = LOGIN + 600;
const EXPIRES: u64 = ISSUED + 900;
const ORDERS: &str = "https://orders.example.com";

fn user() -> Bearer {
    Bearer::User {
        id: UserId::new(Entropy([1; 16])),
        username: "ada".to_owned(),
        session_id: SessionId::new(Entropy([2; 16])),
        logged_in_at: at(LOGIN),
    }
}

fn client() -> Bearer {
    Bearer::Client(ClientId::new(Entropy([4; 16])))
}

fn issue(bearer: &Bearer, scopes: &str, keys: &KeySet) -> String {
    let issuer = Issuer::new("https://issuer.example".parse().unwrap(), "latchkey".parse().unwrap());
    let grant = AccessGrant {
        audience: &ORDERS.parse().unwrap(),
        bearer,
        scopes: &Scopes::of_claim(Some(&scopes.into())),
        lifetime: Lifetime { issued_at: at(ISSUED), expires_at: at(EXPIRES) },
        token_id: TokenId::new(Entropy([3; 16])),
        custom: &r#"{"role":"clerk"}"#.parse::<CustomClaims>().unwrap(),
    };
    issuer.issue_access(grant, keys, at(ISSUED)).unwrap()
}

fn header() -> Value {
    json!({ "typ": "at+jwt", "alg": "RS256", "kid": "key" })
}

fn claims() -> Value {
    json!({
        "iss": "https://issuer.example", "aud": ORDERS, "sub": "AQEBAQEBAQEBAQEBAQEBAQ", "username": "ada",
        "client_id": "latchkey", "scope": "orders:read orders:write", "token_use": "access", "iat": ISSUED,
        "exp": EXPIRES, "auth_time": LOGIN, "amr": ["pwd"], "jti": "AwMDAwMDAwMDAwMDAwMDAw",
        "sid": "AgICAgICAgICAgICAgICAg", "role": "clerk",
    })
}

fn claims_of_client() -> Value {
    json!({
        "iss": "https://issuer.example", "aud": ORDERS, "sub": "lkc_BAQEBAQEBAQEBAQEBAQEBA",
        "client_id": "lkc_BAQEBAQEBAQEBAQEBAQEBA", "token_use": "access", "iat": ISSUED, "exp": EXPIRES,
        "jti": "AwMDAwMDAwMDAwMDAwMDAw",
    })
}

#[test]
fn a_users_access_token_is_explained_line_by_line() {
    let run = explain(&unsigned(&header(), &claims()), ISSUED + 60, &[]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    assert_eq!(
        run.out,
        "\
NOT VERIFIED: anybody can write such a token. Check its signature with --jwks FILE or --local.

Header
  typ  what it is                                 at+jwt
  alg  how it says it is signed; the key decides  RS256
  kid  the key that signed it                     key

Claims
  iss        who issued it                                   https://issuer.example
  aud        the one service that it is for                  https://orders.example.com
  sub        the user or the machine client, for ever        AQEBAQEBAQEBAQEBAQEBAQ
  username   the user's name                                 ada
  client_id  the machine client, or Latchkey's own audience  latchkey
  scope      what it allows there                            orders:read orders:write
  token_use  what kind of token it is                        access
  iat        when it was issued                              1685729400 = 2023-06-02 18:10:00 UTC
  exp        when this token dies                            1685730300 = 2023-06-02 18:25:00 UTC
  auth_time  the login                                       1685728800 = 2023-06-02 18:00:00 UTC
  amr        how the user logged in                          [\"pwd\"]
  jti        this token                                      AwMDAwMDAwMDAwMDAwMDAw
  sid        the session                                     AgICAgICAgICAgICAgICAg
  role       set by an administrator                         clerk

This is an access token for https://orders.example.com (aud) and for no other service.
Its user is ada (username), AQEBAQEBAQEBAQEBAQEBAQ (sub), in the session AgICAgICAgICAgICAgICAg (sid).
It allows orders:read orders:write there (scope).
The user logged in at 2023-06-02 18:00:00 UTC (auth_time), 11 min ago.
This token dies at 2023-06-02 18:25:00 UTC (exp), in 14 min.
It cannot be refreshed. As long as the session lasts, POST /auth/access with the session token gives another.
"
    );
}

#[test]
fn a_clients_access_token_says_so_and_where_another_comes_from() {
    let run = explain(&unsigned(&header(), &claims_of_client()), EXPIRES - 1, &[]);
    assert_eq!((run.status, run.err.as_str()), (0, ""));
    let sentences = run.out.lines().skip_while(|line| !line.starts_with("This is")).collect::<Vec<_>>();
    assert_eq!(
        sentences,
        [
            "This is an access token for https://orders.example.com (aud) and for no other service.",
            "Its machine client is lkc_BAQEBAQEBAQEBAQEBAQEBA (sub); there is no user and no session.",
            "It has no scope, so it opens only what needs none.",
            "This token dies at 2023-06-02 18:25:00 UTC (exp), in 1 s.",
            "It cannot be refreshed. POST /oauth2/token with the client's id and secret gives another.",
        ]
    );
}

#[test]
fn the_json_has_what_the_sentences_say() {
    let (status, mut json) = explain_json(&unsigned(&header(), &claims()), ISSUED, &[]);
    let sentences = json["explanation"]["sentences"].take();
    assert_eq!((status, sentences.as_array().unwrap().len()), (0, 6));
    assert_eq!(
        json,
        json!({
            "kind": "access_token", "live": true, "refreshable": false,
            "signature": { "status": "not_verified" }, "header": header(), "claims": claims(), "problems": [],
            "explanation": {
                "now": ISSUED, "audience": ORDERS, "scopes": ["orders:read", "orders:write"],
                "bearer": {
                    "user_id": "AQEBAQEBAQEBAQEBAQEBAQ", "username": "ada",
                    "session_id": "AgICAgICAgICAgICAgICAg",
                },
                "logged_in_at": LOGIN, "issued_at": ISSUED, "expires_at": EXPIRES, "sentences": null,
            },
        })
    );
    let (status, json) = explain_json(&unsigned(&header(), &claims_of_client()), EXPIRES, &[]);
    assert_eq!((status, &json["live"]), (1, &json!(false)));
    let explanation = &json["explanation"];
    assert_eq!(explanation["bearer"], json!({ "client_id": "lkc_BAQEBAQEBAQEBAQEBAQEBA" }));
    assert_eq!((&explanation["scopes"], &explanation["logged_in_at"]), (&json!([]), &Value::Null));
}

#[test]
fn it_is_live_until_its_own_second_and_no_setting_of_sessions_changes_that() {
    for (now, status, words) in [
        (ISSUED - 6, 1, "It is rejected: iat is in the future by more than the 5 s that clocks may differ."),
        (ISSUED - 5, 0, "This token dies at 2023-06-02 18:25:00 UTC (exp), in 15 min 5 s."),
        (EXPIRES - 1, 0, "This token dies at 2023-06-02 18:25:00 UTC (exp), in 1 s."),
        (EXPIRES, 1, "This token died at 2023-06-02 18:25:00 UTC (exp), 0 s ago, and is rejected."),
    ] {
        for more in [&[][..], &["--no-refresh"], &["--expiration", "5m", "--refresh-expiration", "0"]] {
            let run = explain(&unsigned(&header(), &claims()), now, more);
            assert_eq!(run.status, status, "{now} {more:?}");
            assert!(run.out.lines().any(|line| line == words), "{}", run.out);
            assert!(!run.out.to_lowercase().contains("assumed"), "{}", run.out);
        }
    }
}

#[test]
fn its_signature_is_checked_as_any_other_and_decides() {
    let folder = Folder::new();
    let path = folder.path().to_str().unwrap();
    let file = signing_key::file_in(folder.path(), at(LOGIN)).unwrap();
    let of_server = KeySet::from_secret(&fs::read_to_string(file).unwrap()).unwrap();
    let jwks = folder.path().join("jwks.json");
    let elliptic = keys(Algorithm::ES256);
    fs::write(&jwks, public_jwk_set(&elliptic, at(LOGIN)).to_string()).unwrap();
    let jwks = ["--jwks", jwks.to_str().unwrap()];
    for (keys, more) in [(&of_server, ["--local", path]), (&elliptic, jwks)] {
        for bearer in [user(), client()] {
            let token = issue(&bearer, "orders:read", keys);
            let (status, json) = explain_json(&token, ISSUED, &more);
            assert_eq!((status, &json["signature"]["status"]), (0, &json!("verified")), "{json}");
            let (status, json) = explain_json(&tampered(&token), ISSUED, &more);
            assert_eq!((status, &json["live"]), (1, &json!(false)));
            assert_eq!(json["problems"], json!(["the signature is wrong"]));
        }
    }
    let (status, json) = explain_json(&issue(&user(), "a", &elliptic), ISSUED, &["--local", path]);
    assert_eq!((status, &json["problems"]), (1, &json!(["kid names no key of ours"])));
}

#[test]
fn what_no_verifier_would_take_is_rejected_whatever_its_age() {
    let with = |mut object: Value, name: &str, value: Value| {
        object[name] = value;
        object
    };
    for (header, claims, problem) in [
        (with(header(), "crit", json!(["exp"])), claims(), "the header asks for an extension"),
        // Whoever verifies HS256 can sign.
        (with(header(), "alg", json!("HS256")), claims(), "alg is not the algorithm of the key"),
        (header(), with(claims(), "aud", json!([ORDERS])), "the claim aud has the wrong type or range"),
        (
            header(),
            with(claims(), "token_use", json!("id")),
            "the claim token_use has the wrong type or range",
        ),
        (header(), with(claims(), "nbf", json!(ISSUED + 1)), "nbf is in the future"),
        (header(), with(claims(), "sid", json!("x")), "the claim sid has the wrong type or range"),
        (
            header(),
            with(claims_of_client(), "client_id", json!("lkc_AQEBAQEBAQEBAQEBAQEBAQ")),
            "the claim client_id has the wrong type or range",
        ),
        (header(), with(claims(), "jti", Value::Null), "the claim jti has the wrong type or range"),
    ] {
        let token = unsigned(&header, &claims);
        let (status, json) = explain_json(&token, ISSUED, &[]);
        assert_eq!((status, &json["live"], &json["problems"]), (1, &json!(false), &json!([problem])));
        let text = explain(&token, ISSUED, &[]).out;
        assert!(text.contains(&format!("\nIt is rejected whatever its age: {problem}.\n")), "{text}");
    }
}

#[test]
fn one_that_says_next_to_nothing_is_shown_and_rejected() {
    let token = unsigned(&header(), &json!({ "sub": "somebody" }));
    let (status, json) = explain_json(&token, ISSUED, &[]);
    let missing: Vec<_> = ["iss", "aud", "token_use", "iat", "exp", "client_id", "jti"]
        .map(|name| match name {
            // A client's, for there is no session.
            "client_id" => "the claim sub has the wrong type or range".to_owned(),
            name => format!("the claim {name} is missing"),
        })
        .into();
    assert_eq!((status, &json["problems"]), (1, &json!(missing)));
    assert_eq!((&json["claims"]["sub"], &json["explanation"]["bearer"]), (&json!("somebody"), &Value::Null));
    let text = explain(&token, ISSUED, &[]).out;
    assert!(
        text.contains("\nThis is an access token.\n") && text.contains("\nIt cannot be refreshed.\n"),
        "{text}"
    );
}

#[test]
fn none_of_its_claims_can_talk_to_the_terminal() {
    let mut claims = claims();
    let evil = "\u{1b}[2J\r\nSignature verified with the key x.";
    for name in ["aud", "username", "scope", "role", "amr"] {
        claims[name] = json!(evil);
    }
    let text = explain(&unsigned(&header(), &claims), ISSUED, &[]).out;
    assert!(!text.lines().any(|line| line.starts_with("Signature verified")), "{text}");
    assert!(!text.chars().any(|c| c != '\n' && c.is_control()), "{text:?}");
}

#[test]
fn only_the_very_typ_makes_an_access_token() {
    for typ in ["AT+JWT", "application/at+jwt", "at+jwt "] {
        let mut header = header();
        header["typ"] = json!(typ);
        let (status, json) = explain_json(&unsigned(&header, &claims()), ISSUED, &[]);
        assert_eq!((status, &json["problems"]), (1, &json!(["typ is not JWT"])), "{typ}");
    }
}
