/// The values of the cookies called `name` in one `Cookie` header (RFC 6265 §4.2.1), in order.
///
/// Only spaces and tabs around a name or a value are layout; any other byte belongs to it. Trimming what Unicode calls
/// white space would turn a neighbouring host's cookie, which no browser takes for a `__Host-` cookie, into ours.
pub fn cookie_values<'h>(header: &'h [u8], name: &str) -> impl Iterator<Item = &'h [u8]> {
    header.split(|byte| *byte == b';').filter_map(move |pair| {
        let equals = pair.iter().position(|byte| *byte == b'=')?;
        let (found, value) = (pair.get(..equals)?, pair.get(equals + 1..)?);
        (trimmed(found) == name.as_bytes()).then(|| trimmed(value))
    })
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = text {
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAME: &str = "__Host-latchkey";

    fn values(header: &[u8]) -> Vec<&[u8]> {
        cookie_values(header, NAME).collect()
    }

    #[test]
    fn spaces_and_tabs_are_layout_and_no_other_byte_is() {
        for header in ["__Host-latchkey=t", "a=b;\t__Host-latchkey =\tt ; c=d", ";;__Host-latchkey=t;"] {
            assert_eq!(values(header.as_bytes()), [b"t"], "{header:?}");
        }
        // White space and invisible characters of Unicode, and the controls that `is_ascii_whitespace` names.
        for blank in
            ['\u{85}', '\u{a0}', '\u{1680}', '\u{2000}', '\u{2028}', '\u{3000}', '\u{feff}', '\u{c}', '\r']
        {
            for header in
                [format!("{blank}{NAME}=t"), format!("{NAME}{blank}=t"), format!("a=b; {blank}{NAME}=t")]
            {
                assert_eq!(values(header.as_bytes()), [b""; 0], "{header:?}");
            }
        }
        assert_eq!(values(b"\xa0__Host-latchkey=t"), [b""; 0]);
        assert_eq!(values(b"__host-latchkey=t; __Host-latchkey2=t; __Host-latchkey"), [b""; 0]);
    }

    #[test]
    fn a_value_is_taken_as_it_is() {
        assert_eq!(values(b"__Host-latchkey=\"t\""), [b"\"t\""]);
        assert_eq!(values(b"__Host-latchkey=a=b==; __Host-latchkey="), [&b"a=b=="[..], b""]);
    }

    proptest! {
        #[test]
        fn no_neighbour_hides_or_becomes_our_cookie(
            before in proptest::collection::vec(any::<u8>().prop_filter("a separator", |byte| *byte != b';'), 0..24),
            after in proptest::collection::vec(any::<u8>().prop_filter("a separator", |byte| *byte != b';'), 0..24),
        ) {
            let is_ours = |pair: &[u8]| !values(pair).is_empty();
            prop_assume!(!is_ours(&before) && !is_ours(&after));
            let header = [&before[..], b"; __Host-latchkey=t; ", &after].concat();
            prop_assert_eq!(values(&header), [b"t"]);
            let neighbours = [&before[..], b";", &after].concat();
            prop_assert!(values(&neighbours).is_empty());
        }
    }
}
