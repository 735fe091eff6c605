//! `latchkey user invite`, `latchkey user invitations …` and `latchkey user recover`: links with which people set a password
//! themselves.

use aws::AwsCause;
use edge::{AccountLink, Environment};
use local_data::session_settings;
use serde_json::{Value, json};
use token::{Seconds, Timestamp};
use users::{
    AccountCode, ChangeLog, CodeOrigin, CodePurpose, Codes, Invitation, Invitations, LastChange, LetterId,
    MailAddress, MakeCodeError, Notice, Outbox, StoreError, UserTable, Username,
};
use zeroize::Zeroizing;

use crate::{
    CliError, InvitationsCommand, InviteUsers, LinkOptions, OneUser, RecoverUser, Report, StoreOptions,
    bulk_invitation,
    invocation::{Invocation, Work, note},
    mail, store,
    store::Changing,
    table::Table,
};

/// A link that was made, to be shown once.
pub(crate) struct Link {
    pub(crate) username: Username,
    purpose: CodePurpose,
    /// None where it goes in a letter.
    pub(crate) url: Option<Zeroizing<String>>,
    valid_until: Timestamp,
}

/// What links are made of.
pub(crate) struct LinkMaker {
    /// None where the mailer makes them.
    page: Option<AccountLink>,
    origin: CodeOrigin,
    pub(crate) codes: Codes,
}

pub(crate) async fn invite(
    options: &InviteUsers,
    for_programs: bool,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    let Some(username) = &options.username else {
        return bulk_invitation::invite(options, for_programs, invocation).await;
    };
    let Changing { users, recorder } = store::open_to_change(&options.store, invocation).await?;
    let maker = LinkMaker::of_invitations(options, &users, recorder.last_change())?;
    let (claims, locale) = (options.claims.clone(), options.locale.clone());
    let (username, email) = (username.clone(), address(options, username, options.email.as_ref())?);
    let invitation = Invitation { username, claims, email, locale, origin: maker.origin() };
    // The names alone: a claim may be personal data, which the record outlives.
    let names: Vec<_> = options.claims.as_map().keys().collect();
    let make = async |_: Option<&ChangeLog>| maker.invite(&invitation).await.map(Work::done);
    let link = recorder.record(None, Some(json!({ "claims": names })), make).await?;
    let username = &invitation.username;
    if let Some(email) = &invitation.email {
        let text = format!(
            "A letter with an invitation for {username} goes to {email}, valid until {}. Another invitation ends it.\n",
            link.valid_until
        );
        return Ok(Report::new(text, json!({ "links": [link.to_json()] })));
    }
    let text = format!(
        "Invitation for {username}, valid once, until {}:\n\n  {}\n\nAnybody with this link can become {username}. Give it to \
         nobody else. It cannot be shown again; another invitation ends it.\n",
        link.valid_until,
        link.url(),
    );
    Ok(Report::new(text, json!({ "links": [link.to_json()] })))
}

pub(crate) async fn recover(options: &RecoverUser, invocation: &Invocation) -> Result<Report, CliError> {
    let OneUser { username, store } = &options.user;
    let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
    let codes = Codes::beside(&users);
    let user = store::existing(&users, username).await?;
    if options.withdraw {
        let withdraw = async |_: Option<&ChangeLog>| withdraw(&codes, CodePurpose::Recovery, username).await;
        recorder.record(Some(user.id), Some(json!({ "withdraw": true })), withdraw).await?;
        return Ok(withdrawn(username, "link for a new password"));
    }
    let page = page(&options.link, store)?;
    // The one whom the record names, and nobody who has come under the name since.
    let codes = Codes::beside(&users.only(user.id));
    let maker = LinkMaker::new(Some(page), codes, recorder.last_change(), options.valid_for);
    let outbox = mail::outbox(&users).await?;
    let make = async |_: Option<&ChangeLog>| maker.recover(username, outbox.as_ref()).await.map(Work::done);
    let link = recorder.record(Some(user.id), None, make).await?;
    let text = format!(
        "Link for a new password of {username}, valid once, until {}:\n\n  {}\n\nAnybody with this link can set the password and \
         end every session of {username}. Give it to nobody else. It cannot be shown again; another one ends it, and so does \
         any change of the password.\n",
        link.valid_until,
        link.url(),
    );
    Ok(Report::new(text, link.to_json()))
}

