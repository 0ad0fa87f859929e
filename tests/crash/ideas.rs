//! What devices ask for while they put load on the server.

use crate::{
    device::{Device, Door},
    world::{Answer, Ask, Kind, OPEN_GROUP, comes_and_goes},
};

impl Device {
    /// Makes up the next request and returns its client id.
    pub(crate) fn think_of_something(&mut self) -> String {
        self.number += 1;
        let client_id = format!("{}-{}", self.name, self.number);
        let (conversation, kind) = self.idea(&client_id);
        let ask = Ask {
            conversation,
            user: self.user.clone(),
            device: self.name.clone(),
            number: self.number,
            kind,
            answer: Answer::Open,
            was_deferred: false,
        };
        self.world.borrow_mut().asks.insert(client_id.clone(), ask);
        self.unanswered.push(client_id.clone());
        client_id
    }

    fn idea(&mut self, client_id: &str) -> (usize, Kind) {
        let comes_and_goes = comes_and_goes(&self.user);
        let text = format!("{} {client_id}", "la ".repeat(1 + self.random.below(40)));
        let dice = self.random.below(100);
        if comes_and_goes && self.door == Door::Out && dice < 30 {
            self.door = Door::Changing;
            return (OPEN_GROUP, Kind::Join);
        }
        if comes_and_goes && self.door == Door::In && dice < 5 {
            self.door = Door::Changing;
            return (OPEN_GROUP, Kind::Leave);
        }
        if dice >= 85 && !self.own.is_empty() {
            let at = self.random.below(self.own.len());
            if dice >= 95 {
                let (conversation, seq) = self.own.swap_remove(at);
                return (conversation, Kind::Recall(seq));
            }
            let (conversation, seq) = self.own[at];
            return (conversation, Kind::Edit(seq, text));
        }
        let rooms: &[usize] = match self.user.as_str() {
            "ann" | "ben" => &[0, 2, 3],
            "cat" | "dan" => &[1, 2, 3],
            _ if self.door == Door::In => &[2, 3],
            _ => &[2],
        };
        (rooms[self.random.below(rooms.len())], Kind::Message(text))
    }
}
