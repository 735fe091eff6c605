use users::Password;

use crate::{CliError, PasswordOptions, Terminal};

/// A new password: asked for twice, or the first line of standard input.
pub(crate) fn new_password(
    options: PasswordOptions,
    terminal: &mut impl Terminal,
) -> Result<Password, CliError> {
    if options.password_stdin {
        return Ok(Password::try_from(terminal.read_line().map_err(CliError::Input)?)?);
    }
    if !terminal.is_interactive() {
        return Err(CliError::NobodyToAsk("pass the password with --password-stdin"));
    }
    let password = terminal.ask_secret("New password: ").map_err(CliError::Input)?;
    if password != terminal.ask_secret("Repeat the new password: ").map_err(CliError::Input)? {
        return Err(CliError::PasswordsDiffer);
    }
    Ok(Password::try_from(password)?)
}
