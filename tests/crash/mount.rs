//! Small file systems of our own, which can be filled up and fail.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
    process::Command,
};

use crate::scenario::Failure;

/// Shuts a file system down without writing its journal: `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`, as in
/// <https://github.com/torvalds/linux/blob/v6.1/fs/ext4/ext4.h>. In Perl, which every Debian has: what calls ioctl in Rust is unsafe.
const SHUT_DOWN: &str = r#"
    my $how = pack("L", 2);
    open(my $folder, "<", $ARGV[0]) or die "$!\n";
    ioctl($folder, 0x8004587d, $how) or die "$!\n";
"#;

/// A mounted file system. It is unmounted when this is dropped.
pub(crate) struct Mount {
    /// What is mounted, and its options.
    what: Vec<String>,
    folder: PathBuf,
}

impl Mount {
    /// One in memory, with so many MiB.
    pub(crate) fn small(folder: &Path, mib: u64) -> Result<Self, Failure> {
        let options = format!("size={mib}m,mode=1777");
        let what = ["-t", "tmpfs", "-o", &options, "tmpfs"];
        Self::new(folder, what.map(str::to_owned).into())
    }

    /// An ext4 in a file, with so many MiB.
    pub(crate) fn image(folder: &Path, mib: u64) -> Result<Self, Failure> {
        let image = folder.with_extension("image");
        fs::File::create_new(&image)?.set_len(mib << 20)?;
        let image = image.display().to_string();
        let made = as_root(&["mkfs.ext4", "-q", "-F", &image]);
        made.map_err(|reason| skipped(&reason))?;
        // Nothing is written but what is synced, as long as there is room.
        let mount = Self::new(folder, vec!["-o".into(), "loop,commit=600".into(), image])?;
        // For whoever we are; it stays so when it is mounted again.
        let opened = as_root(&["chmod", "1777", &folder.display().to_string()]);
        opened.map_err(|reason| skipped(&reason))?;
        Ok(mount)
    }

    fn new(folder: &Path, what: Vec<String>) -> Result<Self, Failure> {
        fs::create_dir(folder)?;
        let mount = Self {
            what,
            folder: folder.to_owned(),
        };
        mount.mount().map_err(|reason| skipped(&reason))?;
        Ok(mount)
    }

    /// Mounts it, also again.
    pub(crate) fn mount(&self) -> Result<(), String> {
        let folder = self.folder.display().to_string();
        let mut command = vec!["mount"];
        command.extend(self.what.iter().map(String::as_str));
        command.push(&folder);
        as_root(&command)
    }

    pub(crate) fn unmount(&self) -> Result<(), String> {
        as_root(&["umount", &self.folder.display().to_string()])
    }

    /// Makes it read-only at once, whoever writes: as ext4 does when its device fails.
    pub(crate) fn abort(&self) -> Result<(), String> {
        let folder = self.folder.display().to_string();
        as_root(&["mount", "-o", "remount,abort", &folder])
    }

    /// Drops what is in it and not synced, at once and for good; nothing can be read or written until it is mounted again.
    pub(crate) fn lose_power(&self) -> Result<(), String> {
        as_root(&["perl", "-e", SHUT_DOWN, &self.folder.display().to_string()])
    }

    /// Where it is mounted.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Fills it up to the last byte.
    pub(crate) fn fill(&self) -> io::Result<()> {
        let mut ballast = OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.ballast())?;
        for block in [vec![1; 1 << 16], vec![1; 1 << 12], vec![1]] {
            while ballast.write_all(&block).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back.
    pub(crate) fn free(&self) -> io::Result<()> {
        fs::remove_file(self.ballast())
    }

    fn ballast(&self) -> PathBuf {
        self.folder.join("ballast")
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // Lazily: what still has a file open in it must not keep it.
        let _ = as_root(&["umount", "--lazy", &self.folder.display().to_string()]);
    }
}

fn skipped(reason: &str) -> Failure {
    Failure::Skipped(format!(
        "no file system can be mounted here, which takes root: {reason}"
    ))
}

/// Runs a command as root, with sudo when it asks for no password.
fn as_root(command: &[&str]) -> Result<(), String> {
    let sudo: &[&str] = if rustix::process::geteuid().is_root() {
        &[]
    } else {
        &["sudo", "-n"]
    };
    let words = [sudo, command].concat();
    let output = Command::new(words[0])
        .args(&words[1..])
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .output();
    let output = output.map_err(|error| format!("{}: {error}", words[0]))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}: {}", words.join(" "), said.trim()))
}
