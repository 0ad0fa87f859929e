//! Which devices of a user are remembered when another one comes.

use super::Device;
use crate::DeviceId;

/// Room for the devices of one user.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Room {
    /// How many are remembered; at least 1 counts.
    pub most: usize,
    /// Which of them cannot be forgotten, because they have a session.
    pub staying: Vec<DeviceId>,
}

impl Room {
    /// Which of the devices that are `known` have to be forgotten so that another one has room: those that were longest
    /// away. `None` when too few of them can be.
    #[must_use]
    pub fn for_another(&self, known: &[Device]) -> Option<Vec<DeviceId>> {
        let excess = (known.len() + 1).saturating_sub(self.most.max(1));
        let mut away: Vec<&Device> = known
            .iter()
            .filter(|device| !self.staying.contains(&device.id))
            .collect();
        if away.len() < excess {
            return None;
        }
        away.sort_by(|a, b| (a.last_seen_ms, &a.id).cmp(&(b.last_seen_ms, &b.id)));
        let going = away.into_iter().take(excess);
        Some(going.map(|device| device.id.clone()).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DeviceClass, Timestamp, UserId};

    fn known(last_seen: &[(&str, i64)]) -> Vec<Device> {
        let device = |(id, at): &(&str, i64)| Device {
            user: UserId::new("alice").unwrap(),
            id: id_of(id),
            class: DeviceClass::Web,
            created_at_ms: Timestamp(0),
            last_seen_ms: Timestamp(*at),
        };
        last_seen.iter().map(device).collect()
    }

    fn id_of(text: &str) -> DeviceId {
        DeviceId::new(text).unwrap()
    }

    fn going(most: usize, staying: &[&str]) -> Option<Vec<DeviceId>> {
        let room = Room {
            most,
            staying: staying.iter().map(|id| id_of(id)).collect(),
        };
        room.for_another(&known(&[("a", 3), ("b", 1), ("c", 2)]))
    }

    #[test]
    fn those_that_were_longest_away_make_room() {
        assert_eq!(going(4, &[]), Some(vec![]));
        assert_eq!(going(3, &[]), Some(vec![id_of("b")]));
        assert_eq!(going(2, &[]), Some(vec![id_of("b"), id_of("c")]));
        let all = vec![id_of("b"), id_of("c"), id_of("a")];
        assert_eq!(going(1, &[]), Some(all.clone()));
        assert_eq!(going(0, &[]), Some(all), "one is always remembered");
    }

    #[test]
    fn who_has_a_session_stays_and_where_all_have_nobody_can_come() {
        assert_eq!(going(3, &["b"]), Some(vec![id_of("c")]));
        assert_eq!(going(2, &["b", "gone"]), Some(vec![id_of("c"), id_of("a")]));
        assert_eq!(going(3, &["a", "b", "c"]), None);
        assert_eq!(going(1, &["a"]), None);
    }
}
