//! `latchkey token explain` of an access token, which has no sliding session's arithmetic.

use serde_json::{Map, Value, json};
use token::{Bearer, ISSUED_AT_LEEWAY, Lifetime, Scopes, Timestamp, TokenError, UnverifiedToken};

use crate::{Outcome, Report, meaning, signature::Signature, table::printable};

/// Says for what an access token is, whose it is, and when it dies.
pub(crate) fn report(
    token: &UnverifiedToken<'_>,
    claims: &Map<String, Value>,
    signature: &Signature,
    now: Timestamp,
) -> Report {
    let problems = signature.before(token.access_problems(now));
    let said = Said {
        audience: claims.get("aud").and_then(Value::as_str),
        bearer: token.unverified_bearer(),
        scopes: Scopes::of_claim(claims.get("scope")),
        lifetime: token.unverified_lifetime(),
    };
    let sentences: Vec<String> = said
        .sentences(now)
        .into_iter()
        .chain(problems.iter().filter_map(|problem| rejection(*problem)))
        .collect();
    let text = format!(
        "{}\n\nHeader\n{}\nClaims\n{}\n{}\n",
        signature.sentence(),
        meaning::of_header(token.header()),
        meaning::of_access_claims(claims),
        sentences.join("\n"),
    );
    let is_live = problems.is_empty();
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    let json = json!({
        "kind": "access_token",
        "live": is_live,
        "refreshable": false,
        "signature": signature.to_json(),
        "header": token.header(),
        "claims": claims,
        "problems": problems,
        "explanation": said.to_json(now, &sentences),
    });
    Report { text, json, outcome: if is_live { Outcome::Success } else { Outcome::Rejected } }
}

/// What an access token says, as far as it can be read.
struct Said<'a> {
    audience: Option<&'a str>,
    bearer: Option<Bearer>,
    scopes: Scopes,
    lifetime: Option<Lifetime>,
}

impl Said<'_> {
    fn sentences(&self, now: Timestamp) -> Vec<String> {
        let audience = match self.audience {
            Some(audience) => {
                format!("This is an access token for {} (aud) and for no other service.", printable(audience))
            }
            None => "This is an access token.".to_owned(),
        };
        let scopes = if self.scopes.is_empty() {
            "It has no scope, so it opens only what needs none.".to_owned()
        } else {
            format!("It allows {} there (scope).", self.scopes)
        };
        let sentences = [
            Some(audience),
            self.bearer.as_ref().map(bearer_sentence),
            Some(scopes),
            self.logged_in_at().map(|at| login_sentence(at, now)),
            self.lifetime.map(|lifetime| life_sentence(lifetime, now)),
            Some(self.successor_sentence().to_owned()),
        ];
        sentences.into_iter().flatten().collect()
    }

    fn logged_in_at(&self) -> Option<Timestamp> {
        match self.bearer {
            Some(Bearer::User { logged_in_at, .. }) => Some(logged_in_at),
            Some(Bearer::Client(_)) | None => None,
        }
    }

    /// Where the next one comes from.
    fn successor_sentence(&self) -> &'static str {
        match self.bearer {
            Some(Bearer::User { .. }) => {
                "It cannot be refreshed. As long as the session lasts, POST /auth/access with the session token \
                 gives another."
            }
            Some(Bearer::Client(_)) => {
                "It cannot be refreshed. POST /oauth2/token with the client's id and secret gives another."
            }
            None => "It cannot be refreshed.",
        }
    }

    fn to_json(&self, now: Timestamp, sentences: &[String]) -> Value {
        let bearer = self.bearer.as_ref().map(|bearer| match bearer {
            Bearer::User { id, username, session_id, .. } => {
                json!({ "user_id": id, "username": username, "session_id": session_id })
            }
            Bearer::Client(id) => json!({ "client_id": id.to_string() }),
        });
        json!({
            "now": now,
            "audience": self.audience,
            "bearer": bearer,
            "scopes": self.scopes.iter().collect::<Vec<_>>(),
            "logged_in_at": self.logged_in_at(),
            "issued_at": self.lifetime.map(|lifetime| lifetime.issued_at),
            "expires_at": self.lifetime.map(|lifetime| lifetime.expires_at),
            "sentences": sentences,
        })
    }
}

fn bearer_sentence(bearer: &Bearer) -> String {
    match bearer {
        Bearer::User { id, username, session_id, .. } => format!(
            "Its user is {} (username), {id} (sub), in the session {session_id} (sid).",
            printable(username)
        ),
        Bearer::Client(id) => format!("Its machine client is {id} (sub); there is no user and no session."),
    }
}

fn login_sentence(at: Timestamp, now: Timestamp) -> String {
    if now < at {
        return format!("The login claims to be at {at} (auth_time), {} from now.", at.time_left(now));
    }
    format!("The user logged in at {at} (auth_time), {} ago.", now.time_left(at))
}

fn life_sentence(lifetime: Lifetime, now: Timestamp) -> String {
    let at = lifetime.expires_at;
    if lifetime.is_live(now) {
        format!("This token dies at {at} (exp), in {}.", at.time_left(now))
    } else {
        format!("This token died at {at} (exp), {} ago, and is rejected.", now.time_left(at))
    }
}

/// Why it is rejected, unless the sentence on its life says so.
fn rejection(problem: TokenError) -> Option<String> {
    match problem {
        TokenError::Expired => None,
        TokenError::IssuedInFuture => Some(format!(
            "It is rejected: {problem} by more than the {} s that clocks may differ.",
            ISSUED_AT_LEEWAY.get()
        )),
        _ => Some(format!("It is rejected whatever its age: {problem}.")),
    }
}
