use edge::Route;
use http::Method;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    /// `/auth/logout`
    LogOut,
    /// `/auth/sessions`
    List,
    /// `/auth/sessions/{sid}`, with what is in the place of `{sid}`
    End(&'a str),
}

const LOG_OUT: Route = Route { name: "logout", methods: &[Method::POST] };
const LIST: Route = Route { name: "list_sessions", methods: &[Method::GET] };
const END: Route = Route { name: "end_session", methods: &[Method::DELETE] };

impl<'a> Call<'a> {
    /// The call at `path`, in front of which a REST API may put its stage.
    pub(crate) fn at(path: &'a str) -> Option<Self> {
        if path.ends_with("/auth/logout") {
            return Some(Self::LogOut);
        }
        let (_, rest) = path.rsplit_once("/auth/sessions")?;
        if rest.is_empty() { Some(Self::List) } else { rest.strip_prefix('/').map(Self::End) }
    }

    /// Its name and its methods.
    pub(crate) const fn route(self) -> Route {
        match self {
            Self::LogOut => LOG_OUT,
            Self::List => LIST,
            Self::End(_) => END,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_call_with_a_stage_in_front_of_it_or_without() {
        for stage in ["", "/prod", "/v1/auth"] {
            for (path, call) in [
                ("/auth/logout", Some(Call::LogOut)),
                ("/auth/sessions", Some(Call::List)),
                ("/auth/sessions/abc", Some(Call::End("abc"))),
                ("/auth/sessions/", Some(Call::End(""))),
                ("/auth/sessions/a/b", Some(Call::End("a/b"))),
                ("/auth/sessionsabc", None),
                ("/auth/logout/", None),
                ("/auth", None),
                ("", None),
            ] {
                assert_eq!(Call::at(&format!("{stage}{path}")), call, "{stage}{path}");
            }
        }
    }
}
