//! What the mailer reads and writes: who is to get a letter, whether it may be sent, the code in it, and what became of it.

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use token::{Seconds, Timestamp, UserId};

use crate::{
    AccountCode, Allowance, CodeOrigin, CodePurpose, CodeUser, Codes, LastChange, LetterId, LetterKind,
    LetterState, Locale, MailAddress, MalformedRow, MalformedRowOf, Operation, Outbox, SourceAddress,
    StoreError, Username,
    code_row::{self, CODE, FINGERPRINT, INVITATION_ROW, of_codes},
    code_table::read_invitation,
    outbox::{CHARGED, GRANTED, OUTCOME, UNCERTAIN},
    row::{instant, number, read_enabled, read_instant, string, text},
    schema::{EXPIRES_AT, KEY, LOCALE, SOURCE_IP, USER_ID, USERNAME},
    transfer::is_reserved,
    update::{self, Outcome},
};

/// How long the code of a letter for a new password is good; twice the time between two letters.
pub const LETTER_CODE_LIFE: Seconds = Seconds::new(3600);
/// Who made a code that a letter brings.
const MADE_BY: &str = "letter";
/// From when on as many letters are allowed at once again.
const FULL_AT: &str = "full_at";
/// How often a write is made again because the rows have changed.
const MAX_WRITES: u32 = 5;

/// The three tables, as the mailer uses them.
#[derive(Clone, Debug)]
pub struct Deliveries {
    outbox: Outbox,
    codes: Codes,
}

/// Who is to get a letter, and what its code is bound to.
#[derive(Debug)]
pub struct Recipient {
    /// The user, where there is one already.
    pub user: Option<UserId>,
    /// Where they are written to.
    pub address: MailAddress,
    /// In which language, if somebody has said one.
    pub locale: Option<Locale>,
    /// Whose letters are counted together.
    counted_as: String,
    code: Option<BoundCode>,
}

#[derive(Debug)]
enum BoundCode {
    Recovery(CodeUser),
    Invitation { of: String, origin: CodeOrigin },
}

/// Whether a letter may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Grant {
    /// It may, and it has been counted.
    Granted,
    /// Too many have been counted.
    Enough,
    /// Another run of the mailer has it.
    TakenByAnother,
}

impl Recipient {
    /// Of a letter that says to whom it goes.
    pub fn named(user: Option<UserId>, address: MailAddress, locale: Option<Locale>) -> Self {
        Self { user, address, locale, counted_as: String::new(), code: None }
    }
}

impl Deliveries {
    /// Letters of `outbox`, whose codes go into `codes`.
    pub fn new(outbox: Outbox, codes: Codes) -> Self {
        Self { outbox, codes }
    }

    /// Where the letters are asked for.
    pub fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Who gets a letter with which the user of this name sets a new password; nobody where there is no such user, they are
    /// disabled or have no address.
    pub async fn recovery(&self, username: &Username) -> Result<Option<Recipient>, StoreError> {
        let user = self.codes.users.row(username).await?.filter(|user| !is_reserved(user));
        let Some(user) = user else { return Ok(None) };
        if !read_enabled(&user)? {
            return Ok(None);
        }
        let bound = CodeUser::read(&user)?;
        let Some(address) = bound.email() else { return Ok(None) };
        let counted_as = format!("user#{}", bound.id);
        let (user, locale) = (Some(bound.id), bound.locale.clone());
        Ok(Some(Recipient { user, address, locale, counted_as, code: Some(BoundCode::Recovery(bound)) }))
    }

    /// Who gets the letter of the open invitation of this name.
    pub async fn invitation(
        &self,
        username: &Username,
        now: Timestamp,
    ) -> Result<Option<Recipient>, StoreError> {
        let Some(row) = self.codes.row(CodePurpose::Invitation.key(username)).await? else { return Ok(None) };
        let invitation = read_invitation(&row)?;
        let of = text(&row, CODE).map_err(of_codes)?.to_owned();
        let address = invitation.email.filter(|_| invitation.origin.valid_until >= now);
        Ok(address.map(|address| Recipient {
            user: None,
            counted_as: format!("invitation#{of}"),
            address,
            locale: invitation.locale,
            code: Some(BoundCode::Invitation { of, origin: invitation.origin }),
        }))
    }

    /// Counts a request against what may be asked for from its address: before anybody knows whether it is for a user, so that what
    /// is left of the allowance tells nothing.
    pub async fn charge(
        &self,
        id: &LetterId,
        source: &SourceAddress,
        now: Timestamp,
    ) -> Result<Grant, StoreError> {
        let key = format!("letters#address#{source}");
        let charge = self.mark(id, CHARGED)?;
        self.count(id, charge, Some((key, Allowance::FROM_ADDRESS)), |state| state.is_charged, now).await
    }

