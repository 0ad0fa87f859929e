//! What admins decided about users.

use super::{UNUSUAL_IDS, race, user};
use crate::{
    Restriction, RestrictionKind, Standing, Timestamp,
    port::{Ports, StandingWrite, StandingWritten, VersionedStanding},
};

fn admin() -> Standing {
    Standing {
        admin: true,
        ..Standing::default()
    }
}

fn muted(reason: &str) -> Standing {
    let restriction = Restriction {
        kind: RestrictionKind::Muted,
        since_ms: Timestamp(1),
        until_ms: Timestamp::FOREVER,
        reason: Some(reason.to_owned()),
    };
    Standing {
        admin: false,
        restrictions: vec![restriction],
    }
}

async fn put(ports: &Ports, name: &str, standing: Standing, expected: u64) -> StandingWritten {
    let write = StandingWrite {
        user: user(name),
        standing,
        expected,
        keeps_an_admin: false,
    };
    ports.standings.put(write).await.unwrap()
}

async fn stored(ports: &Ports, name: &str, standing: Standing, expected: u64) -> u64 {
    match put(ports, name, standing, expected).await {
        StandingWritten::Stored(version) => version,
        other => panic!("{name}: {other:?}"),
    }
}

/// Takes an admin's place from it, unless it is the last one.
async fn demote(ports: &Ports, name: &str) -> StandingWritten {
    let stands = ports.standings.standing(&user(name)).await.unwrap();
    let write = StandingWrite {
        user: user(name),
        standing: Standing::default(),
        expected: stands.map_or(0, |stands| stands.version),
        keeps_an_admin: true,
    };
    ports.standings.put(write).await.unwrap()
}

fn names(standings: &[VersionedStanding]) -> Vec<&str> {
    standings.iter().map(|one| one.user.as_str()).collect()
}

suite! { standing_store_suite in standings:
    /// What is read is what was put, whoever it is about.
    async fn a_standing_reads_back(ports) {
        assert_eq!(ports.standings.standing(&user("nobody")).await.unwrap(), None);
        for id in UNUSUAL_IDS {
            let version = stored(ports, id, muted(id), 0).await;

            let expected = VersionedStanding { user: user(id), standing: muted(id), version };
            assert_eq!(ports.standings.standing(&user(id)).await.unwrap(), Some(expected));
        }
        let all = ports.standings.list(None, 1_000).await.unwrap();
        assert_eq!(all.len(), UNUSUAL_IDS.len());
    }

    /// Whoever does not know what stands changes nothing.
    async fn a_standing_is_replaced_by_who_knows_it(ports) {
        let first = stored(ports, "bob", muted("once"), 0).await;

        assert_eq!(put(ports, "bob", admin(), 0).await, StandingWritten::Conflict);
        let second = stored(ports, "bob", muted("twice"), first).await;
        assert_eq!(put(ports, "bob", admin(), first).await, StandingWritten::Conflict);

        assert!(second > first);
        let stands = ports.standings.standing(&user("bob")).await.unwrap().unwrap();
        assert_eq!((stands.standing, stands.version), (muted("twice"), second));
        assert_eq!(put(ports, "new", admin(), 7).await, StandingWritten::Conflict);
    }

    /// Of many who change what they know one does.
    async fn a_raced_standing_changes_once(ports) {
        let mut version = 0;
        for round in 0..3 {
            let racers = (0..6).map(|n| {
                let ports = ports.clone();
                async move { put(&ports, "bob", muted(&format!("{round} {n}")), version).await }
            });
            let ends = race(ports, racers).await;
            let won: Vec<_> = ends.into_iter().filter_map(|end| match end {
                StandingWritten::Stored(version) => Some(version),
                _ => None,
            }).collect();
            assert_eq!(won.len(), 1, "{round}");
            version = won[0];
        }
    }

    /// Those of whom something is decided are listed page by page, and those of whom nothing is any more are not.
    async fn the_list_has_those_that_are_not_plain(ports) {
        for name in ["dan", "bob", "cem"] {
            stored(ports, name, muted("x"), 0).await;
        }
        stored(ports, "ann", admin(), 0).await;
        let cem = ports.standings.standing(&user("cem")).await.unwrap().unwrap();
        stored(ports, "cem", Standing::default(), cem.version).await;

        let page = ports.standings.list(None, 2).await.unwrap();
        assert_eq!(names(&page), ["ann", "bob"]);
        let page = ports.standings.list(Some(&user("bob")), 2).await.unwrap();
        assert_eq!(names(&page), ["dan"]);
    }

    /// Whoever has read up to a version reads what changed since, also what became plain, in the order of the changes.
    async fn what_changed_since_is_read_in_order(ports) {
        let bob = stored(ports, "bob", muted("x"), 0).await;
        let ann = stored(ports, "ann", admin(), 0).await;
        let bob = stored(ports, "bob", Standing::default(), bob).await;

        let all = ports.standings.changed(0, 9).await.unwrap();
        assert_eq!(names(&all), ["ann", "bob"]);
        assert_eq!([all[0].version, all[1].version], [ann, bob]);
        assert!(all[1].standing.is_plain());
        assert_eq!(names(&ports.standings.changed(0, 1).await.unwrap()), ["ann"]);
        assert_eq!(names(&ports.standings.changed(ann, 9).await.unwrap()), ["bob"]);
        assert_eq!(ports.standings.changed(bob, 9).await.unwrap(), []);
    }

    /// Somebody stays an admin where that is asked for.
    async fn the_last_admin_stays_one(ports) {
        stored(ports, "ann", admin(), 0).await;
        stored(ports, "bob", muted("x"), 0).await;

        assert_eq!(demote(ports, "ann").await, StandingWritten::LastAdmin);
        stored(ports, "ben", admin(), 0).await;
        assert!(matches!(demote(ports, "ann").await, StandingWritten::Stored(_)));
        assert_eq!(demote(ports, "ben").await, StandingWritten::LastAdmin);
        let ben = ports.standings.standing(&user("ben")).await.unwrap().unwrap();
        stored(ports, "ben", Standing::default(), ben.version).await;
    }

    /// Two admins who take each other's place at the same moment do not both succeed.
    async fn of_admins_who_demote_each_other_one_stays(ports) {
        for name in ["a1", "a2", "a3", "a4"] {
            stored(ports, name, admin(), 0).await;
        }
        let racers = ["a1", "a2", "a3", "a4"].map(|name| {
            let ports = ports.clone();
            async move { demote(&ports, name).await }
        });

        let ends = race(ports, racers).await;

        let refused = ends.iter().filter(|end| **end == StandingWritten::LastAdmin).count();
        assert_eq!(refused, 1, "{ends:?}");
        assert_eq!(ports.standings.list(None, 9).await.unwrap().len(), 1);
    }

    /// With its user goes what was decided about it.
    async fn the_erasure_of_a_user_takes_its_standing(ports) {
        stored(ports, "bob", muted("because"), 0).await;
        stored(ports, "ann", muted("too"), 0).await;

        ports.erasures.begin(&user("bob"), Timestamp(5)).await.unwrap();
        while !ports.erasures.step(&user("bob"), 10).await.unwrap() {}

        assert_eq!(ports.standings.standing(&user("bob")).await.unwrap(), None);
        assert_eq!(names(&ports.standings.list(None, 9).await.unwrap()), ["ann"]);
    }
}
