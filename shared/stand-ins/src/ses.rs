//! SES v2 as it is on the wire, as strict as SES where that can be told from its documentation: `SendEmail`, whose letters it keeps so
//! that somebody can read them, and what `latchkey mail check` asks.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

/// What every path of it begins with.
pub const PREFIX: &str = "/v2/email/";
/// Where letters are sent to: `POST` and this path.
pub const PATH: &str = "/v2/email/outbound-emails";
/// How many letters are kept.
const KEPT: usize = 200;

/// An SES that keeps what it is to send.
#[derive(Debug, Default)]
pub struct Ses {
    /// The addresses and domains that letters may be from; in a sandbox they may go to no others.
    pub verified: Vec<String>,
    /// Whether letters go to verified addresses alone.
    pub sandbox: bool,
    /// The addresses that get nothing any more, and why: `BOUNCE` or `COMPLAINT`.
    pub suppressed: BTreeMap<String, &'static str>,
    /// The configuration sets, and whether each has SES `REQUIRE` TLS.
    pub tls_policies: BTreeMap<String, &'static str>,
    /// What goes wrong with the next letters, in this order.
    pub faults: VecDeque<SesFault>,
    sent: VecDeque<SentLetter>,
    count: u64,
}

/// A way in which SES fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SesFault {
    /// Too many letters a second.
    Throttled,
    /// Too many letters today.
    QuotaUsedUp,
    /// An error of SES's own.
    Internal,
    /// The account may not send at present.
    Paused,
    /// The letter is sent, and nobody is told so.
    AnswerLost,
}

/// A letter that SES took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLetter {
    /// What SES calls it.
    pub id: String,
    /// The header `From`.
    pub from: String,
    /// The one recipient.
    pub to: String,
    /// The header `Subject`.
    pub subject: String,
    /// The text.
    pub text: String,
    /// The other headers.
    pub headers: Vec<(String, String)>,
}

/// The response to a call: its status and its body, which says `__type` where it is an error. None is no response.
pub type SesReply = Option<(u16, Value)>;

impl Ses {
    /// One that sends for these addresses and domains, to anybody.
    pub fn sending_for(verified: &[&str]) -> Self {
        Self { verified: verified.iter().map(ToString::to_string).collect(), ..Self::default() }
    }

    /// What it has taken, the oldest first.
    pub fn sent(&self) -> impl DoubleEndedIterator<Item = &SentLetter> {
        self.sent.iter()
    }

    /// The response to one call.
    pub fn answer(&mut self, method: &str, path: &str, body: &[u8]) -> SesReply {
        if (method, path) != ("POST", PATH) {
            return Some(self.about(method, path));
        }
        let fault = self.faults.pop_front();
        match fault {
            Some(SesFault::Throttled) => {
                return Some(failure(429, "TooManyRequestsException", "Maximum sending rate exceeded."));
            }
            Some(SesFault::QuotaUsedUp) => {
                return Some(failure(400, "LimitExceededException", "Daily message quota exceeded."));
            }
            Some(SesFault::Internal) => return Some(failure(500, "InternalFailure", "")),
            Some(SesFault::Paused) => {
                return Some(failure(400, "SendingPausedException", "Sending is paused for this account."));
            }
            Some(SesFault::AnswerLost) | None => {}
        }
        let reply = match serde_json::from_slice::<Value>(body).ok().as_ref().map(|body| self.send(body)) {
            Some(Ok(id)) => (200, json!({ "MessageId": id })),
            Some(Err((name, message))) => {
                failure(if name == "NotFoundException" { 404 } else { 400 }, name, &message)
            }
            None => failure(400, "SerializationException", "the body is not JSON"),
        };
        match fault {
            Some(SesFault::AnswerLost) => None,
            _ => Some(reply),
        }
    }

