//! What is found without reading a log: what is attached to messages, threads, pins, hits of a search, who is kept out.

use std::{collections::BTreeMap, fmt::Debug};

use im_core::{
    Content, GetMessages, ListAnnotations, ListBans, ListEdits, ListFavourites, ListMarkers,
    ListRequests, ListThread, Permission, SearchMessages, Seq,
};

use crate::{
    ops::USERS,
    rules::Expect,
    truth::{Marks, SLACK_MS, Truth},
    world::{World, conversation, user},
};

impl World {
    /// Of one user in one conversation.
    pub(crate) fn check_found(&self, n: usize, at: usize, truth: &Truth) {
        let me = user(n);
        let Some((since, _)) = truth.window(&me).filter(|_| truth.is_in(&me)) else {
            return;
        };
        let seqs: Vec<Seq> = (since..=truth.head()).take(100).map(Seq).collect();
        self.check_marks(n, at, truth, &seqs);
        self.check_hits(n, at, truth, since);
        self.check_kept_out(n, at, truth);
        let conversation = conversation(at);
        let mine = truth.unread_after(since - 1).map(Seq);
        for target in mine {
            // Refused to who neither said it nor keeps order.
            self.check_gone(&self.call(
                n,
                ListEdits {
                    conversation,
                    target,
                },
            ));
        }
        for target in truth
            .recalled
            .iter()
            .chain(&truth.expired)
            .map(|seq| Seq(*seq))
        {
            self.check_gone(&self.call(
                n,
                ListEdits {
                    conversation,
                    target,
                },
            ));
        }
        let got = self.call(n, GetMessages { conversation, seqs });
        self.check_gone(&got);
        for entry in got.unwrap().items {
            assert_eq!(
                Some(entry.body),
                self.shown(n, at, truth, entry.seq.0),
                "message.get"
            );
        }
        let favourites = self.call(
            n,
            ListFavourites {
                after: None,
                limit: None,
            },
        );
        self.check_gone(&favourites);
    }

    /// Law 7: nothing of what was taken back, or whose time was over, is in an answer.
    pub(crate) fn check_gone(&self, answer: &impl Debug) {
        let said = format!("{answer:?}");
        for text in self.ground.banned.lock().unwrap().stored.iter() {
            assert!(!said.contains(text), "law 7: {text} came back in {said}");
        }
    }

    /// What somebody may see of a message: as what is to be passed on or kept.
    pub(crate) fn sight(&self, n: usize, at: usize, seq: u64) -> Expect {
        let truth = self.truth(at);
        let is_within = truth
            .window(&user(n))
            .is_some_and(|(since, left)| since <= seq && left.is_none_or(|left| seq <= left));
        match self.shown(n, at, &truth, seq).filter(|_| is_within) {
            Some(im_core::Body::Message(_)) => Expect::Append,
            Some(im_core::Body::RecalledMessage { .. }) => Expect::Refuse(im_core::Code::Recalled),
            _ => Expect::Refuse(im_core::Code::NotFound),
        }
    }

    fn check_marks(&self, n: usize, at: usize, truth: &Truth, seqs: &[Seq]) {
        let ask = ListAnnotations {
            conversation: conversation(at),
            seqs: seqs.to_vec(),
        };
        let found = self.call(n, ask).unwrap().items;
        let me = user(n);
        let (mut reactions, mut votes, mut threads) =
            (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        for item in found {
            let seq = item.seq.0;
            for one in item.reactions {
                reactions.insert((seq, one.emoji), (one.count, one.mine));
            }
            for one in item.votes {
                votes.insert((seq, one.option), (one.count, one.mine));
            }
            if let Some(thread) = item.thread {
                threads.insert(seq, (thread.count, thread.last.0));
            }
        }
        assert_eq!(
            reactions,
            counted(&truth.reactions, seqs, &me),
            "reactions for {me}"
        );
        assert_eq!(votes, counted(&truth.votes, seqs, &me), "votes for {me}");
        for (root, said) in &truth.threads {
            if seqs.contains(&Seq(*root)) {
                let (count, last) = threads[root];
                let is_all = count >= said.len() as u64 && last >= *said.last().unwrap();
                assert!(is_all, "{count} in the thread of {root}, up to {last}");
            }
        }
        for (root, (count, _)) in threads {
            self.check_thread(n, at, truth, root, count);
        }
        for (target, emoji) in reactions.into_keys() {
            let who = &truth.reactions[&(target, emoji.clone())];
            self.check_markers(n, at, (target, Some(emoji), None), who.iter());
        }
        for (target, option) in votes.into_keys() {
            let who = &truth.votes[&(target, option)];
            self.check_markers(n, at, (target, None, Some(option)), who.iter());
        }
    }

    fn check_markers<'a>(
        &self,
        n: usize,
        at: usize,
        (target, emoji, option): (u64, Option<String>, Option<u32>),
        expected: impl Iterator<Item = &'a im_core::UserId>,
    ) {
        let ask = ListMarkers {
            conversation: conversation(at),
            target: Seq(target),
            emoji,
            option,
            after: None,
            limit: None,
        };
        let found = self.call(n, ask).unwrap().items;
        let expected: Vec<_> = expected.cloned().collect();
        assert_eq!(found, expected, "markers of {target}");
    }

