//! R1: no sequence of calls changes a password without a live code of that user, the current password or an administrator. Random
//! sequences of these calls over two users and two names that nobody has; after each call the users are as the model says.

use std::collections::BTreeMap;

use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use users::{ChangeError, Hasher, Password};

use super::*;

const NAMES: [&str; 4] = ["ada", "bob", "carol", "dave"];
const PASSWORDS: [&str; 3] = [OLD, NEW, "eight yellow bicycles"];

/// One call of anybody's.
#[derive(Clone, Copy, Debug)]
enum Call {
    Invite(usize),
    AllowRecovery(usize),
    Withdraw(CodePurpose, usize),
    /// With the code made so many codes ago.
    Register(usize, usize),
    Recover(usize, usize),
    Show(usize),
    LogIn(usize, usize),
    /// By the user's last token: a current password and a new one.
    ChangePassword(usize, usize, usize),
    SetPassword(usize, usize),
    SetEnabled(usize, bool),
    Delete(usize),
    Rename(usize, usize),
    Wait(u64),
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let (name, password, code) = (0..NAMES.len(), 0..PASSWORDS.len(), 0_usize..4);
    let purpose = prop_oneof![Just(CodePurpose::Invitation), Just(CodePurpose::Recovery)];
    let call = prop_oneof![
        3 => name.clone().prop_map(Call::Invite),
        3 => name.clone().prop_map(Call::AllowRecovery),
        1 => (purpose, name.clone()).prop_map(|(purpose, name)| Call::Withdraw(purpose, name)),
        4 => (code.clone(), password.clone()).prop_map(|(code, password)| Call::Register(code, password)),
        5 => (code.clone(), password.clone()).prop_map(|(code, password)| Call::Recover(code, password)),
        1 => code.prop_map(Call::Show),
        2 => (name.clone(), password.clone()).prop_map(|(name, password)| Call::LogIn(name, password)),
        2 => (name.clone(), password.clone(), password.clone())
            .prop_map(|(name, current, new)| Call::ChangePassword(name, current, new)),
        1 => (name.clone(), password).prop_map(|(name, password)| Call::SetPassword(name, password)),
        2 => (name.clone(), any::<bool>()).prop_map(|(name, enabled)| Call::SetEnabled(name, enabled)),
        1 => name.clone().prop_map(Call::Delete),
        2 => (name.clone(), name).prop_map(|(from, to)| Call::Rename(from, to)),
        1 => (0..DAY).prop_map(Call::Wait),
    ];
    prop::collection::vec(call, 4..16)
}

/// A user as the model knows them.
#[derive(Clone, Debug)]
struct Person {
    password: usize,
    enabled: bool,
    /// Another one after each change that ends codes.
    generation: u64,
    token: Option<String>,
}

fn person(password: usize, generation: u64) -> Person {
    Person { password, enabled: true, generation, token: None }
}

/// A code that was made.
#[derive(Clone, Debug)]
struct Made {
    text: String,
    purpose: CodePurpose,
    name: usize,
    valid_until: u64,
    generation: u64,
    /// Used, replaced or withdrawn.
    ended: bool,
}

struct Model {
    world: World,
    now: u64,
    next_generation: u64,
    people: BTreeMap<usize, Person>,
    made: Vec<Made>,
}

impl Model {
    async fn new() -> Self {
        let world = world().await;
        let (now, next_generation) = (LOGIN_AT, 10);
        let mut model = Self { world, now, next_generation, people: BTreeMap::new(), made: Vec::new() };
        for name in [0, 1] {
            model.world.create(NAMES[name], PASSWORDS[0]).await;
            model.people.insert(name, person(0, name as u64));
        }
        model
    }

    /// What `latchkey` does before a name becomes free.
    async fn free(&mut self, name: usize) {
        codes(&self.world).withdraw(CodePurpose::Invitation, &NAMES[name].parse().unwrap()).await.unwrap();
        self.end(CodePurpose::Invitation, name);
    }

    fn generation(&mut self) -> u64 {
        self.next_generation += 1;
        self.next_generation
    }

    /// The users, changed by an administrator now.
    fn administered(&self) -> users::UserTable {
        let administrator = LastChange { at: at(self.now), by: ADMINISTRATOR.into() };
        self.world.users.clone().in_the_name_of(administrator)
    }

