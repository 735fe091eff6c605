//! `POST /auth/registration/complete` and `POST /auth/recovery/complete`: a code and a password for a user, or for the new
//! password of one. `POST /auth/code` says what a code is for.
//!
//! Two reads, one hash, one transaction that uses the code up together with its effect. Nothing is signed and no session
//! opens: the caller logs in. A code has 120 random bits, so that nobody guesses one; failures are not counted.

mod call;

use edge::{
    About, AuditDetails, CookieMode, Endpoint, Environment, PasswordCheck, Reason, Rejection, Request,
    Response, Route, SettingError, log::Field,
};
use http::{Method, StatusCode};
use serde_json::json;
use token::{Timestamp, UserId};
use users::{
    AccountCode, CodeEffect, CodeFailure, CodeOrigin, CodePurpose, CodeUser, Codes, Hasher, Invitation,
    LetterId, NewUser, Notice, OpenCode, Outbox, Password, PasswordPolicy, RedeemError, UserTable,
};

use crate::call::Call;

/// The use cases and all that they may touch.
pub struct Redeem {
    codes: Codes,
    passwords: PasswordCheck,
    rules: PasswordPolicy,
    cookies: CookieMode,
    /// Where letters are asked for, where they are sent.
    outbox: Option<Outbox>,
}

impl Redeem {
    /// Redeems by the policies that `environment` sets.
    pub fn new(
        users: UserTable,
        codes: Codes,
        hasher: Hasher,
        environment: &Environment<'_>,
    ) -> Result<Self, SettingError> {
        // Whose page cannot call here must not be sent people with codes.
        environment.account_link()?;
        let (rules, cookies) = (environment.password_policy()?, environment.cookie_mode()?);
        let passwords = PasswordCheck::new(users, hasher, environment)?;
        Ok(Self { codes, passwords, rules, cookies, outbox: None })
    }

    /// The same, and users who have an address are told of a new password by a letter.
    #[must_use]
    pub fn telling(self, outbox: Option<Outbox>) -> Self {
        Self { outbox, ..self }
    }

    async fn answer(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        let call = Call::at(request.path()).ok_or(Reason::NotFound)?;
        let mut body = request.json()?;
        let code = body.string("code")?;
        let field = match call {
            Call::Show => None,
            Call::Register => Some("password"),
            Call::Recover => Some("new_password"),
        };
        let password = match field {
            Some(field) => {
                let password = Password::try_from(body.string(field)?);
                Some(password.map_err(|error| Reason::of_field(field, &error))?)
            }
            None => None,
        };
        body.ends()?;
        let code: AccountCode = code.parse().map_err(|_| Reason::CodeRejected(CodeFailure::Unknown))?;
        let found = self.codes.find(code.hash(), now).await;
        let open = found.map_err(|error| rejected(error).about(request.client_details()))?;
        let details = made_by(&open.origin);
        let done = match (call, password, &open.effect) {
            (Call::Show, ..) | (_, None, _) => Ok(shown(&open, now)),
            (Call::Register, Some(password), CodeEffect::Invitation(invitation)) => {
                self.register(&open, invitation, password, now).await
            }
            (Call::Recover, Some(password), CodeEffect::Recovery(user)) => {
                self.recover(&open, user, password, now).await
            }
            (Call::Register | Call::Recover, ..) => {
                Err(Reason::CodeRejected(CodeFailure::OtherPurpose).into())
            }
        };
        done.about(details.and(request.client_details()))
    }

    async fn register(
        &self,
        code: &OpenCode,
        invitation: &Invitation,
        password: Password,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        self.check(&password, code)?;
        let user = NewUser {
            username: invitation.username.clone(),
            id: UserId::new(edge::random::entropy()?),
            password_hash: self.passwords.hash(password).await?,
            claims: invitation.claims.clone(),
            email: invitation.email.clone(),
        };
        self.codes.register(code, invitation, &user, now).await.map_err(rejected)?;
        let told = json!({ "user": { "sub": user.id.to_string(), "username": user.username.as_str() } });
        Ok(Response::json(StatusCode::CREATED, &told)).about(AuditDetails::user(user.id))
    }

    async fn recover(
        &self,
        code: &OpenCode,
        user: &CodeUser,
        password: Password,
        now: Timestamp,
    ) -> Result<Response, Rejection> {
        let done = async {
            self.check(&password, code)?;
            let hash = self.passwords.hash(password).await?;
            let id = LetterId::new(edge::random::entropy()?);
            let notice = self.outbox.as_ref().map(|outbox| Notice { outbox, id: &id });
            self.codes.recover(code, user, &hash, notice, now).await.map_err(rejected)?;
            Ok(Response::no_content().about(AuditDetails::default().with(Field::Scope, "all")))
        };
        done.await.about(AuditDetails::user(user.id))
    }

    fn check(&self, password: &Password, code: &OpenCode) -> Result<(), Reason> {
        let checked = self.rules.check(password, &code.username);
        checked.map_err(|error| Reason::PasswordRefused(error.to_string()))
    }
}

/// Why a code is not accepted; to the log also whose it was and who made it.
fn rejected(error: RedeemError) -> Rejection {
    let details = match &error {
        RedeemError::Dead(code) => {
            let user = code.user.map(AuditDetails::user).unwrap_or_default();
            user.and(code.origin.as_ref().map(made_by).unwrap_or_default())
        }
        RedeemError::Store(_) => AuditDetails::default(),
    };
    Rejection::from(error).about(details)
}

fn made_by(origin: &CodeOrigin) -> AuditDetails {
    AuditDetails::default().with(Field::MadeBy, &*origin.made.by)
}

/// What a code is for, which its bearer could find out by using it.
fn shown(code: &OpenCode, now: Timestamp) -> Response {
    let purpose = match code.effect {
        CodeEffect::Invitation(_) => CodePurpose::Invitation,
        CodeEffect::Recovery(_) => CodePurpose::Recovery,
    };
    let shown = json!({
        "purpose": purpose.as_str(),
        "username": code.username.as_str(),
        "expires_in": code.origin.valid_until.time_left(now).get(),
    });
    Response::json(StatusCode::OK, &shown)
}

impl Endpoint for Redeem {
    const NAME: &'static str = "redeem";
    const METHODS: &'static [Method] = &[Method::POST];

    fn route(path: &str) -> Route {
        Call::at(path).map_or(Route { name: Self::NAME, methods: Self::METHODS }, Call::route)
    }

    async fn warm_up(&self, _now: Timestamp) {
        // Whatever fails here is tried again by the first request, and says so.
        let (_, ()) = futures_util::future::join(self.codes.connect(), self.passwords.warm_up()).await;
    }

    async fn handle(&self, request: &Request, now: Timestamp) -> Result<Response, Rejection> {
        self.cookies.reject_foreign_pages(request)?;
        self.answer(request, now).await
    }
}
