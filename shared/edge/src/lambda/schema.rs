//! What a line of the log may say: its members, events and reasons. docs/logs.md prints these tables, and a test compares
//! them with it and with every line that the functions write.

/// The version of this schema. A new member, event or reason leaves it; a new meaning or another name changes it.
pub const VERSION: u64 = 1;

macro_rules! members {
    ($($variant:ident $name:literal on $on:literal: $meaning:literal;)*) => {
        /// A member of a line of the log.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Field {
            $(#[doc = $meaning] $variant,)*
        }

        impl Field {
            /// Every member, in the order of the documentation.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name in the line.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Which lines have it.
            pub const fn on(self) -> &'static str {
                match self { $(Self::$variant => $on,)* }
            }

            /// What it says.
            pub const fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning,)* }
            }
        }
    };
}

members! {
    Version "v" on "all": "the version of this schema, 1: members are added, and none changes its name or meaning";
    Timestamp "timestamp" on "all": "when the line was written: RFC 3339, UTC";
    Level "level" on "all": "`INFO`; `WARN` where the caller is at fault, `ERROR` where the service is";
    Event "event" on "all": "what was asked for: one of the events below";
    Outcome "outcome" on "all": "`success`, `rejected` (the caller is at fault) or `failure` (the service is)";
    Status "status" on "rejections": "the HTTP status of the answer; for the authorizer that of API Gateway's";
    Code "code" on "rejections": "the `code` of the answer, as the API's documentation lists them";
    Reason "reason" on "rejections": "why, more precisely than the caller is told: one of the reasons below";
    Detail "detail" on "some rejections": "a sentence of the service's own beside the reason";
    AwsError "aws_error" on "failures of AWS": "AWS's own error code, such as `AccessDeniedException`, or `timeout`, `not_connected`, `unreadable`; never its text";
    Wait "wait_s" on "throttled logins": "for how many seconds the caller has to wait";
    User "sub" on "where known": "the user, for ever";
    Session "sid" on "where known": "the session that was opened, used or ended";
    BySession "by_sid" on "endings": "the session that asked for it, if it is another than `sid`";
    Scope "scope" on "endings": "`one`: this session; `all`: every session of the user";
    Ended "ended" on "endings": "how many sessions ended: all that were in the row, also some that were over";
    Evicted "evicted_sid" on "logins": "the oldest session, which a fifty-first login of its user ended";
    IssuedToken "jti" on "where a token is issued": "the id of the token in the answer";
    PresentedToken "from_jti" on "where a token is accepted": "the id of the token in the request, also of one of ours that has expired";
    MadeBy "made_by" on "`show_code`, `register`, `recover`": "the administrator who made the code, as AWS knows them";
    Letter "letter" on "`send_letter`": "what the letter is about: `recovery`, `invitation`, `password_changed`, `link_made` or `test`";
    Client "client_id" on "where known": "the machine client, for ever; on rejections the one that the caller names";
    ClientSecret "secret_id" on "`client_token`": "which of the client's secrets was used";
    Audience "aud" on "`access_token`, `client_token`": "the audience of the token in the answer";
    KeyId "kid" on "rejected tokens": "the key that the token names, if that is base64url and 64 characters at most";
    Algorithm "alg" on "rejected tokens": "the algorithm that the token names, if it is none of ours: 16 letters and digits at most";
    ForeignKey "foreign_key" on "rejected tokens": "the header brings a key of its own: `jwk`, `jku`, `x5c` or `x5u`, which are never looked at";
    NameHash "name_hash" on "logins under a name that no user has": "stands for the name: 11 characters of an HMAC whose key is made of the signing key, so that it means nothing after the next rotation";
    Origin "origin" on "`csrf_refused`": "`foreign`: the browser names a page of another site; `absent`: it names none";
    Moved "moved" on "refresh, logout, sessions, passwords": "what differs from the login of the session: `address`, `client` (the user agent) or `address_client`";
    SourceIp "source_ip" on "where API Gateway tells it": "the caller's address";
    UserAgent "user_agent" on "logins, new passwords, `show_code`, `register`, `recover`, `moved`": "what the caller says it is, 200 characters at most";
    Api "api_id" on "authorizer": "the API that asked";
    Route "route" on "authorizer": "its route: of an HTTP API as it is configured, of a REST API the method and the resource";
    Step "step" on "rotate_keys": "the step of the rotation, or `publish`";
    SigningKey "signing_kid" on "rotate_keys": "the key that signs now";
    Changed "changed" on "rotate_keys": "whether this step changed anything: a step may be repeated";
    Pruned "pruned" on "prune_sessions": "how many expired sessions were removed";
    RequestId "request_id" on "all": "Lambda's id of this call: in the access log `integrationRequestId`";
    ApiRequestId "api_request_id" on "requests through API Gateway": "API Gateway's id of the request: in the access log `requestId`. Callers of a REST API can choose it";
    FunctionVersion "function_version" on "with `TrafficShifting`": "the published version of the function";
    Metrics "_aws" on "some rejections": "tells CloudWatch which members are metrics (Embedded Metric Format)";
    Stack "Stack" on "with `_aws`": "the stack, a dimension of every metric";
    Operation "Operation" on "with `Observability=full`": "the event, as a dimension";
    CodeDimension "Code" on "with `Observability=full`": "the code, as a dimension";
    Rejections "Rejections" on "with `Observability=full`": "1";
    Unavailable "Unavailable" on "failures": "1";
    LoginFailures "LoginFailures" on "with `Observability=full`": "1, where the password of a login was wrong or its check had to wait";
    PasswordFailures "PasswordFailures" on "with `Observability=full`": "1, where that happened at a change of the password";
    InvalidTokens "InvalidTokens" on "with `Observability=full`": "1, where this service did not issue the token";
    EndedSessions "EndedSessions" on "with `Observability=full`": "1, where the token was of a session that has ended";
    ForeignPages "ForeignPages" on "with `Observability=full`": "1, where a browser called for a page of another site";
    SigningKeyAge "SigningKeyAge" on "with `Observability=full`": "for how many days the signing key has been signing";
    Problem "problem" on "notes": "what went wrong, in the service's own words";
    Place "place" on "`panic`": "the file and line of the source";
    Count "count" on "`roots`": "how many certificates of the system are believed now";
    Lost "lost" on "`log`": "how many lines were dropped while nobody read the log";
    Message "message" on "notes": "a sentence";
}

