//! Waiting for what this server needs, and what starts at the same moment as it, or a little later.

use std::{
    fmt::Display,
    time::{Duration, Instant},
};

/// How long a start waits for a server that does not answer. A store waits as long for its database.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait before it is asked again.
const PAUSE: Duration = Duration::from_millis(500);

/// Asks until an answer comes that is not `is_away`, for as long as a start waits. The last answer counts.
pub(crate) async fn until_it_answers<T, E: Display, F: Future<Output = Result<T, E>>>(
    is_away: impl Fn(&E) -> bool,
    mut ask: impl FnMut() -> F,
) -> Result<T, E> {
    let began = Instant::now();
    let mut was_told = false;
    loop {
        match ask().await {
            Err(error) if is_away(&error) && began.elapsed() < PATIENCE => {
                if !std::mem::replace(&mut was_told, true) {
                    let seconds = PATIENCE.as_secs();
                    tracing::warn!(seconds, reason = %error, "waiting for another server to answer");
                }
                tokio::time::sleep(PAUSE).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::ready;

    use super::*;

    #[tokio::test]
    async fn who_is_away_is_asked_again_and_who_refuses_is_not() {
        let mut answers = vec![Ok(7), Err("away")];
        let came = until_it_answers(|it| *it == "away", || ready(answers.pop().unwrap())).await;
        assert_eq!(came, Ok(7));

        let mut answers: Vec<Result<(), _>> = vec![Err("away"), Err("no"), Err("away")];
        let came = until_it_answers(|it| *it == "away", || ready(answers.pop().unwrap())).await;
        assert_eq!((came, answers.len()), (Err("no"), 1));
    }
}
