//! What is done at the same time, each with the calls that the functions and `latchkey` make of the tables, and the situation
//! that it is done in.

use std::collections::{BTreeMap, BTreeSet};

use harness::{LOGIN_AT, at};
use local_data::{Store, TABLE_NAME};
use serde_json::{Value, json};
use token::{CustomClaims, Entropy, RefreshSwitch, Seconds, SessionId, SessionPolicy, UserId};
use users::{
    Account, AccountCode, ChangeError, ChangePasswordError, CodeEffect, CodeOrigin, CodePurpose, Codes,
    CreateError, EarlierFailures, Invitation, LastChange, MakeCodeError, NewSession, NewUser,
    OpenSessionError, PasswordHash, RenameError, TryId, UserTable, Username, VerifiedLogin,
};

use super::gate::Actor;

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// By the password that ada has at the beginning.
    LogIn,
    /// By that password, and with a stronger hash of it to store.
    LogInAndUpgrade,
    /// By ada, in the session that is there at the beginning.
    LogOut,
    ChangePassword,
    /// Of ada's token of that session.
    Refresh,
    /// With the code that is out at the beginning.
    Recover,
    /// Bob, with the invitation that is out at the beginning.
    Register,
    /// By an administrator.
    Disable,
    Enable,
    SetPassword,
    Delete,
    CreateBob,
    DeleteBob,
    RenameBob,
    AllowRecovery,
    WithdrawRecovery,
    InviteAgain,
}

/// A store, and the operations' ways to it.
pub(super) struct Stage {
    store: Store,
    pub(super) actors: Vec<Actor>,
    tables: Vec<(UserTable, Codes)>,
    /// Ada with a session and a code, and bob's invitation.
    beginning: Rows,
}

/// Every row of both tables, by table and key.
pub(super) type Rows = BTreeMap<(String, String), Value>;

fn name(text: &str) -> Username {
    text.parse().unwrap()
}

/// A hash of the password that the letter stands for; each who hashes it has another salt.
fn hash(password: char, by: u8) -> PasswordHash {
    let output: String = std::iter::repeat_n(password, 21).chain(['A']).collect();
    let salt = char::from(b'a' + by);
    format!("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2{salt}sdA${output}").parse().unwrap()
}

fn session(index: u8) -> NewSession<'static> {
    let id = SessionId::new(Entropy([index; 16]));
    NewSession { id, issued_at: at(LOGIN_AT), user_agent: None, source_ip: None }
}

fn code(index: u8) -> AccountCode {
    AccountCode::new(Entropy([index; 16]))
}

fn origin() -> CodeOrigin {
    let made = LastChange { at: at(LOGIN_AT), by: "grace".into() };
    CodeOrigin { made, valid_until: at(LOGIN_AT + 60) }
}

fn new_user(username: &str, index: u8) -> NewUser {
    let (id, claims) = (UserId::new(Entropy([index; 16])), CustomClaims::default());
    NewUser { username: name(username), id, password_hash: hash('A', 0), claims, email: None }
}

fn bob() -> Invitation {
    Invitation {
        username: name("bob"),
        claims: CustomClaims::default(),
        email: None,
        locale: None,
        origin: origin(),
    }
}

fn text<'a>(row: &'a Value, attribute: &str) -> &'a str {
    row[attribute]["S"].as_str().unwrap_or_default()
}

fn policy() -> SessionPolicy {
    SessionPolicy::new(Seconds::new(3600), Seconds::new(7200), RefreshSwitch::On).unwrap()
}

impl Stage {
    pub(super) async fn new() -> Self {
        let store = Store::in_memory().await.unwrap();
        let users = &store.users;
        users.create(&new_user("ada", 1), at(LOGIN_AT)).await.unwrap();
        assert_eq!(log_in(users, 1, None).await, Some(true));
        store.codes.allow_recovery(&name("ada"), &code(1), &origin(), None).await.unwrap();
        store.codes.invite(&bob(), &code(2)).await.unwrap();
        let failure = TryId::new(Entropy([7; 16]));
        users.record_failure(&name("ada"), &failure, at(LOGIN_AT)).await.unwrap();
        let actors: Vec<_> = (0..3).map(|index| Actor::new(index, store.dynamodb.clone())).collect();
        let tables = actors.iter().map(|actor| {
            let users = UserTable::new(actor.client(), TABLE_NAME);
            (users.clone(), Codes::beside(&users))
        });
        let mut stage = Self { tables: tables.collect(), store, actors, beginning: Rows::new() };
        stage.beginning = stage.rows().await;
        stage
    }

    pub(super) fn tables(&self, actor: usize) -> (UserTable, Codes) {
        self.tables[actor].clone()
    }

