//! What a session takes in: pages of what it missed, pushes, and what it fetches because a push left it out.

use std::sync::Arc;

use super::{
    super::tracker::{Arrival, Tracker},
    Session,
};
use crate::{
    Code, ConversationId, Cursor, Deleted, Entry, Error, History, Positions, Push, SyncPage,
    SyncPull,
};

impl Session {
    /// Takes the next page of what the device missed, one at a time, so that no more than a page waits in memory. After
    /// the last one the device is up to date with its link.
    pub(super) async fn catch_up(&mut self, limit: Option<u32>) -> Result<(), Error> {
        let link = self.sender.link().await?;
        if self
            .paging
            .as_ref()
            .is_none_or(|paging| !Arc::ptr_eq(paging, &link))
        {
            // What was looked through may have gone on before this link was there to say so.
            self.tracker.begin_again();
            self.paging = Some(link.clone());
        }
        // First, so that nobody sees it as back for long.
        self.sender.attend_again().await?;
        let pull = SyncPull {
            cursor: Some(self.tracker.cursor().clone())
                .filter(|cursor| *cursor != Cursor::default()),
            have: Positions::new(),
            limit,
        };
        let page = self.sender.call_until_answered(pull).await?;
        let done = page.done;
        self.take_page(page);
        if !done {
            return Ok(());
        }
        self.paging = None;
        // All of it was looked through.
        self.missing.clear();
        let watched = self.sender.watch_again().await;
        // Also what was found out before it failed, or by one that nobody waited for.
        let news = self.sender.presence_news().into_iter();
        self.ready.extend(news.map(Push::Presence));
        watched?;
        let unread = self.sender.count_unread_again().await?;
        self.ready.extend(unread.map(Push::UnreadChanged));
        self.synced = Some(link);
        Ok(())
    }

    fn take_page(&mut self, page: SyncPage) {
        if page.reset {
            self.tracker = Tracker::default();
        }
        if !page.items.is_empty() || !page.blocks.is_empty() || !page.own.is_empty() {
            self.version_before
                .get_or_insert(self.tracker.cursor().version);
        }
        for item in page.items {
            for entry in item.entries {
                self.take(entry);
            }
            // Positions and settings are in no log. Whether they differ from what the program knows, it knows itself.
            if !item.deleted.is_empty() {
                self.ready.push_back(Push::Deleted(Deleted {
                    conversation: item.view.conversation,
                    seqs: item.deleted,
                }));
            }
            let view = Box::new(item.view);
            self.ready.push_back(Push::ConversationChanged(view));
        }
        let blocks = page.blocks.into_iter().map(Push::BlockChanged);
        self.ready.extend(blocks);
        let own = page.own.into_iter().map(Box::new).map(Push::OwnChanged);
        self.ready.extend(own);
        self.tracker.turn_page(page.cursor, page.reset);
    }

    /// Takes an entry in, unless the device has it.
    fn take(&mut self, entry: Entry) {
        if self.tracker.take(&entry) {
            self.sender.stored(&entry);
            self.ready.push_back(Push::Entry(entry));
        }
    }

    pub(super) fn arrived(&mut self, push: Push) {
        match push {
            Push::Entry(entry) => match self.tracker.arrival(&entry, self.user()) {
                Arrival::Next => self.take(entry),
                Arrival::Old => {}
                Arrival::Gap => {
                    self.missing.insert(entry.conversation);
                }
            },
            Push::HeadMoved(hint) => {
                self.missing.insert(hint.conversation);
            }
            // On the same link, as after a break.
            Push::SyncNeeded(_) => {
                self.synced = None;
                self.paging = None;
            }
            // The link says by itself when it is over, and until when.
            Push::SessionClosing(_) => {}
            Push::UnreadChanged(totals) => {
                self.sender.unread_told(totals);
                self.ready.push_back(Push::UnreadChanged(totals));
            }
            Push::Presence(presence) => {
                self.sender.presence_told(&presence);
                self.ready.push_back(Push::Presence(presence));
            }
            other @ (Push::BlockChanged(_)
            | Push::ConversationChanged(_)
            | Push::OwnChanged(_)
            | Push::Deleted(_)
            | Push::JoinRequested(_)
            | Push::Receipt(_)
            | Push::SaidNow(_)
            | Push::TextGrew(_)
            | Push::Typing(_)) => self.ready.push_back(other),
        }
    }

    /// Brings a page of what is missing in a conversation.
    pub(super) async fn fetch(&mut self, conversation: ConversationId) -> Result<(), Error> {
        let ask = History {
            after_seq: Some(self.tracker.held(conversation)),
            limit: Some(200),
            ..History::of(conversation)
        };
        let done = match self.sender.call_until_answered(ask).await {
            Ok(page) => {
                for entry in page.items {
                    self.take(entry);
                }
                page.done
            }
            // We are not in it any more: there is nothing for us there.
            Err(Error::Rejected(rejection)) if rejection.code == Code::NotFound => true,
            Err(error) => return Err(error),
        };
        if done {
            self.missing.remove(&conversation);
        }
        Ok(())
    }
}