    fn end(&mut self, purpose: CodePurpose, name: usize) {
        for made in self.made.iter_mut().filter(|made| made.purpose == purpose && made.name == name) {
            made.ended = true;
        }
    }

    /// The code made so many codes ago, or none that anybody made; and whether it is good.
    fn code(&self, age: usize) -> (String, Option<usize>) {
        let index = self.made.len().checked_sub(age + 1);
        let Some(index) = index else { return (new_code().expose().to_string(), None) };
        let made = &self.made[index];
        let person = self.people.get(&made.name);
        let for_user = match made.purpose {
            CodePurpose::Invitation => person.is_none(),
            CodePurpose::Recovery => {
                person.is_some_and(|person| person.enabled && person.generation == made.generation)
            }
        };
        let good = !made.ended && self.now <= made.valid_until && for_user;
        (made.text.clone(), good.then_some(index))
    }

    async fn make(&mut self, purpose: CodePurpose, name: usize) {
        let (code, origin) = (new_code(), origin(self.now));
        let username: Username = NAMES[name].parse().unwrap();
        let codes = codes(&self.world);
        let made = match purpose {
            CodePurpose::Invitation => {
                let claims = CustomClaims::default();
                let invitation =
                    Invitation { username, claims, email: None, locale: None, origin: origin.clone() };
                codes.invite(&invitation, &code).await.is_ok()
            }
            CodePurpose::Recovery => codes.allow_recovery(&username, &code, &origin, None).await.is_ok(),
        };
        let person = self.people.get(&name);
        let expected = match purpose {
            CodePurpose::Invitation => person.is_none(),
            CodePurpose::Recovery => person.is_some_and(|person| person.enabled),
        };
        assert_eq!(made, expected, "{purpose:?} {name}");
        if made {
            let generation = person.map_or(0, |person| person.generation);
            self.end(purpose, name);
            let (text, valid_until) = (code.expose().to_string(), self.now + DAY);
            self.made.push(Made { text, purpose, name, valid_until, generation, ended: false });
        }
    }

    async fn call(&mut self, call: Call) {
        self.now += 1;
        match call {
            Call::Invite(name) => self.make(CodePurpose::Invitation, name).await,
            Call::AllowRecovery(name) => self.make(CodePurpose::Recovery, name).await,
            Call::Withdraw(purpose, name) => {
                codes(&self.world).withdraw(purpose, &NAMES[name].parse().unwrap()).await.unwrap();
                self.end(purpose, name);
            }
            Call::Show(age) => {
                let (text, good) = self.code(age);
                assert_eq!(show(&self.world, &text, self.now).await.status == 200, good.is_some());
            }
            Call::Register(age, password) => {
                let (text, good) = self.code(age);
                let good = good.filter(|index| self.made[*index].purpose == CodePurpose::Invitation);
                let reply = register(&self.world, &text, PASSWORDS[password], self.now).await;
                assert_eq!(reply.status == 201, good.is_some(), "{reply:?}");
                if let Some(index) = good {
                    let generation = self.generation();
                    self.made[index].ended = true;
                    let person = person(password, generation);
                    self.people.insert(self.made[index].name, person);
                }
            }
            Call::Recover(age, password) => {
                let (text, good) = self.code(age);
                let good = good.filter(|index| self.made[*index].purpose == CodePurpose::Recovery);
                let reply = recover(&self.world, &text, PASSWORDS[password], self.now).await;
                assert_eq!(reply.status == 204, good.is_some(), "{reply:?}");
                if let Some(index) = good {
                    self.made[index].ended = true;
                    self.set(self.made[index].name, password);
                }
            }
            Call::LogIn(name, password) => self.log_in(name, password).await,
            Call::ChangePassword(name, current, new) => self.change_password(name, current, new).await,
            Call::SetPassword(name, password) => {
                let hasher = Hasher::new();
                let text = Password::try_from(PASSWORDS[password].to_owned()).unwrap();
                let hash = hasher.hash(&text, edge::random::entropy().unwrap()).unwrap();
                let set = self.administered().set_password(&NAMES[name].parse().unwrap(), &hash).await;
                if self.existed(name, &set) {
                    self.set(name, password);
                }
            }
            Call::SetEnabled(name, enabled) => {
                let username: Username = NAMES[name].parse().unwrap();
                let users = self.administered();
                let set =
                    if enabled { users.enable(&username).await } else { users.disable(&username).await };
                if self.existed(name, &set) {
                    let generation = self.generation();
                    let person = self.people.get_mut(&name).unwrap();
                    // What enables ends the codes of before, also where nobody was disabled.
                    (person.enabled, person.generation) = (enabled, generation);
                }
            }
            Call::Delete(name) => {
                self.free(name).await;
                let deleted = self.administered().delete(&NAMES[name].parse().unwrap()).await;
                if self.existed(name, &deleted) {
                    self.people.remove(&name);
                }
            }
            Call::Rename(from, to) => {
                self.free(from).await;
                let [old, new] = [from, to].map(|name| NAMES[name].parse::<Username>().unwrap());
                let renamed = self.administered().rename(&old, &new).await.is_ok();
                assert_eq!(renamed, self.people.contains_key(&from) && !self.people.contains_key(&to));
                if renamed {
                    let generation = self.generation();
                    let person = self.people.remove(&from).unwrap();
                    self.people.insert(to, Person { generation, token: None, ..person });
                }
            }
            Call::Wait(seconds) => self.now += seconds,
        }
        self.check().await;
    }

