//! Counts of attempts. The suite has a macro of its own, [`attempts_suite!`](crate::attempts_suite), which is given an
//! `async` expression of `Option<(AttemptsTrial, guard)>`: not every store brings them.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use futures_util::future::join_all;

use crate::port::{Admission, AttemptKey, AttemptRate, Attempts, LockRule, Runtime, Verdict};

/// What a case is run on.
pub struct AttemptsTrial {
    /// One count, as two processes have it.
    pub ends: [Arc<dyn Attempts>; 2],
    /// What passes time.
    pub runtime: Arc<dyn Runtime>,
}

/// Longer than any case takes.
const LONG: Duration = Duration::from_secs(600);

const fn key(kind: &'static str, of: u8) -> AttemptKey {
    AttemptKey { kind, of: [of; 16] }
}

const ALICE: AttemptKey = key("sign-in", 1);
const BOB: AttemptKey = key("sign-in", 2);

fn times(count: u32) -> NonZeroU32 {
    NonZeroU32::new(count).unwrap()
}

fn rate(most: u32, period: Duration) -> AttemptRate {
    let most = times(most);
    AttemptRate { most, period }
}

fn rule(failures: u32, first: Duration) -> LockRule {
    LockRule {
        failures: times(failures),
        first,
        longest: first * 4,
        memory: LONG * 10,
    }
}

async fn is_admitted(end: &Arc<dyn Attempts>, key: AttemptKey, rate: AttemptRate) -> bool {
    end.admit(key, rate).await.unwrap() == Admission::Admitted
}

async fn wrong(trial: &AttemptsTrial, end: usize, rule: LockRule) -> Verdict {
    trial.ends[end].judge(ALICE, rule, false).await.unwrap()
}

async fn right(trial: &AttemptsTrial, end: usize, rule: LockRule) -> Verdict {
    trial.ends[end].judge(ALICE, rule, true).await.unwrap()
}

/// Fails until a failure counts, which begins the next lock. Before when that one came, and after when.
async fn fails_again(trial: &AttemptsTrial, rule: LockRule) -> (Duration, Duration) {
    loop {
        let before = trial.runtime.monotonic();
        if wrong(trial, 0, rule).await == Verdict::Wrong {
            return (before, trial.runtime.monotonic());
        }
        trial.runtime.sleep(Duration::from_millis(5)).await;
    }
}