/// The events: first the lines of requests, one for each, then those of calls that no client waits for, then notes.
pub const EVENTS: &[(&str, &str)] = &[
    ("login", "`POST /auth/login`"),
    ("refresh", "`POST /auth/refresh`"),
    ("verify", "`POST /auth/verify`"),
    ("logout", "`POST /auth/logout`"),
    ("list_sessions", "`GET /auth/sessions`"),
    ("end_session", "`DELETE /auth/sessions/{sid}`"),
    ("sessions", "another path of the same function"),
    ("change_password", "`POST /auth/password`"),
    ("show_code", "`POST /auth/code`"),
    ("register", "`POST /auth/registration/complete`"),
    ("recover", "`POST /auth/recovery/complete`"),
    ("redeem", "another path of the same function"),
    ("request_recovery", "`POST /auth/recovery`"),
    ("send_letter", "the mailer has a letter to send"),
    ("access_token", "`POST /auth/access`"),
    ("client_token", "`POST /oauth2/token`"),
    ("jwks", "`GET /.well-known/jwks.json` or `openid-configuration`"),
    ("authorizer", "API Gateway asks about a call of another API"),
    (
        "rotate_keys",
        "Secrets Manager or the schedule calls; a publication that changes nothing writes no line, or with `Observability=full` one without `step`, for its metric",
    ),
    ("prune_sessions", "the schedule has expired sessions removed"),
    ("start", "note: the function cannot start, and why"),
    ("warm_up", "note: AWS is slow or fails while the function starts"),
    ("signing_keys", "note: the keys cannot be read, or the ones before stay in use"),
    ("failed_logins", "note: failures could not be forgotten or taken back"),
    ("unconfirmed_session", "note: the session of a login that failed at last may be left in the row"),
    ("runtime", "note: a library has said something"),
    ("roots", "note: which certificates are believed, where that is not as usual"),
    ("panic", "note: a bug was caught, and where; the request has its own line"),
    ("log", "note: lines were dropped"),
];