pub(crate) async fn invitations(
    command: &InvitationsCommand,
    invocation: &Invocation,
) -> Result<Report, CliError> {
    match command {
        InvitationsCommand::List(options) => list(options, invocation).await,
        InvitationsCommand::Withdraw(OneUser { username, store }) => {
            let Changing { users, recorder } = store::open_to_change(store, invocation).await?;
            let codes = Codes::beside(&users);
            let withdraw =
                async |_: Option<&ChangeLog>| withdraw(&codes, CodePurpose::Invitation, username).await;
            recorder.record(None, None, withdraw).await?;
            Ok(withdrawn(username, "invitation"))
        }
    }
}

async fn withdraw(codes: &Codes, purpose: CodePurpose, username: &Username) -> Result<Work<()>, CliError> {
    match codes.withdraw(purpose, username).await {
        Ok(true) => Ok(Work::done(())),
        Ok(false) => Err(match purpose {
            CodePurpose::Invitation => CliError::NoInvitation(username.clone()),
            CodePurpose::Recovery => CliError::NoRecovery(username.clone()),
        }),
        Err(error) => Err(failure_of(error, codes)),
    }
}

fn withdrawn(username: &Username, what: &str) -> Report {
    let text = format!("The {what} of {username} has ended.\n");
    Report::new(text, json!({ "username": username.as_str(), "withdrawn": true }))
}

async fn list(options: &StoreOptions, invocation: &Invocation) -> Result<Report, CliError> {
    let users = store::open(options, invocation).await?;
    let codes = Codes::beside(&users);
    let found = codes.invitations(invocation.now).await.map_err(|error| failure_of(error, &codes))?;
    let Invitations { invitations: found, unreadable } = found;
    let mut invitations = Vec::new();
    for invitation in found {
        // One whose name is taken does not work.
        if users.find(&invitation.username).await?.is_none() {
            invitations.push(invitation);
        }
    }
    let mut table = Table::titled(["USER", "VALID UNTIL", "MADE", "BY", "LANGUAGE", "CLAIMS"]);
    for Invitation { username, claims, locale, origin, .. } in &invitations {
        table.push(&[
            username.to_string(),
            origin.valid_until.to_string(),
            origin.made.at.to_string(),
            origin.made.by.to_string(),
            locale.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string),
            claims.to_string(),
        ]);
    }
    let mut text =
        if invitations.is_empty() { "There is no open invitation.\n".to_owned() } else { table.to_string() };
    if unreadable > 0 {
        text = format!("{text}Left out: {unreadable} rows that cannot be read.\n");
    }
    let invitations: Vec<Value> = invitations.iter().map(to_json).collect();
    Ok(Report::new(text, json!({ "invitations": invitations, "unreadable": unreadable })))
}

fn to_json(invitation: &Invitation) -> Value {
    let Invitation { username, claims, email, locale, origin } = invitation;
    json!({
        "username": username.as_str(),
        "claims": claims.as_map(),
        "email": email.as_ref().map(users::MailAddress::as_str),
        "locale": locale.as_ref().map(users::Locale::as_str),
        "valid_until": origin.valid_until,
        "made_at": origin.made.at,
        "made_by": &*origin.made.by,
    })
}

/// Where the letter of an invitation goes: to the address that is named, or to the name itself; nowhere if it is to be printed.
pub(crate) fn address(
    options: &InviteUsers,
    username: &Username,
    named: Option<&MailAddress>,
) -> Result<Option<MailAddress>, CliError> {
    if !options.send {
        return Ok(None);
    }
    let of_name = || username.as_str().parse().ok();
    named.cloned().or_else(of_name).map(Some).ok_or_else(|| CliError::NoEmail(username.clone()))
}

/// The page that links lead to: of the command line, of the local server, or of the environment.
pub(crate) fn page(options: &LinkOptions, store: &StoreOptions) -> Result<AccountLink, CliError> {
    if let Some(page) = &options.account_link {
        return Ok(page.clone());
    }
    let Some(folder) = &store.local else {
        let named = Environment::of_process().named_account_link().map_err(CliError::AccountLink)?;
        return named.ok_or(CliError::NoAccountLink);
    };
    let page = session_settings::read_account_link(folder).map_err(CliError::SessionSettings)?;
    page.and_then(|page| page.parse().ok()).ok_or_else(|| CliError::NoLocalAccountLink(folder.clone()))
}

