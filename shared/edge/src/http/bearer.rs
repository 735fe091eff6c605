use crate::Reason;

/// The token in the one value of the `Authorization` header (RFC 6750 §2.1), whose scheme may be in any case
/// (RFC 9110 §11.1).
pub fn bearer_token<'a>(mut values: impl Iterator<Item = &'a str>) -> Result<&'a str, Reason> {
    let value = values.next().ok_or(Reason::NoBearerToken)?;
    // An HTTP API joins headers that were sent twice with commas; no token has one.
    if values.next().is_some() || value.contains(',') {
        return Err(Reason::InvalidRequest(
            "There must be one Authorization header with one token.".to_owned(),
        ));
    }
    let (scheme, token) = value.trim().split_once(' ').ok_or(Reason::NoBearerToken)?;
    if scheme.eq_ignore_ascii_case("Bearer") { Ok(token.trim()) } else { Err(Reason::NoBearerToken) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_is_bearer_in_any_case_with_any_number_of_spaces() {
        for value in ["Bearer x", "bearer x", "BEARER x", "bEaReR   x", "  Bearer x  "] {
            assert_eq!(bearer_token([value].into_iter()).unwrap(), "x", "{value:?}");
        }
    }

    #[test]
    fn what_is_not_one_bearer_token_is_rejected() {
        for (values, reason) in [
            (&[][..], "authorization_required"),
            (&[""], "authorization_required"),
            (&["x"], "authorization_required"),
            (&["Bearer"], "authorization_required"),
            (&["Bearer "], "authorization_required"),
            (&["Bearer\tx"], "authorization_required"),
            (&["Bearerx y"], "authorization_required"),
            (&["Basic x"], "authorization_required"),
            (&["JWT x"], "authorization_required"),
            (&["Bearer x", "Bearer x"], "invalid_request"),
            (&["Bearer x,Bearer y"], "invalid_request"),
            (&["Bearer x, y"], "invalid_request"),
        ] {
            let rejected = bearer_token(values.iter().copied()).unwrap_err();
            assert_eq!(rejected.word(), reason, "{values:?}");
        }
    }
}
