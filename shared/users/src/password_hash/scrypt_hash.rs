use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use scrypt::Params;
use zeroize::Zeroizing;

use super::{HashError, hexadecimal, number, parts};

/// The most a stored hash may ask for: N = 2^17, which with r = 8 takes 128 MiB.
const MAX_LOG_N: u32 = 17;
const MAX_R: u32 = 8;
/// The largest N times r times p: OWASP's N = 2^17, r = 8, p = 1.
const MAX_WORK: u64 = 1 << 20;
const MAX_SALT_BYTES: usize = 64;
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;

/// scrypt (RFC 7914).
#[derive(Clone, PartialEq)]
pub(crate) struct ScryptHash {
    params: Params,
    salt: Vec<u8>,
    output: Vec<u8>,
}

impl ScryptHash {
    /// Django's `16384$salt$8$5$output`: the salt is text, the output base64.
    pub(super) fn from_django(text: &str) -> Result<Self, HashError> {
        let [n, salt, r, p, output] = parts(text)?;
        let output = STANDARD.decode(output).map_err(|_| HashError::Malformed)?;
        Self::new((log_2(n)?, number(r)?, number(p)?), salt.into(), output)
    }

    /// Werkzeug's `scrypt:32768:8:1` and `salt$output`: the salt is text, the output hexadecimal.
    pub(super) fn from_werkzeug(method: &str, text: &str) -> Result<Self, HashError> {
        let method: Vec<&str> = method.split(':').collect();
        let [_, n, r, p] = method[..] else { return Err(HashError::Malformed) };
        let [salt, output] = parts(text)?;
        Self::new((log_2(n)?, number(r)?, number(p)?), salt.into(), hexadecimal(output)?)
    }

    /// Spring's `$100801$salt$output`: log2 of N, r and p in hexadecimal, two digits for each of the last two.
    pub(super) fn from_spring(text: &str) -> Result<Self, HashError> {
        let ["", params, salt, output] = parts(text)? else { return Err(HashError::Malformed) };
        let digits = params.bytes().all(|byte| byte.is_ascii_hexdigit());
        let params = u32::from_str_radix(params, 16).ok().filter(|_| digits).ok_or(HashError::Parameters)?;
        let decode = |text| STANDARD.decode(text).map_err(|_| HashError::Malformed);
        Self::new((params >> 16, params >> 8 & 0xff, params & 0xff), decode(salt)?, decode(output)?)
    }

    /// The PHC string's `ln=16,r=8,p=1$salt$output`.
    pub(super) fn from_phc(text: &str) -> Result<Self, HashError> {
        let [parameters, salt, output] = parts(text)?;
        let parameters: Vec<&str> = parameters.split(',').collect();
        let [log_n, r, p] = <[&str; 3]>::try_from(parameters).map_err(|_| HashError::Parameters)?;
        let value = |parameter: &str, name| number(parameter.strip_prefix(name).unwrap_or_default());
        let decode = |text| STANDARD_NO_PAD.decode(text).map_err(|_| HashError::Malformed);
        let params = (value(log_n, "ln=")?, value(r, "r=")?, value(p, "p=")?);
        Self::new(params, decode(salt)?, decode(output)?)
    }

    fn new((log_n, r, p): (u32, u32, u32), salt: Vec<u8>, output: Vec<u8>) -> Result<Self, HashError> {
        if !(1..=MAX_LOG_N).contains(&log_n) || !(1..=MAX_R).contains(&r) || p == 0 {
            return Err(HashError::Parameters);
        }
        if u64::from(p).saturating_mul(u64::from(r) << log_n) > MAX_WORK {
            return Err(HashError::Parameters);
        }
        let log_n = u8::try_from(log_n).map_err(|_| HashError::Parameters)?;
        let params = Params::new(log_n, r, p).map_err(|_| HashError::Parameters)?;
        if salt.is_empty() || salt.len() > MAX_SALT_BYTES {
            return Err(HashError::Salt);
        }
        if !OUTPUT_BYTES.contains(&output.len()) {
            return Err(HashError::Output);
        }
        Ok(Self { params, salt, output })
    }

