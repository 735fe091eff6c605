use http::StatusCode;

/// Why a request gets no access token, though its bearer's session may be sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantFailure {
    /// No access token can be for this audience.
    AudienceUnknown,
    /// The audience has no such scope.
    ScopeUnknown,
    /// A machine client that does not prove who it is; the caller must not learn why.
    Client(ClientFailure),
    /// A grant type of OAuth other than `client_credentials`.
    GrantType,
    /// A machine client may not have the scopes that it asks for.
    Scope,
    /// A machine client may have no token for the audience, or has to say which of several it wants.
    Target,
    /// A body that is no form.
    NotForm,
}

/// Why a machine client is not who it says. For the log alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFailure {
    /// No client has the id.
    Unknown,
    /// Another secret.
    WrongSecret,
    /// The client is disabled, and the secret is right.
    Disabled,
    /// The form names another client than the `Authorization` header.
    TwoIds,
    /// There are no credentials.
    Absent,
}

impl GrantFailure {
    /// The status, the stable code and the sentence; the codes of a machine client are those of RFC 6749 §5.2 and RFC 8707 §2.
    pub(super) fn parts(self) -> (StatusCode, &'static str, &'static str) {
        let bad_request = |code, message| (StatusCode::BAD_REQUEST, code, message);
        match self {
            Self::AudienceUnknown => bad_request(
                "audience_unknown",
                "There are no access tokens for this audience. ACCESS_TOKEN_AUDIENCES lists the audiences.",
            ),
            Self::ScopeUnknown => bad_request(
                "scope_unknown",
                "The audience has no such scope. ACCESS_TOKEN_AUDIENCES names the scopes of each audience.",
            ),
            Self::Client(_) => bad_request(
                "invalid_client",
                "The client is unknown or disabled, or its secret is wrong or missing.",
            ),
            Self::GrantType => {
                bad_request("unsupported_grant_type", "The grant type must be client_credentials.")
            }
            Self::Scope => {
                bad_request("invalid_scope", "The client may not have this scope for this audience.")
            }
            Self::Target => bad_request(
                "invalid_target",
                "The client may not use this resource, or has several and must name one in the parameter resource.",
            ),
            Self::NotForm => (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "invalid_request",
                "The body must be a form, sent with Content-Type: application/x-www-form-urlencoded.",
            ),
        }
    }

    /// The word for the log.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::AudienceUnknown => "audience_unknown",
            Self::ScopeUnknown => "scope_unknown",
            Self::Client(ClientFailure::Unknown) => "unknown_client",
            Self::Client(ClientFailure::WrongSecret) => "wrong_secret",
            Self::Client(ClientFailure::Disabled) => "client_disabled",
            Self::Client(ClientFailure::TwoIds) => "two_clients",
            Self::Client(ClientFailure::Absent) => "no_credentials",
            Self::GrantType => "unsupported_grant_type",
            Self::Scope => "invalid_scope",
            Self::Target => "invalid_target",
            Self::NotForm => "unsupported_media_type",
        }
    }
}