    /// Messages whose content is gone count in a thread; the log does not tell to which they belonged.
    fn check_thread(&self, n: usize, at: usize, truth: &Truth, root: u64, count: u64) {
        let ask = ListThread {
            conversation: conversation(at),
            root: Seq(root),
            after_seq: None,
            limit: None,
        };
        let page = self.call(n, ask);
        self.check_gone(&page);
        let found: Vec<_> = page
            .unwrap()
            .items
            .iter()
            .map(|entry| entry.seq.0)
            .collect();
        let since = truth.window(&user(n)).map_or(u64::MAX, |window| window.0);
        let said = truth.threads.get(&root).into_iter().flatten().copied();
        let live: Vec<_> = said.filter(|seq| *seq >= since).collect();
        let is_gone = |seq: &u64| truth.recalled.contains(seq) || truth.expired.contains(seq);
        let stands: Vec<_> = found.iter().copied().filter(|seq| !is_gone(seq)).collect();
        assert_eq!(stands, live, "the thread of {root}");
        assert!(found.len() as u64 <= count, "the thread of {root} for {n}");
    }

    /// A search finds what is said now, and nothing else.
    fn check_hits(&self, n: usize, at: usize, truth: &Truth, since: u64) {
        let mut ask = SearchMessages {
            text: Some("/".into()),
            conversation: Some(conversation(at)),
            limit: Some(200),
            ..SearchMessages::default()
        };
        let mut found = Vec::new();
        loop {
            let page = self.call(n, ask.clone()).unwrap();
            self.check_gone(&page);
            found.extend(page.items);
            ask.cursor = page.next_cursor;
            if page.done {
                break;
            }
        }
        let is_text = |body: &im_core::Body| {
            body.as_message()
                .is_some_and(|message| matches!(message.content, Content::Text { .. }))
        };
        let texts = found.iter().filter(|entry| is_text(&entry.body));
        let mut hits: Vec<_> = texts.map(|entry| entry.seq.0).collect();
        hits.reverse();
        let said = truth.entries.iter().filter(|entry| is_text(&entry.body));
        let seen = said
            .map(|entry| entry.seq.0)
            .filter(|seq| *seq >= since && !self.owned.hides(n, at, *seq));
        assert_eq!(hits, seen.collect::<Vec<_>>(), "a search by {n}");
    }

    fn check_kept_out(&self, n: usize, at: usize, truth: &Truth) {
        let me = user(n);
        let conversation = conversation(at);
        let (after, limit) = (None, None);
        if truth.allows(&me, Permission::RemoveMembers) {
            let now = self.now();
            let clear = |until: i64| (until - now).abs() > SLACK_MS;
            let page = self
                .call(
                    n,
                    ListBans {
                        conversation,
                        after,
                        limit,
                    },
                )
                .unwrap();
            let listed = page.items.into_iter().map(|ban| (ban.user, ban.until_ms.0));
            let listed: Vec<_> = listed.filter(|(_, until)| clear(*until)).collect();
            let standing = truth.banned.clone().into_iter();
            let standing = standing.filter(|(_, until)| clear(*until) && *until > now);
            assert_eq!(listed, standing.collect::<Vec<_>>(), "bans");
        }
        if truth.allows(&me, Permission::Admit) {
            let ask = ListRequests {
                conversation,
                after: None,
                limit,
            };
            let page = self.call(n, ask).unwrap().items;
            let listed: Vec<_> = page.into_iter().map(|request| request.user).collect();
            let asked = (0..USERS).filter(|who| self.doors.asked.contains(&(at, *who)));
            assert_eq!(listed, asked.map(user).collect::<Vec<_>>(), "requests");
        }
    }
}

/// How often each thing is attached, and whether by this user.
fn counted<T: Clone + Ord>(
    marks: &Marks<T>,
    seqs: &[Seq],
    me: &im_core::UserId,
) -> BTreeMap<(u64, T), (u64, bool)> {
    let standing = marks
        .iter()
        .filter(|((seq, _), who)| seqs.contains(&Seq(*seq)) && !who.is_empty());
    standing
        .map(|(what, who)| (what.clone(), (who.len() as u64, who.contains(me))))
        .collect()
}
