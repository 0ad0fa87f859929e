//! Asking the operator for a password: never as an argument, which others on the machine can see.

use std::{
    io::{self, BufRead as _, IsTerminal as _, Write as _},
    process::{Command, Stdio},
};

/// The first line of the standard input.
pub(super) fn read_line() -> io::Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned())
}

/// Asks twice on a terminal, without showing what is typed. From anything else it reads one line.
pub(super) fn new_password() -> io::Result<String> {
    if !io::stdin().is_terminal() {
        return read_line();
    }
    let _silence = Silence::begin();
    let password = ask("password: ")?;
    if ask("the same again: ")? == password {
        Ok(password)
    } else {
        Err(io::Error::other(
            "the two passwords are not the same; start again",
        ))
    }
}

fn ask(question: &str) -> io::Result<String> {
    eprint!("{question}");
    io::stderr().flush()?;
    let line = read_line();
    eprintln!();
    line
}

/// While it lives, the terminal does not show what is typed.
struct Silence;

impl Silence {
    fn begin() -> Self {
        stty("-echo");
        Self
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        stty("echo");
    }
}

/// By the system's own program: switching it ourselves would need unsafe code. Where it is missing, typing is shown.
fn stty(mode: &str) {
    let _shown_then = Command::new("stty")
        .arg(mode)
        .stderr(Stdio::null())
        .status();
}