    /// Counts a letter against what may be sent to its user, and begins the first attempt; says whether it may be sent. A letter
    /// without a code tells of what has happened: it always may.
    pub async fn grant(
        &self,
        id: &LetterId,
        recipient: &Recipient,
        now: Timestamp,
    ) -> Result<Grant, StoreError> {
        let key = recipient.code.as_ref().map(|_| format!("letters#{}", recipient.counted_as));
        let counted = key.map(|key| (key, Allowance::TO_USER));
        let claim = self.claim(id)?;
        self.count(id, claim, counted, |state| state.is_granted, now).await
    }

    /// Marks the row of a letter together with the row that counts it, unless too many have been.
    async fn count(
        &self,
        id: &LetterId,
        mark: TransactWriteItem,
        counted: Option<(String, Allowance)>,
        is_marked: impl Fn(LetterState) -> bool,
        now: Timestamp,
    ) -> Result<Grant, StoreError> {
        for _ in 0..MAX_WRITES {
            let mut writes = vec![mark.clone()];
            if let Some((key, allowance)) = &counted {
                let row = self.codes.row(string(key)).await?.unwrap_or_default();
                let full_at = row.contains_key(FULL_AT).then(|| read_instant(&row, FULL_AT)).transpose();
                let full_at = full_at.map_err(of_letter)?;
                let Some(after) = allowance.after_one_more(full_at, now) else { return Ok(Grant::Enough) };
                writes.push(self.counted(key, row.get(FULL_AT), after)?);
            }
            if let Outcome::Done(_) = update::transact(&self.outbox.client, writes).await? {
                return Ok(Grant::Granted);
            }
            let state = self.outbox.find(id).await?.map(|(_, state)| state);
            if state.is_none_or(|state| is_marked(state) || state.is_done) {
                return Ok(Grant::TakenByAnother);
            }
        }
        Err(StoreError::Contended { attempts: MAX_WRITES })
    }

    /// Sets a mark that the row does not have yet.
    fn mark(&self, id: &LetterId, mark: &'static str) -> Result<TransactWriteItem, StoreError> {
        let set = Update::builder()
            .table_name(&*self.outbox.name)
            .key(KEY, id.key())
            .update_expression("SET #mark = :yes")
            .condition_expression("attribute_exists(#pk) AND attribute_not_exists(#mark)")
            .expression_attribute_names("#pk", KEY)
            .expression_attribute_names("#mark", mark)
            .expression_attribute_values(":yes", AttributeValue::Bool(true));
        Ok(TransactWriteItem::builder().update(set.build().map_err(unbuilt)?).build())
    }

    fn claim(&self, id: &LetterId) -> Result<TransactWriteItem, StoreError> {
        let claim = Update::builder()
            .table_name(&*self.outbox.name)
            .key(KEY, id.key())
            .update_expression("SET #granted = :yes, #uncertain = :one")
            .condition_expression(
                "attribute_exists(#pk) AND attribute_not_exists(#granted) AND attribute_not_exists(#outcome)",
            )
            .expression_attribute_names("#pk", KEY)
            .expression_attribute_names("#granted", GRANTED)
            .expression_attribute_names("#uncertain", UNCERTAIN)
            .expression_attribute_names("#outcome", OUTCOME)
            .expression_attribute_values(":yes", AttributeValue::Bool(true))
            .expression_attribute_values(":one", number(1));
        Ok(TransactWriteItem::builder().update(claim.build().map_err(unbuilt)?).build())
    }

    fn counted(
        &self,
        key: &str,
        before: Option<&AttributeValue>,
        after: Timestamp,
    ) -> Result<TransactWriteItem, StoreError> {
        let count = Update::builder()
            .table_name(&*self.codes.name)
            .key(KEY, string(key))
            .update_expression("SET #full_at = :after, #expires_at = :after")
            .expression_attribute_names("#full_at", FULL_AT)
            .expression_attribute_names("#expires_at", EXPIRES_AT)
            .expression_attribute_values(":after", instant(after));
        let count = match before {
            Some(before) => count
                .condition_expression("#full_at = :before")
                .expression_attribute_values(":before", before.clone()),
            None => count.condition_expression("attribute_not_exists(#full_at)"),
        };
        Ok(TransactWriteItem::builder().update(count.build().map_err(unbuilt)?).build())
    }