impl LinkMaker {
    /// Of `latchkey user invite`.
    pub(crate) fn of_invitations(
        options: &InviteUsers,
        users: &UserTable,
        made: LastChange,
    ) -> Result<Self, CliError> {
        let page = if options.send { None } else { Some(page(&options.link, &options.store)?) };
        Ok(Self::new(page, Codes::beside(users), made, options.valid_for))
    }

    fn new(page: Option<AccountLink>, codes: Codes, made: LastChange, valid_for: Seconds) -> Self {
        let valid_until = made.at.plus(valid_for);
        Self { page, codes, origin: CodeOrigin { made, valid_until } }
    }

    /// Who makes them, and until when they are good.
    pub(crate) fn origin(&self) -> CodeOrigin {
        self.origin.clone()
    }

    pub(crate) async fn invite(&self, invitation: &Invitation) -> Result<Link, CliError> {
        let code = AccountCode::new(edge::random::entropy()?);
        let made = if self.page.is_none() {
            let (outbox, letter) = (self.codes.outbox(), LetterId::new(edge::random::entropy()?));
            self.codes.invite_by_letter(invitation, &code, &outbox, &letter).await
        } else {
            self.codes.invite(invitation, &code).await
        };
        made.map_err(|error| self.failed(error, &invitation.username))?;
        Ok(self.link(&invitation.username, CodePurpose::Invitation, &code))
    }

    async fn recover(&self, username: &Username, outbox: Option<&Outbox>) -> Result<Link, CliError> {
        let code = AccountCode::new(edge::random::entropy()?);
        let id = LetterId::new(edge::random::entropy()?);
        let notice = outbox.map(|outbox| Notice { outbox, id: &id });
        let made = self.codes.allow_recovery(username, &code, &self.origin, notice).await;
        made.map_err(|error| self.failed(error, username))?;
        Ok(self.link(username, CodePurpose::Recovery, &code))
    }

    fn link(&self, username: &Username, purpose: CodePurpose, code: &AccountCode) -> Link {
        let url = self.page.as_ref().map(|page| page.with_code(purpose, code));
        Link { username: username.clone(), purpose, url, valid_until: self.origin.valid_until }
    }

    fn failed(&self, error: MakeCodeError, username: &Username) -> CliError {
        match error {
            MakeCodeError::NameTaken => CliError::InvitedUserExists(username.clone()),
            MakeCodeError::NameReserved => CliError::InvitedNameReserved(username.clone()),
            MakeCodeError::NoSuchUser => CliError::NoSuchUser(username.clone()),
            MakeCodeError::UserDisabled => CliError::UserDisabled(username.clone()),
            MakeCodeError::Store(error) if self.page.is_none() => {
                mail::failure_of(error, &self.codes.outbox())
            }
            MakeCodeError::Store(error) => failure_of(error, &self.codes),
        }
    }
}

impl Link {
    /// The link to be shown; nothing where it goes in a letter.
    pub(crate) fn url(&self) -> &str {
        self.url.as_deref().map_or("", |url| url)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut told = json!({
            "username": self.username.as_str(),
            "purpose": self.purpose.as_str(),
            "valid_until": self.valid_until,
        });
        if let (Some(url), Some(members)) = (&self.url, told.as_object_mut()) {
            members.insert("link".to_owned(), url.as_str().into());
        }
        told
    }
}

/// Ends the invitation of a name that is about to become free, if there is one: it would let somebody in who has just been
/// deleted. Where there are no codes there is nothing to do.
pub(crate) async fn end_invitation(users: &UserTable, username: &Username) -> Result<(), CliError> {
    let codes = Codes::beside(users);
    let Err(error) = codes.withdraw(CodePurpose::Invitation, username).await else { return Ok(()) };
    match AwsCause::code_of(&error) {
        Some("ResourceNotFoundException") => Ok(()),
        Some("AccessDeniedException") => {
            let table = codes.name();
            note(&format!(
                "latchkey: you have no right to the table {table}: an invitation of {username}, if there is one, stays open"
            ));
            Ok(())
        }
        _ => Err(error.into()),
    }
}

/// Why the table of codes gave no answer: most often it is not there.
fn failure_of(error: StoreError, codes: &Codes) -> CliError {
    match AwsCause::code_of(&error) {
        Some("ResourceNotFoundException") => CliError::NoCodes(codes.name().to_owned()),
        _ => error.into(),
    }
}
