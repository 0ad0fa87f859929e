//! One-time codes.

use super::race;
use crate::{
    Timestamp,
    port::{CODE_TRIES, CodeHash, OneTimeCode, Ports},
};

const NOW: Timestamp = Timestamp(1_000);
const END: Timestamp = Timestamp(2_000);

fn code(id: u8, code: u8) -> OneTimeCode {
    OneTimeCode {
        id: [id; 32],
        code: CodeHash([code; 32]),
        expires_at_ms: END,
    }
}

async fn attempt(ports: &Ports, id: u8, code: u8, now: Timestamp) -> bool {
    let code = CodeHash([code; 32]);
    ports.codes.attempt([id; 32], code, now).await.unwrap()
}

suite! { code_store_suite in codes:
    /// A code works once, for what it was given for.
    async fn a_code_works_once(ports) {
        ports.codes.give(code(1, 10), NOW).await.unwrap();
        assert!(!attempt(ports, 2, 10, NOW).await);
        assert!(!attempt(ports, 1, 11, NOW).await);
        assert!(attempt(ports, 1, 10, NOW).await);
        assert!(!attempt(ports, 1, 10, NOW).await);
    }

    /// A code ends with its time.
    async fn a_code_expires(ports) {
        ports.codes.give(code(1, 10), NOW).await.unwrap();
        assert!(!attempt(ports, 1, 10, END).await);
        assert!(attempt(ports, 1, 10, Timestamp(END.0 - 1)).await);
    }

    /// A new code ends the former and its tries.
    async fn a_new_code_replaces_the_former(ports) {
        ports.codes.give(code(1, 10), NOW).await.unwrap();
        assert!(!attempt(ports, 1, 99, NOW).await);
        ports.codes.give(code(1, 20), NOW).await.unwrap();
        for _ in 1..CODE_TRIES {
            assert!(!attempt(ports, 1, 10, NOW).await);
        }
        assert!(attempt(ports, 1, 20, NOW).await);
    }

    /// After too many wrong tries the right code is as wrong as others.
    async fn tries_are_counted(ports) {
        ports.codes.give(code(1, 10), NOW).await.unwrap();
        for _ in 0..CODE_TRIES {
            assert!(!attempt(ports, 1, 11, NOW).await);
        }
        assert!(!attempt(ports, 1, 10, NOW).await);
    }

    /// Expired codes of others go when one is given; good ones stay.
    async fn expired_codes_are_forgotten(ports) {
        ports.codes.give(code(1, 10), NOW).await.unwrap();
        ports.codes.give(code(2, 20), NOW).await.unwrap();
        let later = OneTimeCode { expires_at_ms: Timestamp(9_000), ..code(3, 30) };
        ports.codes.give(later, END).await.unwrap();
        assert!(!attempt(ports, 1, 10, NOW).await, "even by a clock that goes backwards");
        assert!(attempt(ports, 3, 30, END).await);
    }

    /// Of many who try the right code at once one gets in, and wrong tries at once are all counted.
    async fn raced_tries_are_one_after_the_other(ports) {
        ports.codes.give(code(1, 10), NOW).await.unwrap();
        let racers = (0..5).map(|_| {
            let ports = ports.clone();
            async move { attempt(&ports, 1, 10, NOW).await }
        });
        let ends = race(ports, racers).await;
        assert_eq!(ends.into_iter().filter(|right| *right).count(), 1);

        ports.codes.give(code(2, 10), NOW).await.unwrap();
        let racers = (0..CODE_TRIES).map(|_| {
            let ports = ports.clone();
            async move { attempt(&ports, 2, 11, NOW).await }
        });
        race(ports, racers).await;
        assert!(!attempt(ports, 2, 10, NOW).await);
    }
}
