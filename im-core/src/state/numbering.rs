//! Numbers on what nodes tell each other: by a gap it is noticed that something was lost.

use std::collections::HashMap;

use crate::NodeId;

/// To whom a run of numbers is counted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Run {
    /// What a node says to all.
    ToAll,
    /// What a node says to this one alone.
    ToMe,
}

/// What a number tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// The one after the last.
    Next,
    /// Something before it was lost.
    AfterGap,
    /// It was heard before.
    Again,
}

/// The last number that was heard of each run.
#[derive(Clone, Debug, Default)]
pub struct Numbering {
    last: HashMap<(NodeId, Run), u64>,
}

impl Numbering {
    /// Something came. What a node said to all before it was first heard does not count as lost; what it said to this node
    /// alone begins with 1.
    pub fn heard(&mut self, from: NodeId, run: Run, number: u64) -> Arrival {
        let first = match run {
            Run::ToAll => number.saturating_sub(1),
            Run::ToMe => 0,
        };
        let last = self.last.entry((from, run)).or_insert(first);
        if number <= *last {
            return Arrival::Again;
        }
        let is_next = number == *last + 1;
        *last = number;
        if is_next {
            Arrival::Next
        } else {
            Arrival::AfterGap
        }
    }

    /// A node says how much it has said so far. `true` when some of that was lost.
    pub fn told(&mut self, from: NodeId, run: Run, count: u64) -> bool {
        if count == 0 {
            return false;
        }
        let is_new = !self.last.contains_key(&(from, run));
        let arrival = self.heard(from, run, count);
        arrival != Arrival::Again && !(is_new && run == Run::ToAll)
    }

    /// A node is gone.
    pub fn forget(&mut self, node: NodeId) {
        self.last.retain(|(from, _), _| *from != node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NODE: NodeId = NodeId::from_uuid(uuid::Uuid::from_u128(1));

    #[test]
    fn a_gap_is_noticed_once() {
        let mut numbering = Numbering::default();

        let arrivals = [1, 2, 4, 5, 5, 3].map(|number| numbering.heard(NODE, Run::ToMe, number));

        let expected = [
            Arrival::Next,
            Arrival::Next,
            Arrival::AfterGap,
            Arrival::Next,
            Arrival::Again,
            Arrival::Again,
        ];
        assert_eq!(arrivals, expected);
    }

    #[test]
    fn what_was_said_to_all_before_one_was_there_is_not_lost() {
        let mut numbering = Numbering::default();
        assert_eq!(numbering.heard(NODE, Run::ToAll, 70), Arrival::Next);
        assert_eq!(numbering.heard(NODE, Run::ToAll, 72), Arrival::AfterGap);

        assert_eq!(numbering.heard(NODE, Run::ToMe, 2), Arrival::AfterGap);
    }

    #[test]
    fn the_loss_of_the_last_is_noticed_by_the_count() {
        let mut numbering = Numbering::default();
        numbering.heard(NODE, Run::ToMe, 1);

        assert!(!numbering.told(NODE, Run::ToMe, 1));
        assert!(numbering.told(NODE, Run::ToMe, 3));
        assert!(!numbering.told(NODE, Run::ToMe, 3));
        assert!(
            !numbering.told(NODE, Run::ToAll, 9),
            "it was not there before"
        );
        assert!(!numbering.told(NODE, Run::ToAll, 0));
        assert!(numbering.told(NODE, Run::ToAll, 10));
    }

    #[test]
    fn who_comes_again_begins_anew() {
        let mut numbering = Numbering::default();
        numbering.heard(NODE, Run::ToMe, 5);

        numbering.forget(NODE);

        assert_eq!(numbering.heard(NODE, Run::ToMe, 1), Arrival::Next);
    }
}