    /// Puts both tables back to the beginning.
    pub(super) async fn reset(&self) {
        let there = self.every_row().await;
        let mut writes = BTreeMap::<_, Vec<Value>>::new();
        for ((table, key), _) in there.iter().filter(|(place, _)| !self.beginning.contains_key(*place)) {
            let delete = json!({ "DeleteRequest": { "Key": { "pk": { "S": key } } } });
            writes.entry(table.clone()).or_default().push(delete);
        }
        for (place, row) in self.beginning.iter().filter(|(place, row)| there.get(*place) != Some(row)) {
            writes.entry(place.0.clone()).or_default().push(json!({ "PutRequest": { "Item": row } }));
        }
        if !writes.is_empty() {
            self.call("BatchWriteItem", json!({ "RequestItems": writes })).await;
        }
    }

    /// The keys of all rows of codes.
    pub(super) async fn keys(&self) -> BTreeSet<String> {
        self.every_row().await.into_keys().map(|(_, key)| key).collect()
    }

    /// The key of the code that is out for this purpose at the beginning.
    pub(super) fn code_of(&self, purpose: CodePurpose) -> &str {
        let of_purpose = |(_, row): &(&(String, String), &Value)| {
            text(row, "pk").starts_with("code#") && text(row, "purpose") == purpose.as_str()
        };
        let ((_, key), _) = self.beginning.iter().find(of_purpose).unwrap();
        key
    }

    /// Both tables, without rows that have no effect: of codes that lead nowhere, and of failed logins that are forgotten.
    pub(super) async fn rows(&self) -> Rows {
        let rows = self.every_row().await;
        let leads_somewhere = |row: &Value| {
            if text(row, "pk").starts_with("attempts#") {
                return row.get("failures").is_some();
            }
            let Some(hash) = text(row, "pk").strip_prefix("code#") else { return true };
            let named = format!("{}#{}", text(row, "purpose"), text(row, "username"));
            let newest = rows.get(&(self.store.codes.name().to_owned(), named));
            newest.is_some_and(|newest| text(newest, "code") == hash)
        };
        let kept = rows.iter().filter(|(_, row)| leads_somewhere(row));
        kept.map(|(place, row)| (place.clone(), row.clone())).collect()
    }

    async fn every_row(&self) -> Rows {
        let mut rows = Rows::new();
        for table in [TABLE_NAME, self.store.codes.name()] {
            let page = self.call("Scan", json!({ "TableName": table })).await;
            for row in page["Items"].as_array().unwrap() {
                let mut row = row.clone();
                // It only has to be another number than before: a write that is repeated counts twice.
                if let Some(generation) = row.get_mut("generation") {
                    *generation = json!({ "N": "1" });
                }
                rows.insert((table.to_owned(), text(&row, "pk").to_owned()), row);
            }
        }
        rows
    }

    async fn call(&self, operation: &str, body: Value) -> Value {
        let reply = self.store.dynamodb.reply(operation, body.to_string().into_bytes()).await;
        assert_eq!(reply.status, 200, "{}", reply.body);
        serde_json::from_str(&reply.body).unwrap()
    }
}

impl Operation {
    /// Whose code it uses up.
    pub(super) fn uses_up(self) -> Option<CodePurpose> {
        match self {
            Self::Recover => Some(CodePurpose::Recovery),
            Self::Register => Some(CodePurpose::Invitation),
            _ => None,
        }
    }

    /// Whether it did something; none where it was not told. `by` tells those who do the same apart.
    pub(super) async fn run(self, by: u8, (users, codes): (UserTable, Codes)) -> Option<bool> {
        let ada = name("ada");
        let administrator = LastChange { at: at(LOGIN_AT + 1), by: "grace".into() };
        match self {
            Self::LogIn => log_in(&users, 10 + by, None).await,
            Self::LogInAndUpgrade => log_in(&users, 10 + by, Some(&hash('B', by))).await,
            Self::LogOut => {
                let ended = users.end_session(&ada, UserId::new(Entropy([1; 16])), session(1).id).await;
                ended.ok().map(|ended| ended.count > 0)
            }
            Self::Refresh => {
                let user = users.find(&ada).await.ok()?;
                Some(user.is_some_and(|user| user.enabled && user.sessions.contains_key(&session(1).id)))
            }
            Self::ChangePassword => change_password(&users, by).await,
            Self::Recover => {
                let open = codes.find(code(1).hash(), at(LOGIN_AT)).await;
                let Ok(open) = open else { return dead(&open) };
                let CodeEffect::Recovery(user) = &open.effect else { panic!("{open:?}") };
                dead(&codes.recover(&open, user, &hash('D', by), None, at(LOGIN_AT)).await)
            }
            Self::Register => {
                let open = codes.find(code(2).hash(), at(LOGIN_AT)).await;
                let Ok(open) = open else { return dead(&open) };
                let CodeEffect::Invitation(invitation) = &open.effect else { panic!("{open:?}") };
                dead(&codes.register(&open, invitation, &new_user("bob", 30 + by), at(LOGIN_AT)).await)
            }
            Self::Disable => told(&users.in_the_name_of(administrator).disable(&ada).await),
            Self::Enable => told(&users.in_the_name_of(administrator).enable(&ada).await),
            Self::SetPassword => {
                told(&users.in_the_name_of(administrator).set_password(&ada, &hash('E', by)).await)
            }
            Self::Delete => told(&users.delete(&ada).await),
            Self::DeleteBob => {
                let bob = users.find(&name("bob")).await.ok()?;
                let Some(bob) = bob else { return Some(false) };
                codes.withdraw(CodePurpose::Invitation, &bob.username).await.ok()?;
                told(&users.delete_user(&bob.username, bob.id).await)
            }
            Self::RenameBob => {
                codes.withdraw(CodePurpose::Invitation, &name("bob")).await.ok()?;
                told(&users.rename(&name("bob"), &name("robert")).await)
            }
            Self::CreateBob => told(&users.create(&new_user("bob", 40 + by), at(LOGIN_AT)).await),
            Self::AllowRecovery => told(&codes.allow_recovery(&ada, &code(50 + by), &origin(), None).await),
            Self::WithdrawRecovery => codes.withdraw(CodePurpose::Recovery, &ada).await.ok(),
            Self::InviteAgain => told(&codes.invite(&bob(), &code(60 + by)).await),
        }
    }
}

