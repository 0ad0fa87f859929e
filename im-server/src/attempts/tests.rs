//! Counts of two nodes, of which the one in common breaks.
#![allow(clippy::unwrap_used)]

use std::sync::atomic::AtomicBool;

use im_core::testing::ManualRuntime;
use im_store::MemoryAttempts;

use super::*;

const RULE: LockRule = LockRule {
    failures: match std::num::NonZeroU32::new(4) {
        Some(failures) => failures,
        None => unreachable!(),
    },
    first: Duration::from_secs(60),
    longest: Duration::from_secs(60 * 60),
    memory: Duration::from_secs(24 * 60 * 60),
};

const RATE: AttemptRate = AttemptRate {
    most: RULE.failures,
    period: Duration::from_secs(4_000),
};

const ALICE: AttemptKey = AttemptKey {
    kind: "sign-in",
    of: [7; 16],
};

/// A count that does not answer while it is away.
struct Away {
    inner: MemoryAttempts,
    is_away: AtomicBool,
}

impl Away {
    fn there(&self) -> Result<&MemoryAttempts, StoreError> {
        if self.is_away.load(Ordering::Relaxed) {
            return Err(StoreError::new("counting", "away"));
        }
        Ok(&self.inner)
    }
}

#[async_trait]
impl Attempts for Away {
    async fn admit(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        self.there()?.admit(key, rate).await
    }

    async fn check(&self, key: AttemptKey, rate: AttemptRate) -> Result<Admission, StoreError> {
        self.there()?.check(key, rate).await
    }

    async fn judge(
        &self,
        key: AttemptKey,
        rule: LockRule,
        is_right: bool,
    ) -> Result<Verdict, StoreError> {
        self.there()?.judge(key, rule, is_right).await
    }

    async fn forget(&self, key: AttemptKey) -> Result<(), StoreError> {
        self.there()?.forget(key).await
    }
}

struct Nodes {
    all: Arc<Away>,
    nodes: [WithOwn; 2],
    runtime: ManualRuntime,
}

impl Nodes {
    fn new() -> Self {
        let runtime = ManualRuntime::default();
        let clock: Arc<dyn Runtime> = Arc::new(runtime.clone());
        let own = || Arc::new(MemoryAttempts::on(clock.clone()));
        let all = Arc::new(Away {
            inner: MemoryAttempts::on(clock.clone()),
            is_away: AtomicBool::new(false),
        });
        let node = || WithOwn::new(all.clone(), own(), clock.clone());
        let nodes = [node(), node()];
        Self {
            all,
            nodes,
            runtime,
        }
    }

    fn part(&self) {
        self.all.is_away.store(true, Ordering::Relaxed);
    }

    fn rejoin(&self) {
        self.all.is_away.store(false, Ordering::Relaxed);
        self.runtime.advance(SILENCE);
    }

    async fn admitted(&self, node: usize) -> usize {
        let mut count = 0;
        while self.nodes[node].admit(ALICE, RATE).await.unwrap() == Admission::Admitted {
            count += 1;
        }
        count
    }

    async fn wrong(&self, node: usize) -> Verdict {
        self.nodes[node].judge(ALICE, RULE, false).await.unwrap()
    }

    async fn right(&self, node: usize) -> Verdict {
        self.nodes[node].judge(ALICE, RULE, true).await.unwrap()
    }
}

#[tokio::test]
async fn what_one_node_admits_the_other_does_not_admit_again() {
    let nodes = Nodes::new();

    assert_eq!((nodes.admitted(0).await, nodes.admitted(1).await), (4, 0));
}

#[tokio::test]
async fn while_the_nodes_are_parted_each_admits_by_its_own_count_alone() {
    let nodes = Nodes::new();
    nodes.part();

    assert_eq!((nodes.admitted(0).await, nodes.admitted(1).await), (4, 4));
    nodes.rejoin();
    assert_eq!(
        nodes.admitted(0).await,
        0,
        "the node knows what it admitted"
    );
}

#[tokio::test]
async fn failures_on_two_nodes_lock_on_both() {
    let nodes = Nodes::new();
    for node in [0, 1, 0, 1] {
        assert_eq!(nodes.wrong(node).await, Verdict::Wrong);
    }

    assert_eq!(nodes.right(0).await, Verdict::Locked);
    assert_eq!(nodes.right(1).await, Verdict::Locked);
    nodes.nodes[0].forget(ALICE).await.unwrap();
    assert_eq!(nodes.right(1).await, Verdict::Right);
}

#[tokio::test]
async fn who_was_right_on_another_node_has_no_failures_left_here() {
    let nodes = Nodes::new();
    for _ in 0..3 {
        for _ in 0..3 {
            assert_eq!(nodes.wrong(0).await, Verdict::Wrong);
        }
        assert_eq!(nodes.right(1).await, Verdict::Right);
    }
}

#[tokio::test]
async fn while_the_nodes_are_parted_nobody_is_locked_out_by_that_and_guessers_still_are() {
    let nodes = Nodes::new();
    nodes.wrong(0).await;
    nodes.wrong(0).await;
    nodes.part();

    assert_eq!(nodes.right(1).await, Verdict::Right);
    assert_eq!(nodes.wrong(0).await, Verdict::Wrong);
    assert_eq!(nodes.wrong(0).await, Verdict::Wrong);
    assert_eq!(
        nodes.right(0).await,
        Verdict::Locked,
        "two before and two after"
    );
    nodes.rejoin();
    assert_eq!(
        nodes.right(0).await,
        Verdict::Right,
        "all nodes together saw two"
    );
}

#[tokio::test]
async fn a_count_that_did_not_answer_is_not_waited_for_again_at_once() {
    let nodes = Nodes::new();
    nodes.part();
    nodes.wrong(0).await;
    nodes.all.is_away.store(false, Ordering::Relaxed);

    nodes.wrong(0).await;
    nodes.rejoin();
    for _ in 0..4 {
        assert_eq!(
            nodes.wrong(0).await,
            Verdict::Wrong,
            "none was counted there"
        );
    }
    assert_eq!(nodes.wrong(0).await, Verdict::Locked);
}

#[test]
fn a_key_tells_nothing_of_a_name_and_is_the_same_on_every_node_of_a_secret() {
    let counted = |secret| Counted::new(&Secret::new(secret), Arc::new(MemoryAttempts::new()));
    let (one, same, other) = (counted("a"), counted("a"), counted("b"));
    let key = one.key("name", "alice");

    assert_eq!(key, same.key("name", "alice"));
    for different in [
        other.key("name", "alice"),
        one.key("name", "bob"),
        one.key("target", "alice"),
    ] {
        assert_ne!(key.of, different.of);
    }
}