    /// What is said of the account, an identity, a configuration set or an address.
    fn about(&mut self, method: &str, path: &str) -> (u16, Value) {
        let absent = || failure(404, "NotFoundException", "no such resource");
        let rest = path.strip_prefix(PREFIX).unwrap_or_default().replace("%40", "@");
        match (method, rest.split_once('/').unwrap_or((&rest, ""))) {
            ("GET", ("account", "")) => {
                let quota =
                    json!({ "Max24HourSend": 200.0, "MaxSendRate": 1.0, "SentLast24Hours": self.count });
                let enabled = !self.faults.contains(&SesFault::Paused);
                let production = !self.sandbox;
                let said = json!({
                    "ProductionAccessEnabled": production, "SendingEnabled": enabled, "SendQuota": quota,
                });
                (200, said)
            }
            ("GET", ("identities", identity)) if self.verified.iter().any(|known| known == identity) => {
                let dkim = json!({ "Status": "SUCCESS", "SigningEnabled": true });
                (200, json!({ "VerifiedForSendingStatus": true, "DkimAttributes": dkim }))
            }
            ("GET", ("configuration-sets", set)) => match self.tls_policies.get(set) {
                Some(policy) => {
                    let delivery = json!({ "TlsPolicy": policy });
                    (200, json!({ "ConfigurationSetName": set, "DeliveryOptions": delivery }))
                }
                None => absent(),
            },
            ("GET", ("suppression", rest)) => {
                let address = rest.trim_start_matches("addresses/");
                let said = |reason: &&'static str| {
                    json!({ "SuppressedDestination": {
                        "EmailAddress": address, "Reason": reason, "LastUpdateTime": 1_685_728_800,
                    } })
                };
                self.suppressed.get(address).map_or_else(absent, |reason| (200, said(reason)))
            }
            ("DELETE", ("suppression", rest)) => {
                let lifted = self.suppressed.remove(rest.trim_start_matches("addresses/"));
                lifted.map_or_else(absent, |_| (200, json!({})))
            }
            _ => absent(),
        }
    }

    /// Takes a letter, and says what it is called from now on.
    fn send(&mut self, body: &Value) -> Result<String, (&'static str, String)> {
        let bad = |message: &str| ("BadRequestException", message.to_owned());
        let text = |pointer: &str| body.pointer(pointer).and_then(Value::as_str);
        let from = text("/FromEmailAddress").ok_or_else(|| bad("Missing required header 'From'."))?;
        let to = body.pointer("/Destination/ToAddresses").and_then(Value::as_array);
        let to: Vec<_> = to.into_iter().flatten().filter_map(Value::as_str).collect();
        let others = ["/Destination/CcAddresses", "/Destination/BccAddresses"];
        if others.iter().any(|pointer| body.pointer(pointer).is_some()) {
            return Err(bad("There are other recipients."));
        }
        let [to] = to.as_slice() else { return Err(bad("Recipient count is not 1.")) };
        let subject = text("/Content/Simple/Subject/Data").ok_or_else(|| bad("Missing Subject."))?;
        let letter = text("/Content/Simple/Body/Text/Data").ok_or_else(|| bad("Missing text."))?;
        for header in [from, to, subject] {
            if header.chars().any(char::is_control) {
                return Err(bad("Control characters are not allowed in headers."));
            }
        }
        for address in [address_of(from), to] {
            if !is_address(address) {
                return Err(bad("Missing final '@domain'"));
            }
        }
        // As SES says it, with the address in it.
        let unverified = |address: &str| {
            let message = format!(
                "Email address is not verified. The following identities failed the check: {address}"
            );
            ("MessageRejected", message)
        };
        if !self.is_verified(address_of(from)) {
            return Err(unverified(address_of(from)));
        }
        if self.sandbox && !self.is_verified(to) {
            return Err(unverified(to));
        }
        if let Some(set) = text("/ConfigurationSetName")
            && !self.tls_policies.contains_key(set)
        {
            return Err(("NotFoundException", format!("Configuration set <{set}> does not exist.")));
        }
        let headers = body.pointer("/Content/Simple/Headers").and_then(Value::as_array);
        let pair = |header: &Value| {
            let of = |name| header.get(name).and_then(Value::as_str).map(str::to_owned);
            Some((of("Name")?, of("Value")?))
        };
        self.count += 1;
        if self.suppressed.contains_key(*to) {
            // Taken, and sent to nobody.
            return Ok(format!("{:016x}-suppressed", self.count));
        }
        let id = format!("{:016x}-00000000-0000-0000-0000-{:012}", self.count, self.count);
        self.sent.push_back(SentLetter {
            id: id.clone(),
            from: from.to_owned(),
            to: (*to).to_owned(),
            subject: subject.to_owned(),
            text: letter.to_owned(),
            headers: headers.into_iter().flatten().filter_map(pair).collect(),
        });
        if self.sent.len() > KEPT {
            self.sent.pop_front();
        }
        Ok(id)
    }

    fn is_verified(&self, address: &str) -> bool {
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        self.verified.iter().any(|known| known == address || Some(known.as_str()) == domain)
    }
}

