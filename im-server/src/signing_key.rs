//! The secret that access tokens are signed with: made at first start, refused when it is weak.

use std::{
    fs, io,
    io::Write as _,
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use crate::{opaque, secret::Secret};

/// The shortest secret that is taken, in bytes: as long as the hash that it keys.
const MIN_BYTES: usize = 32;

/// Fewer different bytes than this are no random text of [`MIN_BYTES`]: the chance is below one in a billion.
const MIN_DISTINCT: usize = 12;

/// Parts of secrets that are printed in tutorials. No random text contains one.
const PUBLISHED: [&str; 9] = [
    "secret",
    "changeme",
    "change-me",
    "change_me",
    "password",
    "example",
    "your-",
    "01234567",
    "qwerty",
];

/// Why there is no signing key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The secret is weak.
    #[error(
        "{place}: the token secret {reason}; delete the setting and let the server make one, or use the output of `openssl rand -base64 48`"
    )]
    Weak {
        /// Where it was set.
        place: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Others can read the file.
    #[error("{}: others on this machine can read the token secret; run `chmod 600` on it, or delete it to get a new one", .0.display())]
    Readable(PathBuf),
    /// The file or its directory cannot be read or written.
    #[error("{}: cannot be read or written; check that the directory exists and belongs to the user that runs the server", .path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Makes the data directory, for its owner alone, unless it is there. One that is there and that others may enter gets a
/// warning: its mode may be meant, as for a group that makes backups, so it is neither changed nor refused.
///
/// # Errors
/// [`KeyError::Io`] when that is not possible.
pub(crate) fn prepare_directory(path: &Path) -> Result<(), KeyError> {
    let failed = |source| KeyError::Io {
        path: path.into(),
        source,
    };
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(failed)?;
    if is_open_to_others(path).map_err(failed)? {
        tracing::warn!(data_dir = %path.display(), "others on this machine may enter the data directory; run `chmod 700` on it unless that is meant");
    }
    Ok(())
}

fn is_open_to_others(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.permissions().mode() & 0o077 != 0)
}

/// The configured secret, or that of the data directory, which is made when there is none.
///
/// # Errors
/// [`KeyError`] when the secret is weak, readable by others, or cannot be stored.
pub(crate) fn load(configured: Option<&Secret>, data_dir: &Path) -> Result<Secret, KeyError> {
    let (secret, place) = match configured {
        Some(secret) => (secret.clone(), "token_secret".to_owned()),
        None => {
            let path = data_dir.join("token.secret");
            let secret = read_or_create(&path)?;
            (secret, path.display().to_string())
        }
    };
    match weakness(secret.expose()) {
        None => Ok(secret),
        Some(reason) => Err(KeyError::Weak { place, reason }),
    }
}

fn weakness(secret: &str) -> Option<&'static str> {
    let lower = secret.to_ascii_lowercase();
    let distinct = secret
        .bytes()
        .collect::<std::collections::BTreeSet<_>>()
        .len();
    if secret.len() < MIN_BYTES {
        Some("is shorter than 32 bytes")
    } else if PUBLISHED.iter().any(|part| lower.contains(part)) {
        Some("looks like one that is printed in a tutorial")
    } else if distinct < MIN_DISTINCT {
        Some("repeats itself too much to be random")
    } else {
        None
    }
}

fn read_or_create(path: &Path) -> Result<Secret, KeyError> {
    let failed = |source| KeyError::Io {
        path: path.into(),
        source,
    };
    match fs::metadata(path) {
        Ok(metadata) if metadata.permissions().mode() & 0o077 != 0 => {
            Err(KeyError::Readable(path.into()))
        }
        Ok(_) => {
            let text = fs::read_to_string(path).map_err(failed)?;
            Ok(Secret::new(text.trim()))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create(path).map_err(failed)?;
            // Read back rather than returned: of two servers that start together, both must use the one that won.
            read_or_create(path)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Puts a new secret in place whole or not at all, and never over another.
fn create(path: &Path) -> io::Result<()> {
    // A name of its own, because a container has the same process id at every start: what a crash left is in nobody's
    // way.
    let draft = path.with_extension(format!("draft-{}", opaque::random_text()));
    let placed = write_new(&draft).and_then(|()| fs::hard_link(&draft, path));
    let removed = fs::remove_file(&draft);
    match placed {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        Ok(()) | Err(_) => removed,
    }
}

fn write_new(draft: &Path) -> io::Result<()> {
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(opaque::random_text().as_bytes())?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_first_start_makes_a_secret_for_its_owner_alone_and_later_ones_keep_it() {
        let home = tempfile::tempdir().unwrap();
        let data = home.path().join("data");
        prepare_directory(&data).unwrap();

        let first = load(None, &data).unwrap();
        let again = load(None, &data).unwrap();

        assert_eq!(first, again);
        assert!(first.expose().len() >= MIN_BYTES);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&data), 0o700);
        assert_eq!(mode(&data.join("token.secret")), 0o600);
        assert_eq!(fs::read_dir(&data).unwrap().count(), 1, "no draft is left");
    }

    #[test]
    fn what_a_crash_left_does_not_stop_a_later_start_of_the_same_process_id() {
        let home = tempfile::tempdir().unwrap();
        let left = format!("token.draft-{}", std::process::id());
        fs::write(home.path().join(left), "half a secr").unwrap();

        let secret = load(None, home.path()).unwrap();

        assert!(secret.expose().len() >= MIN_BYTES);
    }

    #[test]
    fn a_draft_that_cannot_be_put_in_place_is_removed() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("absent").join("token.secret");
        assert!(create(&path).is_err());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);

        // A name that is taken is no failure, and not written over.
        let path = home.path().join("token.secret");
        fs::write(&path, "the first").unwrap();
        create(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "the first");
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_data_directory_that_others_may_enter_is_noticed_and_left_as_it_is() {
        let home = tempfile::tempdir().unwrap();
        let open_to_others = |mode| {
            fs::set_permissions(home.path(), fs::Permissions::from_mode(mode)).unwrap();
            prepare_directory(home.path()).unwrap();
            let after = fs::metadata(home.path()).unwrap().permissions().mode();
            assert_eq!(after & 0o777, mode);
            is_open_to_others(home.path()).unwrap()
        };

        assert!(open_to_others(0o755));
        assert!(open_to_others(0o710));
        assert!(!open_to_others(0o700));
    }

    #[test]
    fn a_secret_that_others_can_read_is_refused() {
        let home = tempfile::tempdir().unwrap();
        load(None, home.path()).unwrap();
        let path = home.path().join("token.secret");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();

        let error = load(None, home.path()).unwrap_err();

        assert!(error.to_string().contains("chmod 600"), "{error}");
    }

    #[test]
    fn weak_short_and_published_secrets_are_refused_with_a_sentence() {
        for weak in [
            "",
            "short",
            "a-string-secret-at-least-256-bits-long",
            "your-256-bit-key-your-256-bit-key-1234",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "0123456789abcdef0123456789abcdef",
        ] {
            let error = load(Some(&Secret::new(weak)), Path::new("/nowhere")).unwrap_err();
            assert!(error.to_string().contains("openssl rand"), "{error}");
        }
        load(
            Some(&Secret::new(opaque::random_text())),
            Path::new("/nowhere"),
        )
        .unwrap();
    }
}
