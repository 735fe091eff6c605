use users::Password;

use crate::{Failure, PasswordOptions, Terminal};

/// A new password: asked for twice, or the first line of standard input.
pub(crate) fn new_password(
    options: PasswordOptions,
    terminal: &mut impl Terminal,
) -> Result<Password, Failure> {
    if options.password_stdin {
        return Ok(Password::try_from(terminal.read_line().map_err(Failure::Input)?)?);
    }
    if !terminal.is_interactive() {
        return Err(Failure::NobodyToAsk("pass the password with --password-stdin"));
    }
    let password = terminal.ask_secret("New password: ").map_err(Failure::Input)?;
    if password != terminal.ask_secret("The same again: ").map_err(Failure::Input)? {
        return Err(Failure::PasswordsDiffer);
    }
    Ok(Password::try_from(password)?)
}
