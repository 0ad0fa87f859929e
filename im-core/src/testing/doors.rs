//! Bans, requests to get in, invite links.

use super::{Draft, conversation, group, race, user};
use crate::{
    Body, ConversationId, Invite, JoinRequest, Timestamp,
    port::{Banned, Ports},
};

const NOW: Timestamp = Timestamp(1_000);

fn kicked(ids: &[&str], until: Timestamp) -> Body {
    Body::Kicked {
        members: ids.iter().map(|id| user(id)).collect(),
        reason: None,
        banned_until_ms: Some(until),
    }
}

fn request(at: ConversationId, id: &str, greeting: Option<&str>) -> JoinRequest {
    JoinRequest {
        conversation: at,
        user: user(id),
        greeting: greeting.map(Into::into),
        at_ms: NOW,
    }
}

fn invite(at: ConversationId, n: i64) -> Invite {
    Invite {
        code: format!("{}-{n}", at.to_string().replace('-', "")),
        conversation: at,
        by: user("alice"),
        created_at_ms: Timestamp(n),
        expires_at_ms: None,
        uses_left: None,
    }
}

async fn bans(ports: &Ports, at: ConversationId) -> Vec<(String, i64)> {
    let bans = ports.doors.bans(at, None, 10, NOW).await.unwrap();
    bans.iter()
        .map(|ban| (ban.user.to_string(), ban.until_ms.0))
        .collect()
}

suite! { door_store_suite in doors:
    /// Who was removed for a time is banned until then, or until the ban is lifted.
    async fn a_ban_holds_until_its_end(ports) {
        let mut log = group(ports, &["alice", "bob", "carol", "dave"]).await;
        let at = log.conversation;
        log.store(ports, [Draft::new("alice", kicked(&["bob"], NOW)), Draft::new("alice", kicked(&["carol", "dave"], Timestamp::FOREVER))]).await;
        assert_eq!(bans(ports, at).await, [("carol".to_owned(), Timestamp::FOREVER.0), ("dave".to_owned(), Timestamp::FOREVER.0)]);
        let asked = [user("bob"), user("dave"), user("erin")];
        let found = ports.doors.banned(at, &asked, NOW).await.unwrap();
        assert_eq!(found, [Banned { user: user("dave"), until_ms: Timestamp::FOREVER }]);
        assert_eq!(ports.doors.banned(at, &asked, Timestamp(999)).await.unwrap().len(), 2);
        log.store(ports, [Draft::new("alice", Body::Unbanned { members: vec![user("dave")] })]).await;
        assert_eq!(bans(ports, at).await, [("carol".to_owned(), Timestamp::FOREVER.0)]);
        let page = ports.doors.bans(at, Some(&user("carol")), 10, NOW).await.unwrap();
        assert_eq!(page, []);
        assert_eq!(bans(ports, conversation()).await, []);
    }

    /// A request stands until it is removed; asking again replaces it.
    async fn requests_are_listed_replaced_and_removed(ports) {
        let (at, other) = (conversation(), conversation());
        for id in ["bob", "alice", "carol"] {
            ports.doors.put_request(request(at, id, None)).await.unwrap();
        }
        ports.doors.put_request(request(other, "dave", None)).await.unwrap();
        ports.doors.put_request(request(at, "bob", Some("please"))).await.unwrap();
        let page = ports.doors.requests(at, None, 2).await.unwrap();
        assert_eq!(page, [request(at, "alice", None), request(at, "bob", Some("please"))]);
        let page = ports.doors.requests(at, Some(&user("bob")), 2).await.unwrap();
        assert_eq!(page, [request(at, "carol", None)]);
        assert_eq!(ports.doors.count_requests(at, 10).await.unwrap(), 3);
        assert_eq!(ports.doors.count_requests(at, 2).await.unwrap(), 2);
        let asked = [user("carol"), user("dave")];
        assert_eq!(ports.doors.requested(at, &asked).await.unwrap(), [user("carol")]);
        assert_eq!(ports.doors.remove_requests(at, &asked).await.unwrap(), 1);
        assert_eq!(ports.doors.requested(at, &asked).await.unwrap(), []);
        assert_eq!(ports.doors.requested(other, &asked).await.unwrap(), [user("dave")]);
    }

    /// Links are listed from the newest, and removed by their own conversation alone.
    async fn links_are_listed_from_the_newest(ports) {
        let (at, other) = (conversation(), conversation());
        for n in [1, 3, 2] {
            ports.invites.put(invite(at, n)).await.unwrap();
        }
        let listed = ports.invites.invites(at, 2).await.unwrap();
        assert_eq!(listed, [invite(at, 3), invite(at, 2)]);
        let code = invite(at, 3).code;
        assert!(!ports.invites.remove(other, &code).await.unwrap());
        assert!(ports.invites.remove(at, &code).await.unwrap());
        assert_eq!(ports.invites.invite(&code).await.unwrap(), None);
        assert_eq!(ports.invites.invite(&invite(at, 1).code).await.unwrap(), Some(invite(at, 1)));
    }

    /// A link lets in as many as it may, also when more come at the same moment, and nobody after its end.
    async fn a_link_is_spent_as_often_as_it_may_be(ports) {
        let at = conversation();
        let limited = Invite { uses_left: Some(5), expires_at_ms: Some(Timestamp(2_000)), ..invite(at, 1) };
        ports.invites.put(limited.clone()).await.unwrap();
        ports.invites.put(invite(at, 2)).await.unwrap();
        assert!(!ports.invites.spend(&limited.code, Timestamp(2_000)).await.unwrap());
        let racers = (0..12).map(|_| {
            let (invites, code) = (ports.invites.clone(), limited.code.clone());
            async move { invites.spend(&code, NOW).await.unwrap() }
        });
        let spent = race(ports, racers).await;
        assert_eq!(spent.iter().filter(|spent| **spent).count(), 5);
        let left = ports.invites.invite(&limited.code).await.unwrap().unwrap();
        assert_eq!(left, Invite { uses_left: Some(0), ..limited });
        assert!(ports.invites.spend(&invite(at, 2).code, NOW).await.unwrap());
        assert!(ports.invites.spend(&invite(at, 2).code, NOW).await.unwrap());
        assert!(!ports.invites.spend("nothing", NOW).await.unwrap());
    }

    /// A use that is given back can be spent again; a link that lets in any number, and one that is gone, stay so.
    async fn a_use_is_given_back(ports) {
        let at = conversation();
        let limited = Invite { uses_left: Some(1), ..invite(at, 1) };
        let unlimited = Invite { uses_left: None, ..invite(at, 2) };
        for invite in [&limited, &unlimited] {
            ports.invites.put(invite.clone()).await.unwrap();
            assert!(ports.invites.spend(&invite.code, NOW).await.unwrap());

            ports.invites.give_back(&invite.code).await.unwrap();

            let stands = ports.invites.invite(&invite.code).await.unwrap();
            assert_eq!(stands.as_ref(), Some(invite));
        }
        assert!(ports.invites.spend(&limited.code, NOW).await.unwrap());
        assert!(!ports.invites.spend(&limited.code, NOW).await.unwrap());
        assert!(ports.invites.remove(at, &limited.code).await.unwrap());
        ports.invites.give_back(&limited.code).await.unwrap();
        assert_eq!(ports.invites.invite(&limited.code).await.unwrap(), None);
    }
}
