use edge::Route;
use http::Method;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call<'a> {
    /// `…/logout`
    LogOut,
    /// `…/sessions`
    List,
    /// `…/sessions/{sid}`, with what is in the place of `{sid}`
    End(&'a str),
}

const LOG_OUT: Route = Route { name: "logout", methods: &[Method::POST] };
const LIST: Route = Route { name: "list_sessions", methods: &[Method::GET] };
const END: Route = Route { name: "end_session", methods: &[Method::DELETE] };

impl<'a> Call<'a> {
    /// The call at `path`, by its last segments: a REST API puts its stage in front, and an API of your own other paths.
    pub(crate) fn at(path: &'a str) -> Option<Self> {
        match path.rsplit_once('/')? {
            (_, "logout") => Some(Self::LogOut),
            (_, "sessions") => Some(Self::List),
            (parent, id) => parent.ends_with("/sessions").then_some(Self::End(id)),
        }
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
    fn a_path_is_one_call_whatever_is_in_front_of_it() {
        for front in ["", "/auth", "/prod/auth", "/v1/logout", "/a b/%2F"] {
            for (path, call) in [
                ("/logout", Some(Call::LogOut)),
                ("/sessions", Some(Call::List)),
                ("/sessions/abc", Some(Call::End("abc"))),
                ("/sessions/", Some(Call::End(""))),
                ("/sessions/logout", Some(Call::LogOut)),
                ("/sessions/a/b", None),
                ("/sessionsabc", None),
                ("/logout/", None),
                ("/auth/x", None),
            ] {
                assert_eq!(Call::at(&format!("{front}{path}")), call, "{front}{path}");
            }
        }
        assert_eq!(Call::at("/sessions/sessions"), Some(Call::List));
        assert_eq!(Call::at(""), None);
        assert_eq!(Call::at("sessions"), None);
    }
}