    fn existed(&self, name: usize, changed: &Result<(), ChangeError>) -> bool {
        let exists = self.people.contains_key(&name);
        assert_eq!(changed.is_ok(), exists, "{name}: {changed:?}");
        exists
    }

    fn set(&mut self, name: usize, password: usize) {
        let generation = self.generation();
        let person = self.people.get_mut(&name).unwrap();
        (person.password, person.generation) = (password, generation);
    }

    async fn log_in(&mut self, name: usize, password: usize) {
        let reply = self.world.log_in(NAMES[name], PASSWORDS[password], self.now).await;
        let right = |person: &&mut Person| person.enabled && person.password == password;
        match self.people.get_mut(&name).filter(right) {
            Some(person) if reply.status == 200 => person.token = Some(reply.token().to_owned()),
            // Failures before may make the right one wait.
            Some(_) => assert_eq!(reply.status, 429, "{reply:?}"),
            None => assert!([400, 429].contains(&reply.status), "{reply:?}"),
        }
    }

    async fn change_password(&mut self, name: usize, current: usize, new: usize) {
        let Some(token) = self.people.get(&name).and_then(|person| person.token.clone()) else { return };
        let body = json!({ "current_password": PASSWORDS[current], "new_password": PASSWORDS[new] });
        let event = post("/auth/password", &body).bearer(&token);
        let reply = self.world.send("/auth/password", &event, self.now).await;
        if reply.status == 200 {
            let person = &self.people[&name];
            assert!(person.enabled && person.password == current && current != new, "{reply:?}");
            self.set(name, new);
            self.people.get_mut(&name).unwrap().token = Some(reply.token().to_owned());
        }
    }

    /// The row of each name is there or not, enabled or not, and its hash is that of the model's password.
    async fn check(&self) {
        for (name, username) in NAMES.iter().enumerate() {
            let row = self.world.users.find(&username.parse().unwrap()).await.unwrap();
            let person = self.people.get(&name);
            assert_eq!(row.is_some(), person.is_some(), "{username}");
            let (Some(row), Some(person)) = (row, person) else { continue };
            assert_eq!(row.enabled, person.enabled, "{username}");
            let password = Password::try_from(PASSWORDS[person.password].to_owned()).unwrap();
            let verdict = Hasher::new().verify(&password, &row.password_hash.unwrap()).unwrap();
            assert_eq!(verdict, users::Verdict::Match, "{username} has the password {}", person.password);
        }
    }
}

#[test]
fn the_users_are_always_as_their_codes_passwords_and_administrators_made_them() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    runner
        .run(&calls(), |calls| {
            runtime.block_on(async {
                let mut model = Model::new().await;
                for call in calls {
                    model.call(call).await;
                }
            });
            Ok(())
        })
        .unwrap();
}