    pub(super) fn is_of(&self, password: &[u8]) -> bool {
        let mut output = Zeroizing::new(vec![0; self.output.len()]);
        // An output of such a length cannot be rejected.
        scrypt::scrypt(password, &self.salt, &self.params, &mut output).is_ok()
            && verify_slices_are_equal(&output, &self.output).is_ok()
    }
}

fn log_2(n: &str) -> Result<u32, HashError> {
    let n = number(n)?;
    if n.is_power_of_two() { Ok(n.ilog2()) } else { Err(HashError::Parameters) }
}

#[cfg(test)]
mod tests {
    use crate::{HashError, PasswordHash};

    const OUTPUT: &str = "0HLuVqE/a3c1w43GqITyKFPly361+B4a9QOLBzeVcjQ";

    fn read(text: &str) -> Result<PasswordHash, HashError> {
        text.parse()
    }

    #[test]
    fn parameters_beyond_the_bounds_are_rejected() {
        for (n, r, p) in [
            ("262144", "8", "1"),
            ("131072", "8", "2"),
            ("131072", "9", "1"),
            ("16384", "8", "9"),
            ("16384", "8", "4294967295"),
            ("16385", "8", "1"),
            ("1", "8", "1"),
            ("0", "8", "1"),
            ("16384", "0", "1"),
            ("16384", "8", "0"),
            ("16384", "8", "x"),
            ("99999999999", "8", "1"),
        ] {
            let text = format!("scrypt${n}$salt${r}${p}${OUTPUT}=");
            assert_eq!(read(&text), Err(HashError::Parameters), "{text}");
        }
        for parameters in [
            "ln=18,r=8,p=1",
            "ln=17,r=8,p=2",
            "ln=0,r=8,p=1",
            "ln=255,r=8,p=1",
            "ln=16,r=8",
            "r=8,ln=16,p=1",
            "ln=16,r=8,p=1,p=1",
            "16,8,1",
        ] {
            let text = format!("$scrypt${parameters}$c2FsdA${OUTPUT}");
            assert_eq!(read(&text), Err(HashError::Parameters), "{text}");
        }
        for text in [
            format!("$scrypt$ln=17,r=8,p=1$c2FsdA${OUTPUT}"),
            format!("scrypt$131072$salt$8$1${OUTPUT}="),
            format!("scrypt$8192$salt$8$10${OUTPUT}="),
        ] {
            assert!(read(&text).is_ok(), "{text}");
        }
    }

    #[test]
    fn what_is_malformed_is_rejected() {
        for (text, error) in [
            (format!("scrypt$16384$salt$8${OUTPUT}="), HashError::Malformed),
            (format!("scrypt$16384$salt$8$1${OUTPUT}"), HashError::Malformed),
            (format!("scrypt$16384$$8$1${OUTPUT}="), HashError::Salt),
            ("scrypt$16384$salt$8$1$".into(), HashError::Output),
            (format!("$scrypt$ln=16,r=8,p=1$c2FsdA${OUTPUT}="), HashError::Malformed),
            ("$scrypt$ln=16,r=8,p=1$c2FsdA".into(), HashError::Malformed),
            (format!("{{scrypt}}e0801$c2FsdA==${OUTPUT}="), HashError::Malformed),
            (format!("{{scrypt}}x$e0801$c2FsdA==${OUTPUT}="), HashError::Malformed),
            (format!("{{scrypt}}$e0801$c2FsdA${OUTPUT}="), HashError::Malformed),
            (format!("{{scrypt}}$+e0801$c2FsdA==${OUTPUT}="), HashError::Parameters),
            (format!("{{scrypt}}$$c2FsdA==${OUTPUT}="), HashError::Parameters),
            (format!("{{scrypt}}$e0800$c2FsdA==${OUTPUT}="), HashError::Parameters),
            (format!("{{scrypt}}$120801$c2FsdA==${OUTPUT}="), HashError::Parameters),
            (format!("{{scrypt}}$ffffffff$c2FsdA==${OUTPUT}="), HashError::Parameters),
        ] {
            assert_eq!(read(&text), Err(error), "{text}");
        }
    }
}
