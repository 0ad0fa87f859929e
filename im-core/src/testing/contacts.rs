//! Blocks.

use super::{UNUSUAL_IDS, race, user};
use crate::{Block, port::Ports};

fn block(id: &str, blocked: bool) -> Block {
    Block {
        user: user(id),
        blocked,
    }
}

async fn blocks(ports: &Ports, by: &str) -> Vec<(String, bool)> {
    let rows = ports.contacts.blocks(&user(by)).await.unwrap();
    rows.into_iter()
        .map(|row| (row.block.user.to_string(), row.block.blocked))
        .collect()
}

suite! { contact_store_suite in contacts:
    /// A block stands until it is lifted, and a lifted one stays in the list.
    async fn a_lifted_block_is_remembered(ports) {
        let alice = user("alice");
        assert!(ports.contacts.set_block(&alice, block("eve", true)).await.unwrap());
        assert_eq!(blocks(ports, "alice").await, [("eve".into(), true)]);
        assert!(ports.contacts.set_block(&alice, block("eve", false)).await.unwrap());
        assert_eq!(blocks(ports, "alice").await, [("eve".into(), false)]);
        assert!(ports.contacts.set_block(&alice, block("eve", true)).await.unwrap());
        assert_eq!(blocks(ports, "alice").await, [("eve".into(), true)]);
        assert_eq!(blocks(ports, "eve").await, []);
    }

    /// Saying it again changes nothing.
    async fn only_a_change_raises_the_version(ports) {
        let alice = user("alice");
        assert!(ports.contacts.set_block(&alice, block("eve", true)).await.unwrap());
        let version = ports.users.version(&alice).await.unwrap();
        assert_eq!(ports.contacts.blocks(&alice).await.unwrap()[0].version, version);

        assert!(!ports.contacts.set_block(&alice, block("eve", true)).await.unwrap());
        assert_eq!(ports.users.version(&alice).await.unwrap(), version);
        assert!(ports.contacts.set_block(&alice, block("eve", false)).await.unwrap());
        assert!(ports.users.version(&alice).await.unwrap() > version);
        assert_eq!(ports.users.version(&user("eve")).await.unwrap(), 0);
    }

    /// Lifting what never stood makes no row.
    async fn lifting_what_never_stood_changes_nothing(ports) {
        let alice = user("alice");
        assert!(!ports.contacts.set_block(&alice, block("eve", false)).await.unwrap());
        assert_eq!(ports.contacts.blocks(&alice).await.unwrap(), []);
        assert_eq!(ports.users.version(&alice).await.unwrap(), 0);
    }

    /// In the order of the ids' bytes, whatever they look like.
    async fn blocks_are_listed_by_the_bytes_of_the_id(ports) {
        for id in UNUSUAL_IDS {
            assert!(ports.contacts.set_block(&user("alice"), block(id, true)).await.unwrap());
        }
        let mut expected: Vec<_> = UNUSUAL_IDS.iter().map(|id| ((*id).to_owned(), true)).collect();
        expected.sort();
        assert_eq!(blocks(ports, "alice").await, expected);
    }

    /// Of many who set the same block at once one changed something.
    async fn a_raced_block_changes_something_once(ports) {
        let racers = (0..8).map(|_| {
            let ports = ports.clone();
            async move { ports.contacts.set_block(&user("alice"), block("eve", true)).await.unwrap() }
        });
        let changed = race(ports, racers).await.into_iter().filter(|changed| *changed).count();
        assert_eq!(changed, 1);
        assert_eq!(ports.users.version(&user("alice")).await.unwrap(), 1);
    }
}
