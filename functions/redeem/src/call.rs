use edge::Route;
use http::Method;

/// What a path asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// `…/code`
    Show,
    /// `…/registration/complete`
    Register,
    /// `…/recovery/complete`
    Recover,
}

impl Call {
    /// The call at `path`, by its last segments: a REST API puts its stage in front, and an API of your own other paths.
    pub(crate) fn at(path: &str) -> Option<Self> {
        let of = |(end, call): (&str, Self)| path.ends_with(end).then_some(call);
        let calls = [
            ("/code", Self::Show),
            ("/registration/complete", Self::Register),
            ("/recovery/complete", Self::Recover),
        ];
        calls.into_iter().find_map(of)
    }

    /// Its name and its methods.
    pub(crate) const fn route(self) -> Route {
        let name = match self {
            Self::Show => "show_code",
            Self::Register => "register",
            Self::Recover => "recover",
        };
        Route { name, methods: &[Method::POST] }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_one_call_whatever_is_in_front_of_it() {
        for front in ["", "/auth", "/prod/auth", "/v1/recovery"] {
            for (path, call) in [
                ("/code", Some(Call::Show)),
                ("/registration/complete", Some(Call::Register)),
                ("/recovery/complete", Some(Call::Recover)),
                ("/complete", if front.ends_with("/recovery") { Some(Call::Recover) } else { None }),
                ("/code/", None),
                ("/encode", None),
                ("/recovery", None),
                ("/recovery/complete/x", None),
            ] {
                assert_eq!(Call::at(&format!("{front}{path}")), call, "{front}{path}");
            }
        }
        assert_eq!(Call::at(""), None);
    }
}
