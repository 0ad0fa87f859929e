//! Accounts with passwords.

use super::{UNUSUAL_IDS, race, user};
use crate::{
    Timestamp,
    port::{Account, Created},
};

fn account(id: &str, fingerprint: i64) -> Account {
    Account {
        user: user(id),
        password_hash: format!("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${fingerprint:x}"),
        fingerprint,
        created_at_ms: Timestamp(fingerprint),
    }
}

suite! { account_store_suite in accounts:
    /// An account reads back as it was made.
    async fn an_account_reads_back(ports) {
        assert_eq!(ports.accounts.account(&user("alice")).await.unwrap(), None);
        let made = account("alice", i64::MIN);
        assert_eq!(ports.accounts.create(made.clone()).await.unwrap(), Created::Stored);
        assert_eq!(ports.accounts.account(&user("alice")).await.unwrap(), Some(made));
    }

    /// A taken name stays with who has it, and who asks learns the fingerprint of the request that made it.
    async fn a_taken_name_stays(ports) {
        let first = account("alice", 1);
        ports.accounts.create(first.clone()).await.unwrap();
        assert_eq!(ports.accounts.create(account("alice", 2)).await.unwrap(), Created::Taken(first.clone()));
        assert_eq!(ports.accounts.account(&user("alice")).await.unwrap(), Some(first));
    }

    /// Names that look alike are different names.
    async fn names_that_look_alike_are_different(ports) {
        for (id, n) in UNUSUAL_IDS.iter().zip(0..) {
            assert_eq!(ports.accounts.create(account(id, n)).await.unwrap(), Created::Stored, "{id:?}");
        }
        for (id, n) in UNUSUAL_IDS.iter().zip(0..) {
            assert_eq!(ports.accounts.account(&user(id)).await.unwrap(), Some(account(id, n)));
        }
    }

    /// Of many who want a name at once one gets it, and the others are told who.
    async fn a_raced_name_is_given_once(ports) {
        let racers = (0..8).map(|n| {
            let ports = ports.clone();
            async move { ports.accounts.create(account("alice", n)).await.unwrap() }
        });
        let ends = race(ports, racers).await;
        let stored = ports.accounts.account(&user("alice")).await.unwrap().unwrap();
        assert_eq!(ends.iter().filter(|end| **end == Created::Stored).count(), 1);
        assert!(ends.iter().all(|end| *end == Created::Stored || *end == Created::Taken(stored.clone())));
    }
}