/// What stands in angle brackets, or all of it.
fn address_of(header: &str) -> &str {
    header.rsplit_once('<').map_or(header, |(_, rest)| rest.trim_end_matches('>'))
}

fn is_address(text: &str) -> bool {
    let (local, domain) = text.rsplit_once('@').unwrap_or_default();
    !local.is_empty() && domain.contains('.') && text.is_ascii() && !text.contains([' ', ',', ';', '<', '>'])
}

fn failure(status: u16, name: &str, message: &str) -> (u16, Value) {
    (status, json!({ "__type": name, "message": message }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter(from: &str, to: &str) -> Vec<u8> {
        let data = |text: &str| json!({ "Data": text, "Charset": "UTF-8" });
        let simple = json!({ "Subject": data("Hello"), "Body": { "Text": data("Good day") } });
        let body = json!({
            "FromEmailAddress": from,
            "Destination": { "ToAddresses": [to] },
            "Content": { "Simple": simple },
        });
        body.to_string().into_bytes()
    }

    fn sent(ses: &mut Ses, from: &str, to: &str) -> (u16, String) {
        let (status, body) = ses.answer("POST", PATH, &letter(from, to)).unwrap();
        (status, body["__type"].as_str().unwrap_or_default().to_owned())
    }

    #[test]
    fn it_takes_letters_from_verified_senders_and_in_the_sandbox_to_verified_recipients() {
        let mut ses = Ses::sending_for(&["example.com", "bob@example.net"]);
        let ok = (200, String::new());
        assert_eq!(sent(&mut ses, "\"Example\" <no-reply@example.com>", "ada@example.org"), ok);
        assert_eq!(sent(&mut ses, "bob@example.net", "ada@example.org"), ok);
        let rejected = (400, "MessageRejected".to_owned());
        assert_eq!(sent(&mut ses, "eve@example.net", "ada@example.org"), rejected);
        ses.sandbox = true;
        assert_eq!(sent(&mut ses, "bob@example.net", "ada@example.org"), rejected);
        assert_eq!(sent(&mut ses, "bob@example.net", "ada@example.com"), ok);
        assert_eq!(ses.sent().count(), 3);
    }

    #[test]
    fn it_rejects_what_ses_rejects() {
        let mut ses = Ses::sending_for(&["example.com"]);
        let bad = (400, "BadRequestException".to_owned());
        for to in ["", "ada", "ada@localhost", "a b@example.com", "ad\u{e4}@example.com", "a@b.c,d@e.f"] {
            assert_eq!(sent(&mut ses, "no-reply@example.com", to), bad, "{to}");
        }
        assert_eq!(sent(&mut ses, "x@example.com\r\nBcc: y@example.com", "ada@example.com"), bad);
        assert_eq!(ses.answer("GET", PATH, b"").unwrap().0, 404);
        assert_eq!(ses.answer("POST", PATH, b"{").unwrap().0, 400);
        assert_eq!(ses.sent().count(), 0);
    }

    #[test]
    fn it_fails_in_every_way_and_then_works() {
        let mut ses = Ses::sending_for(&["example.com"]);
        ses.faults.extend([SesFault::Throttled, SesFault::QuotaUsedUp, SesFault::Internal, SesFault::Paused]);
        let mut status = || sent(&mut ses, "a@example.com", "b@example.com").0;
        assert_eq!([status(), status(), status(), status(), status()], [429, 400, 500, 400, 200]);
        ses.faults.push_back(SesFault::AnswerLost);
        assert_eq!(ses.answer("POST", PATH, &letter("a@example.com", "b@example.com")), None);
        assert_eq!(ses.sent().count(), 2, "it was sent all the same");
    }
}