suite! { attempts_suite in attempts on super::attempts::AttemptsTrial:
    /// As many pass as may at once, on whichever node they come in; who is refused hears for how long.
    async fn a_burst_passes_whichever_node_it_comes_to(trial) {
        let rate = rate(4, LONG);
        for end in [0, 1, 0, 1] {
            assert!(is_admitted(&trial.ends[end], ALICE, rate).await);
        }

        for end in [0, 1] {
            let Admission::Wait(wait) = trial.ends[end].admit(ALICE, rate).await.unwrap() else {
                panic!("the fifth waits");
            };
            assert!(wait > LONG / 8 && wait <= LONG / 4, "{wait:?}");
        }
    }

    /// What was used comes back evenly, and no more than the burst.
    async fn time_gives_attempts_back(trial) {
        let rate = rate(2, Duration::from_millis(400));
        while is_admitted(&trial.ends[0], ALICE, rate).await {}

        trial.runtime.sleep(Duration::from_millis(220)).await;
        assert!(is_admitted(&trial.ends[1], ALICE, rate).await, "half of it is back");
        trial.runtime.sleep(Duration::from_secs(2)).await;
        let at_once = join_all((0..50).map(|_| is_admitted(&trial.ends[1], ALICE, rate))).await;
        let admitted = at_once.into_iter().filter(|it| *it).count();
        assert!((2..10).contains(&admitted), "{admitted}");
    }

    /// Looking takes nothing, and sees what others took.
    async fn to_look_takes_nothing(trial) {
        let rate = rate(1, LONG);
        for _ in 0..5 {
            assert_eq!(trial.ends[0].check(ALICE, rate).await.unwrap(), Admission::Admitted);
        }

        assert!(is_admitted(&trial.ends[0], ALICE, rate).await);

        let seen = trial.ends[1].check(ALICE, rate).await.unwrap();
        assert!(matches!(seen, Admission::Wait(_)), "{seen:?}");
    }

    /// Other kinds, and others of the same kind, have counts of their own.
    async fn kinds_and_keys_do_not_mind_each_other(trial) {
        let rate = rate(1, LONG);
        for other in [ALICE, BOB, key("code", 1)] {
            assert!(is_admitted(&trial.ends[0], other, rate).await, "{other:?}");
            assert!(!is_admitted(&trial.ends[1], other, rate).await, "{other:?}");
        }
    }

    /// Of many that come at once to both nodes no more pass than may.
    async fn of_many_at_once_no_more_pass_than_may(trial) {
        let rate = rate(10, LONG);
        let many = (0..100).map(|n| is_admitted(&trial.ends[n % 2], ALICE, rate));

        let admitted = join_all(many).await.into_iter().filter(|it| *it).count();

        assert_eq!(admitted, 10);
    }

    /// What was counted stays counted when the rate is changed.
    async fn another_rate_forgets_nothing(trial) {
        while is_admitted(&trial.ends[0], ALICE, rate(3, LONG)).await {}

        assert!(!is_admitted(&trial.ends[1], ALICE, rate(6, LONG)).await);
        assert!(!is_admitted(&trial.ends[1], ALICE, rate(1, LONG)).await);
        let soon = rate(100, Duration::from_millis(100));
        assert!(!is_admitted(&trial.ends[1], ALICE, soon).await);
    }

    /// Failures add up over the nodes; during a lock nothing is right, and nothing counts.
    async fn failures_on_several_nodes_lock_on_all(trial) {
        let rule = rule(3, LONG);
        for end in [0, 1, 0] {
            assert_eq!(wrong(trial, end, rule).await, Verdict::Wrong);
        }

        for end in [0, 1] {
            assert_eq!(right(trial, end, rule).await, Verdict::Locked);
            assert_eq!(wrong(trial, end, rule).await, Verdict::Locked);
        }
        let bob = trial.ends[0].judge(BOB, rule, true).await.unwrap();
        assert_eq!(bob, Verdict::Right, "another is not locked");
    }

    /// Who is right on one node has no failures left on any.
    async fn who_is_right_begins_anew(trial) {
        let rule = rule(3, LONG);
        for _ in 0..3 {
            wrong(trial, 0, rule).await;
            wrong(trial, 0, rule).await;
            assert_eq!(right(trial, 1, rule).await, Verdict::Right);
        }
    }

    /// Each failure after a lock locks for twice as long, up to the longest; and a lock ends.
    async fn a_lock_grows_and_ends(trial) {
        let first = Duration::from_millis(60);
        let rule = rule(2, first);
        wrong(trial, 1, rule).await;
        let (mut begun, _) = fails_again(trial, rule).await;

        // A slow machine makes spans longer alone.
        for least in [1, 2, 4, 4] {
            let (next, after) = fails_again(trial, rule).await;
            let span = after - begun + Duration::from_millis(1);
            assert!(span >= first * least, "{span:?} of {least}");
            begun = next;
        }
    }

    /// Failures are forgotten when there was none for a while.
    async fn failures_of_long_ago_are_forgotten(trial) {
        let rule = LockRule {
            memory: Duration::from_millis(100),
            ..rule(2, LONG)
        };
        for _ in 0..3 {
            assert_eq!(wrong(trial, 0, rule).await, Verdict::Wrong);
            trial.runtime.sleep(Duration::from_millis(150)).await;
        }
    }

    /// What is forgotten on purpose is forgotten on every node.
    async fn a_lock_is_lifted_on_all_nodes(trial) {
        let rule = rule(1, LONG);
        wrong(trial, 0, rule).await;
        assert_eq!(right(trial, 1, rule).await, Verdict::Locked);

        trial.ends[1].forget(ALICE).await.unwrap();

        assert_eq!(right(trial, 0, rule).await, Verdict::Right);
    }

    /// A lock is for whom it was made, and nobody else lifts it: also where two keys have one place.
    async fn a_lock_is_nobody_elses(trial) {
        let rule = rule(1, LONG);
        let mut of = ALICE.of;
        of[8..].fill(9);
        let mallory = AttemptKey { of, ..ALICE };
        let end = &trial.ends[0];
        wrong(trial, 0, rule).await;

        assert_eq!(end.judge(mallory, rule, true).await.unwrap(), Verdict::Right);
        assert_eq!(end.judge(mallory, rule, false).await.unwrap(), Verdict::Wrong);
        end.forget(mallory).await.unwrap();

        assert_eq!(right(trial, 1, rule).await, Verdict::Locked);
    }

    /// Of many wrong attempts at once as many count as lock, and no more.
    async fn of_many_failures_at_once_no_more_count_than_lock(trial) {
        let rule = rule(10, LONG);
        let many = (0..100).map(|n| wrong(trial, n % 2, rule));

        let counted = join_all(many).await.into_iter().filter(|it| *it == Verdict::Wrong);

        assert_eq!(counted.count(), 10);
    }
}
