//! `latchkey mail …`: whether letters go out.

use std::time::Duration;

use aws::{AwsCause, cause_of};
use aws_sdk_sesv2::{
    Client,
    error::{ProvideErrorMetadata, SdkError},
    types::{
        DeliveryOptions, DkimStatus, FeatureStatus, SuppressedDestination, SuppressionListReason, TlsPolicy,
    },
};
use edge::{Environment, MailFrom};
use serde_json::{Value, json};
use users::{Letter, LetterId, LetterKind, MailAddress, Outbox, StoreError, UserTable};

use crate::{
    CheckMail, CliError, MailCommand, Outcome, Report, TestMail, invocation::Invocation, invocation::note,
    store, table::Table,
};

/// How long the mailer may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often it is looked at meanwhile.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) async fn run(command: &MailCommand, invocation: &Invocation) -> Result<Report, CliError> {
    match command {
        MailCommand::Check(options) => check(options, invocation).await,
        MailCommand::Test(options) => test(options, invocation).await,
    }
}

/// The outbox beside these users, where letters are sent. Whoever has no right to it tells nobody, and is told so.
pub(crate) async fn outbox(users: &UserTable) -> Result<Option<Outbox>, CliError> {
    let outbox = Outbox::beside(users);
    let Err(error) = outbox.outcome(&LetterId::of_record("nothing")).await else { return Ok(Some(outbox)) };
    match AwsCause::code_of(&error) {
        Some("ResourceNotFoundException") => Ok(None),
        Some("AccessDeniedException") => {
            let table = outbox.name();
            note(&format!(
                "latchkey: you have no right to the table {table}: if the stack sends letters, none tells the user"
            ));
            Ok(None)
        }
        _ => Err(error.into()),
    }
}

/// Why a letter could not be asked for: most often the table is not there.
pub(crate) fn failure_of(error: StoreError, outbox: &Outbox) -> CliError {
    match AwsCause::code_of(&error) {
        Some("ResourceNotFoundException") => CliError::NoOutbox(outbox.name().to_owned()),
        _ => error.into(),
    }
}

