//! What a device makes of what comes over its link.

use std::{collections::BTreeMap, time::Duration};

use serde_json::Value;

use super::{Device, Door, End, Link, Waiting};
use crate::{
    Violation,
    log::Seen,
    world::{Answer, Kind, comes_and_goes},
};

/// The pause before something that was refused for a while is asked again.
const LATER: Duration = Duration::from_millis(20);

impl Device {
    pub(super) async fn take(&mut self, link: &mut Link, mut frame: Value) -> Result<(), End> {
        let Some(id) = frame["id"].as_u64() else {
            return self.pushed(link, &frame).await;
        };
        match link.waiting.remove(&id) {
            Some(Waiting::Ask(client_id)) => self.answered(link, client_id, &frame).await,
            Some(Waiting::Sync) if self.is_refused_for_a_while(&frame) => {
                tokio::time::sleep(LATER).await;
                self.pull(link).await
            }
            Some(Waiting::Sync) => {
                self.pulled(link, frame["result"].take(), &frame["error"])
                    .await
            }
            Some(Waiting::History(conversation)) => {
                link.fetching.remove(&conversation);
                if self.is_refused_for_a_while(&frame) {
                    tokio::time::sleep(LATER).await;
                    return self.fetch(link, conversation).await;
                }
                for entry in frame["result"]["items"].as_array().into_iter().flatten() {
                    self.entry(entry, None)?;
                }
                // Who has left meanwhile is refused, and there is nothing for it to fetch.
                if frame["result"]["done"] == false {
                    self.fetch(link, conversation).await?;
                }
                Ok(())
            }
            None => Err(format!("a reply to nothing: {frame}").into()),
        }
    }

    async fn pushed(&mut self, link: &mut Link, frame: &Value) -> Result<(), End> {
        let params = &frame["params"];
        let method = frame["method"].as_str().unwrap_or_default();
        let gap = match method {
            "message.stored" | "entry.appended" => self.entry(params, None)?,
            "head.moved" => self
                .world
                .borrow()
                .conversation_at(params["conversation"].as_str().unwrap_or_default()),
            "session.closing" => return Err(End::Gone),
            "sync.needed" if link.have.is_none() => return self.pull(link).await,
            _ if frame["error"].is_object() => return Err(format!("refused: {frame}").into()),
            _ => None,
        };
        match gap {
            Some(conversation) if link.have.is_some() => {
                link.dirty.insert(conversation);
                Ok(())
            }
            Some(conversation) => self.fetch(link, conversation).await,
            None => Ok(()),
        }
    }

    async fn pulled(&mut self, link: &mut Link, page: Value, error: &Value) -> Result<(), End> {
        if page.is_null() || page["reset"] == true {
            return Err(format!("sync said {page} {error}").into());
        }
        let have = link.have.take().unwrap_or_default();
        for item in page["items"].as_array().into_iter().flatten() {
            for entry in item["entries"].as_array().into_iter().flatten() {
                let Some(gap) = self.entry(entry, Some(&have))? else {
                    continue;
                };
                let (last, asked) = (self.world.borrow().last_of(&self.name, gap), have.get(&gap));
                if last == 0 {
                    // Who has nothing is given the last few: what is before them is history to look up.
                    link.dirty.insert(gap);
                    break;
                }
                return Err(format!(
                    "sync left a gap in conversation {gap} after {last} before {entry}; asked for what is after \
                     {asked:?}, and got {item}"
                )
                .into());
            }
        }
        self.cursor = page["cursor"].as_str().map(str::to_owned);
        if page["done"] == false {
            return self.pull(link).await;
        }
        for conversation in std::mem::take(&mut link.dirty) {
            self.fetch(link, conversation).await?;
        }
        Ok(())
    }

    /// Takes an entry in, when it is the next one. Returns its conversation when one before it is missing.
    fn entry(
        &self,
        entry: &Value,
        have: Option<&BTreeMap<usize, u64>>,
    ) -> Result<Option<usize>, Violation> {
        let mut world = self.world.borrow_mut();
        let world = &mut *world;
        let place = world.conversation_at(entry["conversation"].as_str().unwrap_or_default());
        let (Some(conversation), Some(seq)) = (place, entry["seq"].as_u64()) else {
            return Err(format!("an entry of nowhere: {entry}"));
        };
        let seen = Seen::new(entry);
        let is_back = seen.kind == "joined" && seen.sender == self.user;
        let Some(log) = world
            .seen
            .get_mut(&self.name)
            .map(|seen| &mut seen.logs[conversation])
        else {
            return Err("it is nobody".to_owned());
        };
        if seq <= log.last() {
            let known = have
                .and_then(|have| have.get(&conversation))
                .is_some_and(|have| seq <= *have);
            return if known {
                Err(format!("sync repeats {entry}"))
            } else {
                Ok(None)
            };
        }
        if seq == log.last() + 1 || is_back {
            log.take(seq, seen);
            world.reached(conversation, seq);
            world
                .gaps
                .arrived(entry["at_ms"].as_u64().unwrap_or_default());
            return Ok(None);
        }
        Ok(Some(conversation))
    }

    async fn answered(
        &mut self,
        link: &mut Link,
        client_id: String,
        frame: &Value,
    ) -> Result<(), End> {
        if self.is_refused_for_a_while(frame) {
            if let Some(ask) = self.world.borrow_mut().asks.get_mut(&client_id) {
                ask.was_deferred = true;
            }
            tokio::time::sleep(LATER).await;
            return self.ask(link, &client_id).await;
        }
        let code = &frame["error"]["data"]["code"];
        let answer = match (frame["result"]["seq"].as_u64(), code.as_str()) {
            (Some(seq), _) => Answer::Stored(seq),
            (None, Some(code)) => Answer::Refused(code.to_owned()),
            (None, None) => return Err(format!("{client_id} is answered {frame}").into()),
        };
        self.unanswered.retain(|one| *one != client_id);
        let mut world = self.world.borrow_mut();
        world.answered(&client_id, answer.clone())?;
        let ask = &world.asks[&client_id];
        match (&ask.kind, answer) {
            (Kind::Message(_), Answer::Stored(seq)) => self.own.push((ask.conversation, seq)),
            // What is asked again later may come after having left.
            (Kind::Message(_), _) if ask.was_deferred && comes_and_goes(&self.user) => {}
            (Kind::Message(_), _) => return Err(format!("{client_id} was refused: {frame}").into()),
            (Kind::Join, Answer::Stored(_)) => self.door = Door::In,
            (Kind::Leave, Answer::Stored(_)) => self.door = Door::Out,
            (Kind::Join | Kind::Leave, _) => {
                return Err(format!("{client_id} was refused: {frame}").into());
            }
            (Kind::Edit(..) | Kind::Recall(_), _) => {}
        }
        Ok(())
    }

    /// Whether the server said: not now. Notes why.
    fn is_refused_for_a_while(&self, frame: &Value) -> bool {
        let error = &frame["error"]["data"];
        let is_so = error["retryable"] == true;
        if is_so {
            let code = error["code"].as_str().unwrap_or("no code");
            let mut world = self.world.borrow_mut();
            world.deferrals.add(code);
        }
        is_so
    }
}
