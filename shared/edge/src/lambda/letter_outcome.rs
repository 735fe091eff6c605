/// What became of a letter; for the log and for its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LetterOutcome {
    /// SES has it.
    Sent,
    /// Nobody is to get it.
    NoRecipient,
    /// Too many letters were sent to the user.
    UserHasEnough,
    /// Too many letters were asked for from the address.
    AddressHasEnough,
    /// SES failed in a way that passes: it is tried again.
    Delayed,
    /// It has waited too long.
    TooOld,
    /// SES will not send it.
    Refused,
    /// Two attempts were made whose outcome nobody knows.
    Uncertain,
    /// A row that it needs cannot be read, or there is a bug.
    Broken,
}

impl LetterOutcome {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::NoRecipient => "no_recipient",
            Self::UserHasEnough => "user_has_enough_letters",
            Self::AddressHasEnough => "address_has_enough_letters",
            Self::Delayed => "letter_delayed",
            Self::TooOld => "letter_too_old",
            Self::Refused => "letter_refused",
            Self::Uncertain => "letter_uncertain",
            Self::Broken => "letter_broken",
        }
    }

    /// Every one that is a reason for there being no letter.
    pub const WITHOUT_LETTER: [Self; 8] = [
        Self::NoRecipient,
        Self::UserHasEnough,
        Self::AddressHasEnough,
        Self::Delayed,
        Self::TooOld,
        Self::Refused,
        Self::Uncertain,
        Self::Broken,
    ];
}