/// As `login` does it, for somebody who knows the password of the beginning.
async fn log_in(users: &UserTable, index: u8, upgraded_hash: Option<&PasswordHash>) -> Option<bool> {
    let before = users.for_login(&name("ada"), None, at(LOGIN_AT)).await.ok()?;
    let failed = before.attempts.failures > 0;
    let earlier_failures = if failed { EarlierFailures::Forget } else { EarlierFailures::None };
    let (mut account, new) = (before.user, session(index));
    for _ in 0..3 {
        let Some(user) = account.filter(|user| user.enabled && is_known(user)) else { return Some(false) };
        let login = VerifiedLogin {
            user: &user,
            session: &new,
            upgraded_hash: upgraded_hash.filter(|_| user.password_hash == Ok(hash('A', 0))),
            earlier_failures,
        };
        match users.open_session(&login, &policy()).await {
            Ok(_) => return Some(true),
            Err(OpenSessionError::HashChanged(fresh)) => account = Some(*fresh),
            Err(OpenSessionError::Store(_)) => return None,
            Err(_) => return Some(false),
        }
    }
    panic!("the hash keeps changing")
}

/// Whether the hash is of the password of the beginning.
fn is_known(user: &Account) -> bool {
    let is = |known: PasswordHash| user.password_hash.as_ref() == Ok(&known);
    is(hash('A', 0)) || (0..3).any(|by| is(hash('B', by)))
}

/// As `password` does it.
async fn change_password(users: &UserTable, by: u8) -> Option<bool> {
    let (ada, asking) = (name("ada"), session(1).id);
    let user = users.find(&ada).await.ok()?;
    if !user.is_some_and(|user| user.enabled && user.sessions.contains_key(&asking)) {
        return Some(false);
    }
    let mut account = users.for_login(&ada, None, at(LOGIN_AT)).await.ok()?.user;
    for _ in 0..3 {
        let Some(user) = account.filter(|user| user.enabled && is_known(user)) else { return Some(false) };
        match users.change_password(&user, asking, &hash('C', by), &session(20 + by), None).await {
            Ok(_) => return Some(true),
            Err(ChangePasswordError::HashChanged(fresh)) => account = Some(*fresh),
            Err(ChangePasswordError::Store(_)) => return None,
            Err(_) => return Some(false),
        }
    }
    panic!("the hash keeps changing")
}

fn dead<T>(redeemed: &Result<T, users::RedeemError>) -> Option<bool> {
    match redeemed {
        Ok(_) => Some(true),
        Err(users::RedeemError::Dead(_)) => Some(false),
        Err(users::RedeemError::Store(_)) => None,
    }
}

/// Whether it was done; a failure of the store says nothing.
fn told<T, E: IsOfStore>(done: &Result<T, E>) -> Option<bool> {
    match done {
        Ok(_) => Some(true),
        Err(error) if error.is_of_store() => None,
        Err(_) => Some(false),
    }
}

/// An error, of which the store's kind says nothing about what was done.
trait IsOfStore {
    fn is_of_store(&self) -> bool;
}

macro_rules! of_store {
    ($($error:ident),*) => {$(
        impl IsOfStore for $error {
            fn is_of_store(&self) -> bool {
                matches!(self, Self::Store(_))
            }
        }
    )*};
}

of_store!(ChangeError, CreateError, MakeCodeError, RenameError);