    /// Begins another attempt at a letter that has been counted; says whether it may. It may while `state` is as it was and at most
    /// one attempt's outcome is unknown, so that at most one letter is sent twice.
    pub async fn begin_again(&self, id: &LetterId, state: LetterState) -> Result<bool, StoreError> {
        let (before, after) = (state.uncertain, state.uncertain + 1);
        if after > 2 {
            return Ok(false);
        }
        let again = self
            .of_letter(id)
            .update_expression("SET #uncertain = :after")
            .condition_expression("#uncertain = :before AND attribute_not_exists(#outcome)")
            .expression_attribute_names("#uncertain", UNCERTAIN)
            .expression_attribute_names("#outcome", OUTCOME)
            .expression_attribute_values(":before", number(before))
            .expression_attribute_values(":after", number(after));
        Ok(matches!(update::update(again).await?, Outcome::Done(_)))
    }

    /// Takes an attempt back of which it is known that no letter was sent.
    pub async fn not_sent(&self, id: &LetterId) -> Result<(), StoreError> {
        let back = self
            .of_letter(id)
            .update_expression("ADD #uncertain :minus_one")
            .condition_expression("#uncertain > :none")
            .expression_attribute_names("#uncertain", UNCERTAIN)
            .expression_attribute_values(":minus_one", AttributeValue::N("-1".to_owned()))
            .expression_attribute_values(":none", number(0));
        update::update(back).await.map(drop)
    }

    /// Writes down what became of a letter, and forgets to whom it was and who asked for it.
    pub async fn finish(&self, id: &LetterId, outcome: &str) -> Result<(), StoreError> {
        let finish = self
            .of_letter(id)
            .update_expression("SET #outcome = :outcome REMOVE #username, #user_id, #to, #source_ip, #locale")
            .condition_expression("attribute_exists(#pk)")
            .expression_attribute_names("#pk", KEY)
            .expression_attribute_names("#outcome", OUTCOME)
            .expression_attribute_names("#username", USERNAME)
            .expression_attribute_names("#user_id", USER_ID)
            .expression_attribute_names("#to", crate::outbox::TO)
            .expression_attribute_names("#source_ip", SOURCE_IP)
            .expression_attribute_names("#locale", LOCALE)
            .expression_attribute_values(":outcome", string(outcome));
        update::update(finish).await.map(drop)
    }

    /// Makes the code of a letter good, and says until when; none for a letter that brings no code.
    ///
    /// Each letter has a code of its own, so that every one works until one of them is used.
    pub async fn put_code(
        &self,
        recipient: &Recipient,
        username: &Username,
        code: &AccountCode,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, StoreError> {
        let (row, valid_until) = match &recipient.code {
            None => return Ok(None),
            Some(BoundCode::Recovery(user)) => {
                let origin = CodeOrigin {
                    made: LastChange { at: now, by: MADE_BY.into() },
                    valid_until: now.plus(LETTER_CODE_LIFE),
                };
                let mut row = code_row::of_letter(&code.hash(), CodePurpose::Recovery, username, &origin);
                let fingerprint = user.fingerprint(&code.hash(), origin.valid_until);
                row.insert(FINGERPRINT.to_owned(), string(&fingerprint));
                (row, origin.valid_until)
            }
            Some(BoundCode::Invitation { of, origin }) => {
                let mut row = code_row::of_code(&code.hash(), CodePurpose::Invitation, username, origin);
                row.insert(INVITATION_ROW.to_owned(), string(of));
                (row, origin.valid_until)
            }
        };
        let put = self.codes.users.client.put_item().table_name(&*self.codes.name).set_item(Some(row));
        put.send().await.map_err(|error| StoreError::unavailable(Operation::PutItem, error))?;
        Ok(Some(valid_until))
    }

    fn of_letter(
        &self,
        id: &LetterId,
    ) -> aws_sdk_dynamodb::operation::update_item::builders::UpdateItemFluentBuilder {
        self.outbox.client.update_item().table_name(&*self.outbox.name).key(KEY, id.key())
    }
}

impl LetterKind {
    /// What the code of such a letter is for; none where it brings none.
    pub const fn purpose(self) -> Option<CodePurpose> {
        match self {
            Self::Recovery => Some(CodePurpose::Recovery),
            Self::Invitation => Some(CodePurpose::Invitation),
            Self::PasswordChanged | Self::LinkMade | Self::Test => None,
        }
    }
}

fn of_letter(error: MalformedRow) -> MalformedRow {
    MalformedRow { row: MalformedRowOf::Letter, ..error }
}

fn unbuilt(error: aws_sdk_dynamodb::error::BuildError) -> StoreError {
    StoreError::unbuilt(Operation::TransactWriteItems, error)
}
