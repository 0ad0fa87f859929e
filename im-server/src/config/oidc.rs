//! Identity providers: who else may say who a user is.

use std::{fs, path::PathBuf};

use serde::Deserialize;

use super::ConfigError;
use crate::secret::Secret;

/// An identity provider that speaks OpenID Connect.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcProvider {
    /// What it is called in paths: 1 to 32 lower-case letters, digits and hyphens.
    pub name: String,
    /// Its issuer, exactly as it calls itself: `https://…`. Without TLS on this machine alone.
    pub issuer: String,
    /// What this server is called there.
    pub client_id: String,
    /// What this server proves itself with there. None for a public client.
    pub client_secret: Option<Secret>,
    /// A file that holds it.
    pub client_secret_file: Option<PathBuf>,
    /// Whether somebody who is not known here yet gets an account. Default true.
    #[serde(default = "yes")]
    pub create_accounts: bool,
}

const fn yes() -> bool {
    true
}

impl OidcProvider {
    /// Finds the secret, and refuses what cannot be used.
    pub(super) fn completed(
        mut self,
        environment: &impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        let refused = |key: &str, reason: String| {
            Err(ConfigError::new(
                format!("oidc.{}.{key}", self.name),
                reason,
            ))
        };
        let is_name = (1..=32).contains(&self.name.len())
            && self
                .name
                .bytes()
                .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if !is_name {
            let reason = "must have 1 to 32 lower-case letters, digits and hyphens".to_owned();
            return refused("name", reason);
        }
        if !is_safe(&self.issuer) {
            let reason = "must begin with https://, or be on this machine".to_owned();
            return refused("issuer", reason);
        }
        if let Some(path) = &self.client_secret_file {
            match fs::read_to_string(path) {
                Ok(text) => self.client_secret = Some(Secret::new(text.trim())),
                Err(error) => {
                    let reason = format!("{}: {error}", path.display());
                    return refused("client_secret_file", reason);
                }
            }
        }
        let name = self.name.to_ascii_uppercase().replace('-', "_");
        if let Some(text) = environment(&format!("IM_OIDC_{name}_CLIENT_SECRET")) {
            self.client_secret = Some(Secret::new(text));
        }
        Ok(self)
    }
}

/// Whether nobody in between reads and changes what goes to an address.
pub(crate) fn is_safe(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("http://") else {
        return url.starts_with("https://");
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    ["127.0.0.1", "[::1]", "localhost"].contains(&host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> OidcProvider {
        OidcProvider {
            name: "my-corp".to_owned(),
            issuer: issuer.to_owned(),
            client_id: "im".to_owned(),
            client_secret: None,
            client_secret_file: None,
            create_accounts: true,
        }
    }

    #[test]
    fn a_secret_comes_from_the_environment() {
        let lookup =
            |name: &str| (name == "IM_OIDC_MY_CORP_CLIENT_SECRET").then(|| "hush".to_owned());

        let completed = provider("https://id.example.org").completed(&lookup);

        let completed = completed.expect("it can be used");
        assert_eq!(completed.client_secret, Some(Secret::new("hush")));
        assert!(!format!("{completed:?}").contains("hush"));
    }

    #[test]
    fn who_can_be_overheard_is_no_issuer() {
        for (issuer, safe) in [
            ("https://id.example.org", true),
            ("http://127.0.0.1:8081/realm", true),
            ("http://id.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://localhost@example.org", false),
            ("id.example.org", false),
        ] {
            let completed = provider(issuer).completed(&|_: &str| None);
            assert_eq!(completed.is_ok(), safe, "{issuer}");
        }
    }
}
