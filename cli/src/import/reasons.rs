use users::ImportError;

/// What is wrong, and what to do.
pub(super) fn explained(error: &ImportError) -> String {
    match error {
        ImportError::OtherPerson(_) | ImportError::Reserved(_) => {
            format!("{error}; give this one another name with --names")
        }
        ImportError::NotImported(_) => {
            format!("{error}; if they are the same person, say so with --names and --replace")
        }
        ImportError::ChangedThere(_) => format!("{error}; --update carries it over"),
        ImportError::ChangedBoth(_) => format!("{error}; --replace writes it over"),
        ImportError::OtherId | ImportError::Contended | ImportError::Store(_) => error.to_string(),
    }
}

/// What the rows are counted by.
pub(super) fn kind_of(error: &ImportError) -> &'static str {
    match error {
        ImportError::OtherId => "name of a user with another user_id",
        ImportError::OtherPerson(_) => "name of another person here",
        ImportError::NotImported(_) => "name of a user who was not imported",
        ImportError::Reserved(_) => "reserved name",
        ImportError::ChangedThere(_) => "changed there",
        ImportError::ChangedBoth(_) => "changed there and here",
        ImportError::Contended => "changed at the same time",
        ImportError::Store(_) => "malformed row in the table",
    }
}
