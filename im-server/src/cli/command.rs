//! Commands that do one thing and end.

use im_core::{Actor, DemoteUser, PromoteUser, UserId};

use super::{Failure, prompt};
use crate::{Config, NewAccount, Password, accounts::WantedToken, telemetry, wire};

pub(super) async fn add_user(
    config: &Config,
    name: UserId,
    password_stdin: bool,
) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let password = if password_stdin {
        prompt::read_line()?
    } else {
        prompt::new_password()?
    };
    let account = NewAccount::with_password(name.clone(), Password::new(password));
    let app = wire::assemble(config).await?;
    app.accounts.register(account, None).await?;
    println!("{name} can sign in");
    Ok(())
}

pub(super) async fn erase_user(config: &Config, name: UserId) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    app.accounts.erase(&name).await?;
    println!("{name} is erased; a server looks again in a day for what came meanwhile");
    Ok(())
}

pub(super) async fn promote_user(config: &Config, name: UserId) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    let operator = Actor::service(name.clone());
    let promote = PromoteUser { user: name.clone() };
    app.im.call(&operator, promote).await?;
    println!("{name} is an admin");
    Ok(())
}

pub(super) async fn demote_user(config: &Config, name: UserId) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    let operator = Actor::service(name.clone());
    let demote = DemoteUser { user: name.clone() };
    app.im.call(&operator, demote).await?;
    println!("{name} is no admin");
    Ok(())
}

pub(super) async fn issue_token(config: &Config, wanted: WantedToken) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    let issued = app.accounts.issue(wanted).await?;
    println!("{}", issued.access_token);
    Ok(())
}

pub(super) async fn create_key(config: &Config, name: &str) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    let key = app.accounts.create_key(name).await?;
    println!("{key}");
    eprintln!("keep it safe: it is not stored here and cannot be shown again");
    Ok(())
}

pub(super) async fn migrate(config: &Config) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    // Opening migrates.
    wire::assemble(config).await?;
    println!("the database is up to date");
    Ok(())
}

pub(super) async fn new_epoch(config: &Config) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    let epoch = app.ports.log.renew_epoch().await?;
    println!("the epoch is {epoch} now: every device starts over when it comes back");
    Ok(())
}
