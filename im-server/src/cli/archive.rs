//! Export and import: files around what the engine writes and reads.

#[cfg(unix)]
use std::os::unix::fs::OpenOptionsExt as _;
use std::{
    fs::{self, File, OpenOptions},
    io::{BufReader, BufWriter, Write as _},
    path::Path,
};

use im_core::archive::{self, Counts};

use super::{Exported, Failure};
use crate::{Config, telemetry, wire};

/// Entries after which the operator hears how far it is.
const TELL: u64 = 10_000;

/// Makes a file for its owner alone. It has another name until it is whole, and none is written over.
pub(super) async fn export(config: &Config, what: Exported, out: &Path) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let app = wire::assemble(config).await?;
    if out.exists() {
        return Err(format!("{}: there is such a file already", out.display()).into());
    }
    let mut part = out.as_os_str().to_owned();
    part.push(".part");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    options.mode(0o600);
    let mut file = BufWriter::new(options.open(&part)?);
    let mut progress = progress();
    let counts = match (what.conversation, what.user) {
        (Some(id), _) => {
            archive::export_conversation(&app.ports, id, &mut file, &mut progress).await?
        }
        (None, Some(user)) => {
            archive::export_user(&app.im, &user, &mut file, &mut progress).await?
        }
        (None, None) => return Err("say which conversation or user".into()),
    };
    file.flush()?;
    file.get_ref().sync_all()?;
    fs::rename(&part, out)?;
    eprintln!("{}: {}", out.display(), told(counts));
    Ok(())
}

pub(super) async fn import(config: &Config, file: &Path) -> Result<(), Failure> {
    telemetry::init("warn", config.log_format)?;
    let mut file = BufReader::new(File::open(file)?);
    let app = wire::assemble(config).await?;
    let counts = archive::import(&app.ports, &mut file, &mut progress()).await?;
    eprintln!("imported {}", told(counts));
    Ok(())
}

fn progress() -> impl FnMut(Counts) + Send {
    let mut next = TELL;
    move |counts: Counts| {
        if counts.entries >= next {
            next = counts.entries + TELL;
            eprintln!("{} …", told(counts));
        }
    }
}

fn told(counts: Counts) -> String {
    let Counts {
        conversations,
        entries,
        members,
    } = counts;
    format!("{conversations} conversations, {entries} entries, {members} members")
}
