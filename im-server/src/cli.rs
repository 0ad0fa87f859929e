//! The command line.

mod archive;
mod command;
mod prompt;
mod ready;
mod serve;

use std::{error::Error, net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use clap::{Args, Parser, Subcommand};
use im_core::{ConversationId, DeviceId, Scopes, UserId};

use crate::{
    Config, ConfigError, LogFormat, PublicUrl, Registration, Secret, Settings,
    accounts::WantedToken,
};

/// What any command can fail with: shown to the operator, with its causes.
type Failure = Box<dyn Error + Send + Sync>;

/// A messaging server in one process. Without a command it serves.
#[derive(Debug, Parser)]
#[command(name = "im-server", version, about, after_help = AFTER_HELP)]
pub struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

const AFTER_HELP: &str = "Every option can also be set in the environment (IM_LISTEN for --listen, IM_DATABASE_URL …) \
    and in im.toml (listen = \"…\"). Options go before environment, environment before file.";

#[derive(Args, Debug)]
struct Options {
    /// Configuration file [default: im.toml in the data directory or here, if there is one]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Where the server keeps its files [default: im-data]
    #[arg(long, global = true, value_name = "DIRECTORY")]
    data_dir: Option<PathBuf>,
    /// Database [default: sqlite://<data-dir>/im.db]. Put one with a password into the environment or the file instead
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, global = true, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// What to log: error, warn, info, debug, or a filter such as info,im_core=debug [default: info]
    #[arg(long, global = true, value_name = "FILTER")]
    log: Option<String>,
    /// How to log: text or json [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// How clients reach this server, such as https://im.example.org
    #[arg(long, global = true, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Who may make an account: open or closed [default: open]
    #[arg(long, global = true, value_name = "WHO")]
    registration: Option<Registration>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve until SIGTERM or SIGINT
    Serve,
    /// Ask the server that runs here with this configuration whether it is ready; fails when it is not
    Ready,
    /// Accounts
    #[command(subcommand)]
    User(UserCommand),
    /// Access tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// Server keys, for back ends that bring their own users
    #[command(subcommand)]
    Key(KeyCommand),
    /// Bring the database to this version, and stop
    Migrate,
    /// Write a conversation, or what a user sees, to a file of JSON Lines
    Export {
        #[command(flatten)]
        what: Exported,
        /// The file to make
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Read a conversation from a file that export made, into a database that does not have it
    Import {
        /// The file
        file: PathBuf,
    },
    /// After restoring a backup, with the server stopped: make every device start over
    NewEpoch,
}

#[derive(Args, Debug)]
#[group(required = true, multiple = false)]
struct Exported {
    /// A whole conversation, to be imported elsewhere
    #[arg(long, value_name = "ID")]
    conversation: Option<ConversationId>,
    /// What this user sees, for the user to take along
    #[arg(long, value_name = "ID")]
    user: Option<UserId>,
}

#[derive(Debug, Subcommand)]
enum UserCommand {
    /// Make an account; asks for the password
    Add {
        /// The name to sign in with
        name: UserId,
        /// Read the password from the first line of the standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Make a user an admin
    Promote {
        /// Whom
        name: UserId,
    },
    /// Make an admin a user like all others
    Demote {
        /// Whom
        name: UserId,
    },
    /// Erase a user with everything it said, for ever
    Erase {
        /// Whom
        name: UserId,
    },
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Print an access token for a user
    Issue {
        /// Whose
        #[arg(long)]
        user: UserId,
        /// On which device [default: a new one]
        #[arg(long)]
        device: Option<DeviceId>,
        /// For how long, such as 90s, 15m or 24h; at most a day [default: 15m]
        #[arg(long, value_parser = parse_span)]
        ttl: Option<Duration>,
        /// What it is good for, such as "read write admin" [default: "read write"]
        #[arg(long)]
        scopes: Option<Scopes>,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Make a key and print it, once; a former key of this name ends
    Create {
        /// What to call it
        name: String,
    },
}

impl Cli {
    /// Does what the command line says.
    pub async fn run(self) -> ExitCode {
        match self.try_run().await {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => {
                eprintln!("im-server: {}", chain(failure.as_ref()));
                ExitCode::FAILURE
            }
        }
    }

    async fn try_run(self) -> Result<(), Failure> {
        let (config, command) = (self.options.load()?, self.command.unwrap_or(Command::Serve));
        match command {
            Command::Serve => serve::serve(&config).await,
            Command::Ready => ready::ready(&config).await,
            Command::User(UserCommand::Add {
                name,
                password_stdin,
            }) => command::add_user(&config, name, password_stdin).await,
            Command::User(UserCommand::Promote { name }) => {
                command::promote_user(&config, name).await
            }
            Command::User(UserCommand::Demote { name }) => {
                command::demote_user(&config, name).await
            }
            Command::User(UserCommand::Erase { name }) => command::erase_user(&config, name).await,
            Command::Token(TokenCommand::Issue {
                user,
                device,
                ttl,
                scopes,
            }) => {
                let wanted = WantedToken {
                    user,
                    device,
                    ttl,
                    scopes,
                };
                command::issue_token(&config, wanted).await
            }
            Command::Key(KeyCommand::Create { name }) => command::create_key(&config, &name).await,
            Command::Migrate => command::migrate(&config).await,
            Command::Export { what, out } => archive::export(&config, what, &out).await,
            Command::Import { file } => archive::import(&config, &file).await,
            Command::NewEpoch => command::new_epoch(&config).await,
        }
    }
}

impl Options {
    fn load(self) -> Result<Config, ConfigError> {
        let flags = Settings {
            data_dir: self.data_dir,
            database_url: self.database_url.map(Secret::new),
            listen: self.listen,
            log: self.log,
            log_format: self.log_format,
            public_url: self.public_url,
            registration: self.registration,
            ..Settings::default()
        };
        Config::load(flags, self.config, |name| std::env::var(name).ok())
    }
}

/// An error with its causes, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// `90s`, `15m`, `24h`.
fn parse_span(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no time span; write 90s, 15m or 24h");
    let (number, unit) = text
        .split_at_checked(text.len().saturating_sub(1))
        .ok_or_else(wrong)?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        _ => return Err(wrong()),
    };
    let number: u64 = number.parse().map_err(|_| wrong())?;
    number
        .checked_mul(seconds)
        .map(Duration::from_secs)
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn spans_have_a_unit() {
        assert_eq!(parse_span("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_span("15m"), Ok(Duration::from_secs(900)));
        for bad in [
            "",
            "15",
            "m",
            "1d",
            "-1s",
            "1.5h",
            "ä",
            "99999999999999999999h",
        ] {
            assert!(parse_span(bad).is_err(), "{bad}");
        }
    }
}
