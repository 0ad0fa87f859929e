//! What a poll asks for.

use std::time::Duration;

use im_core::{Code, Cursor, Rejection};

use super::Options;

/// A poll.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// What the last answer returned. Without it the poll is answered at once with the present, and with nothing else.
    pub after: Option<Cursor>,
    /// How long to wait when there is nothing new; [`Options::usual_wait`] when absent.
    pub wait: Option<Duration>,
    /// At most so many entries, at least 1; as in `sync.pull` when absent.
    pub limit: Option<u32>,
}

impl Ask {
    /// Reads `after`, `wait_s` (whole seconds) and `limit` of a query.
    ///
    /// # Errors
    /// `invalid_request` when one is not what it should be.
    pub fn from_query(query: &str) -> Result<Self, Rejection> {
        let mut ask = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let refused = |why: &dyn std::fmt::Display| {
                Rejection::new(Code::InvalidRequest, format!("query: {name}: {why}"))
            };
            match &*name {
                "after" => ask.after = Some(value.parse().map_err(|error| refused(&error))?),
                "limit" => ask.limit = Some(value.parse().map_err(|error| refused(&error))?),
                "wait_s" => {
                    let seconds = value.parse().map_err(|error| refused(&error))?;
                    ask.wait = Some(Duration::from_secs(seconds));
                }
                _ => {}
            }
        }
        Ok(ask)
    }

    /// How long to wait.
    pub(super) fn wait(&self, options: &Options) -> Result<Duration, Rejection> {
        let wait = self.wait.unwrap_or(options.usual_wait);
        if wait > options.longest_wait {
            let detail = format!("wait_s must be 0 to {}", options.longest_wait.as_secs());
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        if self.limit == Some(0) {
            let detail = "limit must be at least 1; for the present alone leave `after` out";
            return Err(Rejection::new(Code::InvalidRequest, detail));
        }
        Ok(wait)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_is_read_and_what_it_cannot_mean_is_refused() {
        let cursor = Cursor {
            version: 7,
            ..Cursor::default()
        };

        let ask = Ask::from_query(&format!("after={cursor}&wait_s=50&limit=3&else=1")).unwrap();

        assert_eq!(ask.after, Some(cursor));
        assert_eq!(ask.limit, Some(3));
        assert_eq!(ask.wait(&Options::default()), Ok(Duration::from_secs(50)));
        for query in ["after=x", "wait_s=-1", "wait_s=soon", "limit=many"] {
            let refused = Ask::from_query(query).unwrap_err();
            assert_eq!(refused.code, Code::InvalidRequest, "{query}");
        }
        for query in ["wait_s=51", "limit=0"] {
            let ask = Ask::from_query(query).unwrap();
            assert!(ask.wait(&Options::default()).is_err(), "{query}");
        }
    }
}
