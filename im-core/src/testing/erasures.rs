//! Erasing users.

use super::{Draft, append_until_stored, device, group, said, user};
use crate::{
    Block, Body, Contact, Content, ConversationId, Device, DeviceClass, Entry, Identifier,
    JoinRequest, Own, OwnKind, Profile, Reaction, Role, Room, RowKey, Seq, SettingsPatch,
    Timestamp, UserId, Vote,
    port::{
        Account, Created, Erasure, Extent, OwnWrite, Ports, Range, RealName, RealNameState,
        Redeemed, RefreshToken, Span,
    },
    state::MarkKind,
};

const NOW: Timestamp = Timestamp(1_000);
const LATER: Timestamp = Timestamp(100_000);

fn account(id: &str) -> Account {
    Account {
        user: user(id),
        password_hash: Some("$argon2id$".into()),
        fingerprint: 1,
        created_at_ms: NOW,
    }
}

/// Everything that a user has beside what it says.
async fn settle(ports: &Ports, id: &str, n: u8) {
    let mail = Identifier::parse(&format!("{id}@example.org")).unwrap();
    ports
        .accounts
        .create(account(id), Some(mail))
        .await
        .unwrap();
    ports
        .users
        .put(Profile::empty(user(id), NOW))
        .await
        .unwrap();
    let check = RealName {
        state: RealNameState::Pending,
        evidence: [n; 32],
        at_ms: NOW,
    };
    ports
        .real_names
        .set_real_name(&user(id), None, check)
        .await
        .unwrap();
    let block = Block {
        user: user("carol"),
        blocked: true,
    };
    ports.contacts.set_block(&user(id), block).await.unwrap();
    for name in ["phone", "laptop", "tablet"] {
        let device = Device {
            user: user(id),
            id: device(name),
            class: DeviceClass::Other,
            created_at_ms: NOW,
            last_seen_ms: NOW,
        };
        let room = Room {
            most: 100,
            staying: Vec::new(),
        };
        ports.devices.remember(device, &room).await.unwrap();
    }
    ports.tokens.insert(token(id, n), NOW).await.unwrap();
    let tablet = Extent::Device(device("tablet"));
    let owner = user(id);
    let revoking = ports.tokens.revoke_user(&owner, &tablet, NOW);
    revoking.await.unwrap();
    let contact = Contact {
        remark: Some("words".into()),
        ..Contact::default()
    };
    let carol = RowKey::from(&user("carol"));
    let write = OwnWrite::put(user(id), carol, Own::Contact(contact));
    ports.own.write(vec![write]).await.unwrap();
}

fn token(id: &str, n: u8) -> RefreshToken {
    RefreshToken {
        hash: [n; 32],
        family: uuid::Uuid::from_u128(n.into()),
        user: user(id),
        device: device("phone"),
        expires_at_ms: LATER,
    }
}

/// Steps until there is nothing left, and says how many it took.
async fn finish(ports: &Ports, who: &UserId, limit: usize) -> usize {
    for n in 1..1_000 {
        if ports.erasures.step(who, limit).await.unwrap() {
            return n;
        }
    }
    panic!("an erasure ends");
}

async fn log(ports: &Ports, at: ConversationId) -> Vec<Entry> {
    ports
        .log
        .read(at, Range::After(Seq::ZERO), 1_000)
        .await
        .unwrap()
}

/// What is said in a log, in its order.
fn texts(entries: &[Entry]) -> Vec<&str> {
    let messages = entries.iter().filter_map(|entry| entry.body.as_message());
    messages
        .filter_map(|message| message.content.as_text())
        .collect()
}