/// The reasons, with what they mean.
pub const REASONS: &[(&str, &str)] = &[
    ("invalid_request", "the event, the body or a field is not what the call takes"),
    ("not_found", "there is nothing at this path"),
    ("method_not_allowed", "the path takes other methods"),
    ("body_too_large", "the body is larger than 16 KiB"),
    ("unsupported_media_type", "the body is not JSON, or does not say so"),
    ("unknown_user", "no user has the name"),
    ("wrong_password", "the password is another"),
    ("unusable_hash", "the stored hash cannot be checked: set a password"),
    ("unknown_code", "there is no such code, or it has been used"),
    ("code_expired", "the time of the code is over"),
    ("code_replaced", "a newer code took its place, or an administrator withdrew it"),
    ("code_of_other_purpose", "an invitation cannot set a new password, nor the other way round"),
    ("name_taken", "the user of the invitation is there already"),
    (
        "user_changed",
        "the user has another password since the code was made, was disabled, renamed or changed by an import, or is another user",
    ),
    (
        "no_recipient",
        "nobody is to get the letter: there is no such user or invitation, they are disabled or have no address",
    ),
    ("user_has_enough_letters", "three letters at once to a user, and then one in half an hour"),
    (
        "address_has_enough_letters",
        "ten letters at once asked for from an address, and then one in 90 seconds",
    ),
    (
        "letter_too_old",
        "the letter has waited too long and is given up: 10 minutes for a new password, 6 hours for an invitation and the word of a change",
    ),
    ("letter_refused", "SES will not send the letter; `aws_error` says why"),
    ("letter_delayed", "SES failed, and the letter is tried again"),
    (
        "letter_broken",
        "a row that the letter needs cannot be read, or there is a bug; the line before says more",
    ),
    ("letter_uncertain", "the letter was sent twice at most, without a word of SES, and is given up"),
    ("audience_unknown", "no access token can be for the audience"),
    ("scope_unknown", "the audience has no such scope"),
    ("unknown_client", "no machine client has the id"),
    ("wrong_secret", "the machine client has no such secret"),
    ("two_clients", "the form names another machine client than the `Authorization` header"),
    ("client_disabled", "the machine client is disabled; at `client_token` the secret was right"),
    ("no_credentials", "no machine client is named, or it proves nothing"),
    ("unsupported_grant_type", "a grant type other than `client_credentials`"),
    ("invalid_scope", "the machine client may not have the scope"),
    ("invalid_target", "the machine client may have no token for the resource, or has to name one"),
    ("user_disabled", "the user is disabled; at a login whatever the password was"),
    ("password_refused", "the new password is too short, common, the name or the old one"),
    ("name_throttled", "too many failures under this name: nothing was checked"),
    (
        "address_throttled",
        "too many failures from this address: no password was checked; a machine client's secret was, and is wrong",
    ),
    ("token_too_long", "longer than 4,096 bytes"),
    ("token_malformed", "no compact JWS of three parts in strict base64url, or its JSON is not strict"),
    ("token_header", "the header asks for an extension, encryption or another type"),
    ("unknown_kid", "`kid` names no key of ours, or one that is retired"),
    ("wrong_alg", "`alg` is not the algorithm of the key; `none` is one of them"),
    ("bad_signature", "the signature is not that of the key"),
    ("bad_claims", "signed by us, with claims that no token of this version has"),
    ("wrong_issuer", "signed by us, for another `iss`"),
    ("wrong_audience", "signed by us, for another `aud`"),
    ("from_the_future", "signed by us, with `iat` or `nbf` in the future: look at the clocks"),
    ("token_expired", "ours, and its `exp` has passed"),
    ("refresh_expired", "ours and live, and its session is too old to be refreshed"),
    ("refresh_disabled", "refreshing is off"),
    ("user_deleted", "ours, of a user who was deleted"),
    ("other_user", "ours, of a user whose name belongs to another one now"),
    (
        "session_ended",
        "ours, of a session that has ended: by a logout, a new password, an administrator or the fifty-first login",
    ),
    ("authorization_required", "there is no token"),
    ("csrf_refused", "a browser sent the cookie for a page of another site, or names no page"),
    ("direct_call_rejected", "the call did not come through the proxy"),
    ("symmetric_key", "the secret holds an HS256 key, which access tokens cannot be used with"),
    ("no_signing_keys", "the keys cannot be read, or none signs"),
    ("store_failed", "DynamoDB fails, denies, is too slow, or a row is unreadable"),
    ("internal", "a bug, or the random source"),
    ("timed_out", "the time of the call is used up"),
    ("rotation_failed", "the step failed and is tried again; `detail` says why"),
    (
        "prune_failed",
        "not every expired session could be removed, and the next run tries again; `detail` says why",
    ),
];
