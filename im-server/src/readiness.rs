//! Whether the store answers, asked at most once in a while however often somebody wants to know.

use std::{future::Future, time::Duration};

use im_core::Rejection;
use tokio::sync::Mutex;

/// How long an answer is good. Nobody who watches a server needs a newer one.
const FRESH: Duration = Duration::from_secs(1);

/// The last answer.
#[derive(Default)]
pub(crate) struct Readiness {
    last: Mutex<Option<(Duration, Result<(), Rejection>)>>,
}

impl Readiness {
    /// What `probe` says, or said less than a second ago. Who comes while it runs waits for it.
    pub(crate) async fn ask(
        &self,
        uptime: impl Fn() -> Duration,
        probe: impl Future<Output = Result<(), Rejection>>,
    ) -> Result<(), Rejection> {
        let mut last = self.last.lock().await;
        if let Some((at, answer)) = &*last
            && uptime().saturating_sub(*at) < FRESH
        {
            return answer.clone();
        }
        let answer = probe.await;
        *last = Some((uptime(), answer.clone()));
        answer
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use im_core::Code;

    use super::*;

    #[tokio::test]
    async fn the_store_is_asked_once_a_second() {
        let readiness = Readiness::default();
        let (asked, down) = (Cell::new(0), Cell::new(false));
        let at = async |ms| {
            let probe = async {
                asked.set(asked.get() + 1);
                let refused = Rejection::new(Code::Unavailable, "gone");
                if down.get() { Err(refused) } else { Ok(()) }
            };
            let uptime = || Duration::from_millis(ms);
            readiness.ask(uptime, probe).await.is_ok()
        };

        assert!(at(5_000).await && at(5_001).await && at(5_999).await);
        assert_eq!(asked.get(), 1);
        down.set(true);
        assert!(!at(6_000).await && !at(6_999).await);
        assert_eq!(asked.get(), 2);
        down.set(false);
        assert!(at(7_000).await);
    }
}