suite! { erasure_store_suite in erasures:
    /// What belongs to a user alone goes with it, and what belongs to others stays.
    async fn what_a_user_owns_is_deleted(ports) {
        settle(ports, "alice", 1).await;
        settle(ports, "bob", 2).await;
        let at = group(ports, &["alice", "bob"]).await.conversation;
        let pin = SettingsPatch { pinned: Some(true), ..SettingsPatch::default() };
        for who in ["alice", "bob"] {
            ports.members.change_settings(&user(who), at, pin.clone(), NOW).await.unwrap();
        }
        let (alice, bob) = (user("alice"), user("bob"));

        ports.erasures.begin(&alice, NOW).await.unwrap();
        assert_eq!(ports.accounts.account(&alice).await.unwrap(), None);
        assert_eq!(ports.users.profiles(std::slice::from_ref(&alice)).await.unwrap(), []);
        finish(ports, &alice, 1).await;

        assert_eq!(ports.accounts.identifiers(&alice).await.unwrap(), []);
        assert_eq!(ports.real_names.real_name(&alice).await.unwrap(), None);
        assert_eq!(ports.contacts.blocks(&alice).await.unwrap(), []);
        assert_eq!(ports.devices.devices(&alice).await.unwrap(), []);
        let contacts = |who| ports.own.list(who, OwnKind::Contact, None, 9);
        assert_eq!(contacts(&alice).await.unwrap(), []);
        assert_eq!(contacts(&bob).await.unwrap().len(), 1);
        let redeemed = ports.tokens.redeem([1; 32], [9; 32], LATER, NOW).await.unwrap();
        assert_eq!(redeemed, Redeemed::Unknown);
        let row = ports.members.membership(&alice, at).await.unwrap().unwrap();
        assert_eq!((row.settings.pinned, row.member.role), (false, Role::Owner));

        assert!(ports.accounts.account(&bob).await.unwrap().is_some());
        assert_eq!(ports.accounts.identifiers(&bob).await.unwrap().len(), 1);
        assert!(ports.real_names.real_name(&bob).await.unwrap().is_some());
        assert_eq!(ports.users.profiles(std::slice::from_ref(&bob)).await.unwrap().len(), 1);
        assert_eq!(ports.devices.devices(&bob).await.unwrap().len(), 3);
        assert_eq!(ports.contacts.blocks(&bob).await.unwrap().len(), 1);
        assert!(ports.members.membership(&bob, at).await.unwrap().unwrap().settings.pinned);
        let redeemed = ports.tokens.redeem([2; 32], [9; 32], LATER, NOW).await.unwrap();
        assert_eq!(redeemed, Redeemed::Rotated(token("bob", 2)));
    }

    /// What a user said is gone from every log; the log has its seqs, and others' words stay.
    async fn what_a_user_said_is_wiped(ports) {
        let one = group(ports, &["alice", "bob"]).await.conversation;
        let two = group(ports, &["bob", "alice"]).await.conversation;
        for at in [one, two] {
            for n in 0..7 {
                for who in ["alice", "bob"] {
                    let body = said(&format!("{who} {n}"));
                    append_until_stored(ports, at, Draft::under(who, &format!("{who}{n}"), body)).await;
                }
            }
            let edit = Body::Edited { target: Seq(2), content: Some(Content::text("alice again")), ending: None };
            append_until_stored(ports, at, Draft::under("alice", "edit", edit)).await;
            let kick = Body::Kicked { members: vec![user("dave")], reason: Some("words".into()), banned_until_ms: None };
            append_until_stored(ports, at, Draft::under("alice", "kick", kick)).await;
        }
        let before = log(ports, one).await;

        ports.erasures.begin(&user("alice"), NOW).await.unwrap();
        assert!(finish(ports, &user("alice"), 3).await > 10, "in bounded steps");

        for at in [one, two] {
            let after = log(ports, at).await;
            assert_eq!(texts(&after), (0..7).map(|n| format!("bob {n}")).collect::<Vec<_>>());
            let seqs = |entries: &[Entry]| entries.iter().map(|it| (it.seq, it.ordinal)).collect::<Vec<_>>();
            assert_eq!(seqs(&after), seqs(&before));
            let text = serde_json::to_string(&after).unwrap();
            assert!(!text.contains("alice again") && !text.contains("words"), "{text}");
            assert_eq!(ports.log.earlier(at, Seq(2), 10).await.unwrap(), [], "nor what was said before an edit");
            let gone = Span { conversation: at, after: Seq::ZERO, end: Seq(100) };
            assert_eq!(ports.tallies.tallies(&user("bob"), &[gone]).await.unwrap()[0].gone, 7);
            let key = (user("alice"), super::client_id("alice0"));
            let known = ports.log.find(at, &[key]).await.unwrap();
            assert_eq!(known[0].fingerprint, 0, "the hash of what was said is gone too");
        }
    }

    /// What a user attached to messages is taken off, how it was called is gone, and what others attached stays.
    async fn what_a_user_attached_is_taken_off(ports) {
        let at = group(ports, &["alice", "bob"]).await.conversation;
        append_until_stored(ports, at, Draft::new("bob", said("hello"))).await;
        let react = |who: &str| Reaction { target: Seq(2), user: user(who), emoji: format!("{who}!"), on: true };
        let burst = Body::Reacted { changes: vec![react("bob"), react("alice")] };
        append_until_stored(ports, at, Draft::new("bob", burst)).await;
        let vote = |who: &str| Vote { target: Seq(2), user: user(who), options: vec![1] };
        let votes = Body::Voted { changes: vec![vote("alice"), vote("bob")] };
        append_until_stored(ports, at, Draft::new("alice", votes)).await;
        let name = Body::MemberRenamed { member: user("alice"), nickname: Some("Al".into()) };
        append_until_stored(ports, at, Draft::new("bob", name)).await;
        ports.tallies.delete(&user("alice"), at, &[Seq(2)]).await.unwrap();
        let request = JoinRequest { conversation: at, user: user("alice"), greeting: Some("hi".into()), at_ms: NOW };
        ports.doors.put_request(request).await.unwrap();

        ports.erasures.begin(&user("alice"), NOW).await.unwrap();
        finish(ports, &user("alice"), 2).await;

        for (kind, value) in [(MarkKind::Reaction, "bob!"), (MarkKind::Vote, "1")] {
            let marks = ports.annotations.marks(at, kind, &[Seq(2)], &user("bob")).await.unwrap();
            let counts: Vec<_> = marks.iter().map(|mark| (mark.value.as_str(), mark.count)).collect();
            assert_eq!(counts, [(value, 1)], "{kind:?}");
        }
        let log = log(ports, at).await;
        assert_eq!(log[2].body, Body::Reacted { changes: vec![react("bob")] });
        assert_eq!(log[3].body, Body::Voted { changes: vec![vote("bob")] });
        assert_eq!(log[4].body, Body::MemberRenamed { member: user("alice"), nickname: None });
        let row = ports.members.membership(&user("alice"), at).await.unwrap().unwrap();
        assert_eq!(row.member.nickname, None);
        let span = Span { conversation: at, after: Seq::ZERO, end: Seq(9) };
        assert_eq!(ports.tallies.deleted(&user("alice"), &[span]).await.unwrap(), []);
        assert_eq!(ports.doors.count_requests(at, 9).await.unwrap(), 0);
    }

    /// An erasure that broke off is due, goes on behind what was done, and is over when its last round ends.
    async fn an_erasure_is_gone_on_with(ports) {
        let alice = user("alice");
        let at = group(ports, &["alice", "bob"]).await.conversation;
        append_until_stored(ports, at, Draft::under("alice", "a", said("hello"))).await;
        assert_eq!(ports.erasures.erasure(&alice).await.unwrap(), None);
        assert!(ports.erasures.step(&alice, 10).await.unwrap(), "who is not being erased loses nothing");
        assert_eq!(texts(&log(ports, at).await), ["hello"]);

        ports.erasures.begin(&alice, NOW).await.unwrap();
        ports.erasures.step(&alice, 1).await.unwrap();
        ports.erasures.begin(&alice, LATER).await.unwrap();
        let due = ports.erasures.due(NOW, 10).await.unwrap();
        let erasure = Erasure { user: alice.clone(), begun_at_ms: NOW };
        assert_eq!(due, std::slice::from_ref(&erasure));
        finish(ports, &alice, 10).await;
        assert_eq!(ports.erasures.due(NOW, 10).await.unwrap(), std::slice::from_ref(&erasure), "until its round ends");

        ports.erasures.end_round(&alice, Some(LATER)).await.unwrap();
        assert_eq!(ports.erasures.due(NOW, 10).await.unwrap(), []);
        append_until_stored(ports, at, Draft::under("alice", "b", said("late"))).await;
        assert_eq!(ports.erasures.due(LATER, 10).await.unwrap(), std::slice::from_ref(&erasure));
        finish(ports, &alice, 10).await;
        assert_eq!(texts(&log(ports, at).await), Vec::<&str>::new(), "the next round begins at the start");
        ports.erasures.end_round(&alice, None).await.unwrap();
        assert_eq!(ports.erasures.due(Timestamp(i64::MAX - 1), 10).await.unwrap(), []);
        assert_eq!(ports.erasures.erasure(&alice).await.unwrap(), Some(erasure));
    }

    /// The name of an erased user is not given again, and its addresses are free.
    async fn an_erased_name_is_not_given_again(ports) {
        settle(ports, "alice", 1).await;
        let (alice, mail) = (user("alice"), Identifier::parse("alice@example.org").unwrap());
        ports.erasures.begin(&alice, NOW).await.unwrap();

        let again = ports.accounts.create(account("alice"), Some(mail.clone())).await.unwrap();
        assert_eq!(again, Created::Erased);
        assert_eq!(ports.accounts.owner(&mail).await.unwrap(), None);
        let other = ports.accounts.create(account("bob"), Some(mail)).await.unwrap();
        assert_eq!(other, Created::Stored);
    }
}