async fn test(options: &TestMail, invocation: &Invocation) -> Result<Report, CliError> {
    let users = store::open(&options.store, invocation).await?;
    let outbox = Outbox::beside(&users);
    let id = LetterId::new(edge::random::entropy()?);
    let letter = Letter::test(options.address.clone(), invocation.now);
    outbox.put(&id, &letter).await.map_err(|error| failure_of(error, &outbox))?;
    let done = async {
        loop {
            if let Some(outcome) = outbox.outcome(&id).await? {
                return Ok::<_, StoreError>(outcome);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let outcome = tokio::time::timeout(PATIENCE, done).await.ok().transpose()?;
    let address = &options.address;
    let (text, is_sent) = match outcome.as_deref() {
        Some("sent") => (format!("SES has taken the letter to {address}. Look whether it arrives.\n"), true),
        Some("letter_refused") => (
            format!(
                "SES refused the letter to {address}; `latchkey mail check {address}` and the mailer's log say why.\n"
            ),
            false,
        ),
        Some(other) => (format!("The letter to {address} was not sent: {other}; see docs/logs.md.\n"), false),
        None => (
            format!(
                "The mailer has not said what became of the letter to {address} within {} s; see its log. It may still be sent.\n",
                PATIENCE.as_secs()
            ),
            false,
        ),
    };
    let json = json!({ "address": address.as_str(), "kind": LetterKind::Test.as_str(), "outcome": outcome });
    Ok(Report { text, json, outcome: if is_sent { Outcome::Success } else { Outcome::Rejected } })
}

/// What was looked at, and what was found.
struct Finding {
    what: &'static str,
    is_good: bool,
    said: String,
}

async fn check(options: &CheckMail, invocation: &Invocation) -> Result<Report, CliError> {
    let from = match &options.from {
        Some(from) => from.clone(),
        None => Environment::of_process().mail_from().map_err(|_| CliError::NoMailFrom)?,
    };
    let aws = store::aws_config(options.region.as_ref(), options.profile.as_ref(), invocation).await?;
    let ses = Client::new(&aws);
    let mut findings = account(&ses).await?;
    findings.push(sender(&ses, &from).await?);
    let set =
        options.configuration_set.clone().or_else(|| Environment::of_process().mail_configuration_set());
    if let Some(set) = set {
        findings.push(delivery(&ses, &set).await?);
    }
    if let Some(address) = &options.address {
        findings.push(recipient(&ses, address, options.lift).await?);
    }
    let mut table = Table::default();
    for Finding { what, is_good, said } in &findings {
        table.push(&[(*what).to_owned(), if *is_good { "ok" } else { "PROBLEM" }.to_owned(), said.clone()]);
    }
    let is_good = findings.iter().all(|finding| finding.is_good);
    let told: Vec<Value> = findings
        .iter()
        .map(|Finding { what, is_good, said }| json!({ "check": what, "ok": is_good, "said": said }))
        .collect();
    let outcome = if is_good { Outcome::Success } else { Outcome::Rejected };
    Ok(Report { text: table.to_string(), json: json!({ "checks": told }), outcome })
}

/// Whether the account may send to anybody.
async fn account(ses: &Client) -> Result<Vec<Finding>, CliError> {
    let account = ses.get_account().send().await.map_err(|error| CliError::Ses(cause_of(error)))?;
    let sandbox = Finding {
        what: "sandbox",
        is_good: account.production_access_enabled(),
        said: if account.production_access_enabled() {
            "SES sends to everybody".to_owned()
        } else {
            "SES sends to verified addresses alone, 200 letters a day: request production access".to_owned()
        },
    };
    let sending = Finding {
        what: "sending",
        is_good: account.sending_enabled(),
        said: match (account.sending_enabled(), account.send_quota()) {
            (false, _) => "sending is paused for this account".to_owned(),
            (true, Some(quota)) => format!(
                "{} of {} letters were sent in the last 24 hours, {} a second at most",
                quota.sent_last24_hours(),
                quota.max24_hour_send(),
                quota.max_send_rate()
            ),
            (true, None) => "sending is enabled".to_owned(),
        },
    };
    let engagement = account
        .vdm_attributes()
        .and_then(|vdm| vdm.dashboard_attributes())
        .and_then(|dashboard| dashboard.engagement_metrics());
    let mut findings = vec![sandbox, sending];
    if engagement == Some(&FeatureStatus::Enabled) {
        let said = "the account counts clicks (VDM engagement metrics): links are rewritten, and show their codes to SES";
        findings.push(Finding { what: "tracking", is_good: false, said: said.to_owned() });
    }
    Ok(findings)
}

/// SES knows of no such thing.
struct Absent;

fn absent<E, R>(error: SdkError<E, R>) -> Result<Absent, CliError>
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    if error.code() == Some("NotFoundException") { Ok(Absent) } else { Err(CliError::Ses(cause_of(error))) }
}

/// Whether letters may be from the sender: the address or its domain is verified.
async fn sender(ses: &Client, from: &MailFrom) -> Result<Finding, CliError> {
    let address = from.address();
    for identity in [address.domain(), address.as_str()] {
        let asked = ses.get_email_identity().email_identity(identity).send().await;
        let found = match asked {
            Ok(found) => found,
            Err(error) => {
                let Absent = absent(error)?;
                continue;
            }
        };
        if found.verified_for_sending_status() {
            let dkim = found.dkim_attributes().and_then(|dkim| dkim.status()).map(DkimStatus::as_str);
            let dkim = dkim.unwrap_or("unknown");
            return Ok(Finding {
                what: "sender",
                is_good: dkim == "SUCCESS" || identity == address.as_str(),
                said: format!("{identity} is verified; DKIM: {dkim}"),
            });
        }
        return Ok(Finding {
            what: "sender",
            is_good: false,
            said: format!("{identity} is not verified yet: SES shows the records for its DNS"),
        });
    }
    let said = format!("neither {} nor {address} is an identity of SES in this region", address.domain());
    Ok(Finding { what: "sender", is_good: false, said })
}

/// Whether the configuration set that letters are sent with lets SES deliver over TLS alone.
async fn delivery(ses: &Client, set: &str) -> Result<Finding, CliError> {
    let what = "delivery";
    let found = match ses.get_configuration_set().configuration_set_name(set).send().await {
        Ok(found) => found,
        Err(error) => {
            let Absent = absent(error)?;
            let said = format!("SES has no configuration set {set} in this region");
            return Ok(Finding { what, is_good: false, said });
        }
    };
    let is_good = found.delivery_options().and_then(DeliveryOptions::tls_policy) == Some(&TlsPolicy::Require);
    let said = if is_good {
        format!("the configuration set {set} requires TLS")
    } else {
        format!("the configuration set {set} does not require TLS: SES may send codes unencrypted")
    };
    Ok(Finding { what, is_good, said })
}

/// Whether SES sends to an address, and lets it again with `lift`.
async fn recipient(ses: &Client, address: &MailAddress, lift: bool) -> Result<Finding, CliError> {
    let what = "recipient";
    let asked = ses.get_suppressed_destination().email_address(address.as_str()).send().await;
    let found = match asked {
        Ok(found) => found,
        Err(error) => {
            let Absent = absent(error)?;
            return Ok(Finding { what, is_good: true, said: format!("{address} is not suppressed") });
        }
    };
    if lift {
        let lifted = ses.delete_suppressed_destination().email_address(address.as_str()).send().await;
        lifted.map_err(|error| CliError::Ses(cause_of(error)))?;
        return Ok(Finding { what, is_good: true, said: format!("{address} is not suppressed any more") });
    }
    let why = match found.suppressed_destination().map(SuppressedDestination::reason) {
        Some(SuppressionListReason::Complaint) => "a complaint: its owner marked a letter as spam",
        _ => "a bounce: a letter could not be delivered",
    };
    let said = format!("{address} is suppressed after {why}; --lift lets SES send there again");
    Ok(Finding { what, is_good: false, said })
}
