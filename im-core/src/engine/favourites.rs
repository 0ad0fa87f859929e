//! Messages that users want to find again: pointers, looked up when they are listed.

use std::sync::Arc;

use super::{Engine, page::bytes_of, registry::SessionEntry};
use crate::{
    Actor, AddFavourite, Body, Code, ConversationId, Done, Entry, Favourite, FavouriteItem,
    FavouritePage, ListFavourites, Own, OwnKey, OwnKind, OwnRow, Rejection, RemoveFavourite, Seq,
    port::OwnWrite,
};

impl Engine {
    pub(super) async fn add_favourite(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: AddFavourite,
    ) -> Result<OwnRow, Rejection> {
        let (id, seq) = (ask.conversation, ask.seq);
        let entry = self.visible_entry(actor, id, seq).await?;
        check_message(entry.as_ref())?;
        let key = Favourite::key(id, seq);
        let place = OwnKey::new(OwnKind::Favourite, key.clone());
        if let Some(row) = self.own_row(&actor.user, place).await? {
            return Ok(row);
        }
        let most = self.limits().favourites_per_user;
        let count = self.ports.own.count(&actor.user, OwnKind::Favourite);
        if count.await? >= most {
            let detail = format!("one can have at most {most} favourites; remove another first");
            return Err(Rejection::new(Code::TooMany, detail));
        }
        let favourite = Own::Favourite(Favourite {
            conversation: id,
            seq,
            at_ms: self.ports.runtime.now(),
        });
        let write = OwnWrite::put(actor.user.clone(), key, favourite);
        self.write_one(session, write).await
    }

    pub(super) async fn remove_favourite(
        &self,
        actor: &Actor,
        session: Option<&Arc<SessionEntry>>,
        ask: RemoveFavourite,
    ) -> Result<Done, Rejection> {
        let key = Favourite::key(ask.conversation, ask.seq);
        let key = OwnKey::new(OwnKind::Favourite, key);
        self.remove_one(actor, session, key).await
    }

    pub(super) async fn favourites(
        &self,
        actor: &Actor,
        ask: ListFavourites,
    ) -> Result<FavouritePage, Rejection> {
        let page = self
            .own_page(&actor.user, OwnKind::Favourite, ask.after, ask.limit)
            .await?;
        let (mut items, mut bytes) = (Vec::new(), 0);
        let count = page.items.len();
        for row in page.items {
            let Some(Own::Favourite(favourite)) = row.value else {
                continue;
            };
            let Favourite {
                conversation,
                seq,
                at_ms,
            } = favourite;
            let entry = self.visible_entry(actor, conversation, seq).await;
            let entry = match entry {
                Ok(entry) => entry,
                Err(rejection) if rejection.code == Code::NotFound => None,
                Err(rejection) => return Err(rejection),
            };
            bytes += bytes_of(&entry);
            items.push(FavouriteItem {
                conversation,
                seq,
                at_ms,
                entry,
            });
            if bytes >= self.limits().page_bytes && items.len() < count {
                return Ok(FavouritePage {
                    items,
                    next_cursor: Some(row.key),
                    done: false,
                });
            }
        }
        Ok(FavouritePage {
            items,
            next_cursor: page.next_cursor,
            done: page.done,
        })
    }

    /// An entry as a present or former member sees it now; `None` where it sees none.
    pub(super) async fn visible_entry(
        &self,
        actor: &Actor,
        id: ConversationId,
        seq: Seq,
    ) -> Result<Option<Entry>, Rejection> {
        Ok(self.seen(actor, id, vec![seq]).await?.pop())
    }
}

fn check_message(entry: Option<&Entry>) -> Result<(), Rejection> {
    match entry.map(|entry| &entry.body) {
        Some(Body::Message(_)) => Ok(()),
        Some(Body::RecalledMessage { .. }) => {
            Err(Rejection::new(Code::Recalled, "the message was recalled"))
        }
        _ => Err(Rejection::not_found("message")),
    }
}
