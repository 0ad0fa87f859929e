//! Several nodes: over what they tell each other what happens.

use serde::Deserialize;

use super::{ConfigError, settings::Environment};
use crate::secret::Secret;

/// What names of keys begin with, unless it is said otherwise.
const DEFAULT_PREFIX: &str = "im";

/// What one source says of it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[allow(missing_docs, reason = "the fields are those of Cluster")]
pub struct ClusterSettings {
    pub prefix: Option<String>,
    pub redis: Option<Secret>,
}

/// How this server is one of several nodes on its database.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// What the names of keys and channels begin with. Default `im`.
    pub prefix: String,
    /// The Redis by which nodes tell each other what happens. May hold a password.
    pub redis: Secret,
}

impl ClusterSettings {
    pub(super) fn from_environment<F: Fn(&str) -> Option<String>>(
        environment: &Environment<'_, F>,
    ) -> Self {
        Self {
            prefix: environment.text("cluster_prefix"),
            redis: environment.text("cluster_redis").map(Secret::new),
        }
    }

    pub(super) fn or(self, below: Self) -> Self {
        Self {
            prefix: self.prefix.or(below.prefix),
            redis: self.redis.or(below.redis),
        }
    }

    /// `None` for a server that is alone.
    pub(super) fn completed(self, database_url: &Secret) -> Result<Option<Cluster>, ConfigError> {
        let Some(redis) = self.redis else {
            return match self.prefix {
                None => Ok(None),
                Some(_) => {
                    let reason = "is for a Redis, and none is named; set cluster.redis too";
                    Err(ConfigError::new("cluster.prefix", reason))
                }
            };
        };
        if database_url.expose() == "memory:" {
            let reason = "nodes share one database, and `memory:` is each process's own; set database_url to one of \
                          PostgreSQL or MySQL";
            return Err(ConfigError::new("cluster.redis", reason));
        }
        let prefix = self.prefix.unwrap_or_else(|| DEFAULT_PREFIX.to_owned());
        Ok(Some(Cluster { prefix, redis }))
    }
}
