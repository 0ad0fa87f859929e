//! Checks of real names.

use super::{race, user};
use crate::{
    Timestamp,
    port::{RealName, RealNameState},
};

fn checked(state: RealNameState, n: u8) -> RealName {
    RealName {
        state,
        evidence: [n; 32],
        at_ms: Timestamp(n.into()),
    }
}

suite! { real_name_store_suite in real_names:
    /// A check reads back, and goes from state to state as its writer knows it.
    async fn a_check_changes_from_the_state_that_stands(ports) {
        use RealNameState::{Pending, Rejected, Verified};
        let alice = user("alice");
        assert_eq!(ports.real_names.real_name(&alice).await.unwrap(), None);
        let set = async |from, to| ports.real_names.set_real_name(&alice, from, to).await.unwrap();

        assert!(!set(Some(Pending), checked(Verified, 1)).await, "there is none yet");
        assert!(set(None, checked(Pending, 2)).await);
        assert!(!set(None, checked(Pending, 3)).await);
        assert!(set(Some(Pending), checked(Rejected, 4)).await);
        assert!(set(Some(Rejected), checked(Verified, 5)).await);

        assert_eq!(ports.real_names.real_name(&alice).await.unwrap(), Some(checked(Verified, 5)));
        assert_eq!(ports.real_names.real_name(&user("bob")).await.unwrap(), None);
    }

    /// Of many who change a check at once one does.
    async fn a_raced_check_changes_once(ports) {
        for from in [None, Some(RealNameState::Pending)] {
            let racers = (1..6).map(|n| {
                let ports = ports.clone();
                let to = match from {
                    None => checked(RealNameState::Pending, n),
                    Some(_) => checked(RealNameState::Verified, n),
                };
                async move { ports.real_names.set_real_name(&user("alice"), from, to).await.unwrap() }
            });
            let ends = race(ports, racers).await;
            assert_eq!(ends.into_iter().filter(|done| *done).count(), 1, "{from:?}");
        }
    }
}
