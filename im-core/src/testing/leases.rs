//! Leases.

use uuid::Uuid;

use super::race;
use crate::{Timestamp, port::Ports};

const A: Uuid = Uuid::from_u128(1);
const B: Uuid = Uuid::from_u128(2);

async fn take(ports: &Ports, holder: Uuid, now: i64, until: i64) -> bool {
    let (now, until) = (Timestamp(now), Timestamp(until));
    ports
        .leases
        .take("house", holder, now, until)
        .await
        .unwrap()
}

suite! { lease_store_suite in leases:
    /// Until its time is over only the holder is told that it has it.
    async fn a_lease_has_one_holder_until_its_time_is_over(ports) {
        assert!(take(ports, A, 100, 200).await);
        assert!(!take(ports, B, 100, 300).await);
        assert!(!take(ports, B, 199, 300).await);
        assert!(take(ports, B, 200, 300).await);
        assert!(!take(ports, A, 299, 400).await);
    }

    /// The holder keeps it longer, also when it asks the same twice.
    async fn its_holder_keeps_it(ports) {
        assert!(take(ports, A, 100, 200).await);
        assert!(take(ports, A, 100, 200).await);
        assert!(take(ports, A, 150, 250).await);
        assert!(!take(ports, B, 249, 300).await);
    }

    /// Who is done gives it back.
    async fn what_is_given_back_is_free(ports) {
        assert!(take(ports, A, 100, 200).await);
        assert!(take(ports, A, 110, 110).await);
        assert!(take(ports, B, 110, 300).await);
    }

    /// Another name is another lease.
    async fn leases_do_not_mind_each_other(ports) {
        assert!(take(ports, A, 100, 200).await);
        let (now, until) = (Timestamp(100), Timestamp(200));
        assert!(ports.leases.take("garden", B, now, until).await.unwrap());
        assert!(!take(ports, B, 100, 200).await);
    }

    /// Of many who want it at once, when it is new and when it has ended, one gets it.
    async fn of_many_who_want_it_one_gets_it(ports) {
        for (now, until) in [(100, 200), (200, 300), (300, 400)] {
            let racers = (10..18).map(|n| {
                let ports = ports.clone();
                async move { take(&ports, Uuid::from_u128(n), now, until).await }
            });
            let won = race(ports, racers).await.into_iter().filter(|won| *won).count();
            assert_eq!(won, 1);
        }
    }
}
