//! Refresh tokens and server keys.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use super::{device, race, user};
use crate::{
    Timestamp,
    port::{Extent, Ports, REVOCATIONS_LAST, Redeemed, RefreshToken, Revoked, ServerKey},
};

const NOW: Timestamp = Timestamp(1_000);
const LATER: Timestamp = Timestamp(2_000);

fn hash(n: u8) -> [u8; 32] {
    let mut hash = [0xa5; 32];
    hash[31] = n;
    hash
}

fn token(owner: &str, n: u8) -> RefreshToken {
    RefreshToken {
        hash: hash(n),
        family: Uuid::now_v7(),
        user: user(owner),
        device: device("phone"),
        expires_at_ms: LATER,
    }
}

async fn redeem(ports: &Ports, n: u8, next: u8) -> Redeemed {
    ports
        .tokens
        .redeem(hash(n), hash(next), LATER, NOW)
        .await
        .unwrap()
}

async fn revocations(ports: &Ports, now: Timestamp) -> BTreeMap<Revoked, Timestamp> {
    let all = ports.tokens.revocations(now).await.unwrap();
    let count = all.len();
    let by_whose: BTreeMap<_, _> = all.into_iter().map(|it| (it.of, it.at_ms)).collect();
    assert_eq!(by_whose.len(), count, "each is said once");
    by_whose
}

suite! { token_store_suite in tokens:
    /// Each token is good for one successor, in the same family.
    async fn a_token_is_rotated(ports) {
        let first = token("alice", 1);
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        assert_eq!(redeem(ports, 1, 2).await, Redeemed::Rotated(first.clone()));
        assert_eq!(redeem(ports, 2, 3).await, Redeemed::Rotated(RefreshToken { hash: hash(2), ..first.clone() }));
        assert_eq!(redeem(ports, 3, 4).await, Redeemed::Rotated(RefreshToken { hash: hash(3), ..first }));
    }

    /// A spent token that comes again ends its whole family, and no other.
    async fn a_reused_token_revokes_its_family(ports) {
        let first = token("alice", 1);
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        let other = token("alice", 100);
        ports.tokens.insert(other.clone(), NOW).await.unwrap();
        redeem(ports, 1, 2).await;

        assert_eq!(redeem(ports, 1, 3).await, Redeemed::Reused(first));
        assert_eq!(redeem(ports, 2, 4).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 3, 5).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 1, 6).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 100, 101).await, Redeemed::Rotated(other));
    }

    /// A retry that lost its answer gets the same successor, within half a minute and until the successor is used.
    async fn a_spent_token_can_be_repeated_for_the_same_unused_successor(ports) {
        let first = RefreshToken { expires_at_ms: Timestamp(199_000), ..token("alice", 1) };
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        let expiry = |after_ms: i64| Timestamp(NOW.0 + after_ms + 90_000);
        let spend = async |n, next, after_ms| {
            let now = Timestamp(NOW.0 + after_ms);
            ports.tokens.redeem(hash(n), hash(next), expiry(after_ms), now).await.unwrap()
        };
        let second = RefreshToken { hash: hash(2), expires_at_ms: expiry(0), ..first.clone() };
        let third = RefreshToken { hash: hash(3), expires_at_ms: expiry(30_000), ..first.clone() };
        spend(1, 2, 0).await;

        assert_eq!(spend(1, 2, 500).await, Redeemed::Repeated(second.clone()));
        assert_eq!(spend(2, 3, 30_000).await, Redeemed::Rotated(second.clone()));
        assert_eq!(spend(2, 3, 59_999).await, Redeemed::Repeated(third));
        assert_eq!(spend(2, 3, 60_000).await, Redeemed::Reused(second), "too late");
        assert_eq!(spend(3, 4, 60_000).await, Redeemed::Unknown);
    }

    /// Who presents a token whose successor was used has a copy, however soon it comes.
    async fn a_spent_token_whose_successor_was_used_revokes_its_family(ports) {
        let first = token("alice", 1);
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        redeem(ports, 1, 2).await;
        redeem(ports, 2, 3).await;

        assert_eq!(redeem(ports, 1, 2).await, Redeemed::Reused(first));
        assert_eq!(redeem(ports, 3, 4).await, Redeemed::Unknown);
    }

    /// Unknown and expired tokens are worth nothing.
    async fn an_expired_token_is_unknown(ports) {
        ports.tokens.insert(token("alice", 1), NOW).await.unwrap();
        assert_eq!(redeem(ports, 9, 10).await, Redeemed::Unknown);
        assert_eq!(ports.tokens.redeem(hash(1), hash(2), Timestamp(9_000), LATER).await.unwrap(), Redeemed::Unknown);
        assert_eq!(ports.tokens.redeem(hash(2), hash(3), Timestamp(9_000), LATER).await.unwrap(), Redeemed::Unknown);
    }

    /// The successor has the expiry that it was given.
    async fn a_successor_has_its_own_expiry(ports) {
        let first = token("alice", 1);
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        ports.tokens.redeem(hash(1), hash(2), Timestamp(5_000), NOW).await.unwrap();
        let at = Timestamp(4_999);
        let second = RefreshToken { hash: hash(2), expires_at_ms: Timestamp(5_000), ..first };
        assert_eq!(ports.tokens.redeem(hash(2), hash(3), Timestamp(5_001), at).await.unwrap(), Redeemed::Rotated(second));
        assert_eq!(ports.tokens.redeem(hash(3), hash(4), Timestamp(9_000), Timestamp(5_001)).await.unwrap(), Redeemed::Unknown);
    }

    /// Of many who redeem a token at once one succeeds.
    async fn a_raced_token_is_redeemed_once(ports) {
        ports.tokens.insert(token("alice", 1), NOW).await.unwrap();
        let racers = (0..8).map(|n| {
            let ports = ports.clone();
            async move { redeem(&ports, 1, 10 + n).await }
        });
        let ends = race(ports, racers).await;
        let count = |matches: fn(&Redeemed) -> bool| ends.iter().filter(|end| matches(end)).count();
        assert_eq!(count(|end| matches!(end, Redeemed::Rotated(_))), 1, "{ends:?}");
        assert_eq!(count(|end| matches!(end, Redeemed::Reused(_))), 1, "{ends:?}");
        for n in 10..18 {
            assert_eq!(redeem(ports, n, 50 + n).await, Redeemed::Unknown);
        }
    }

    /// A revoked family is over, also for tokens that are redeemed at the same moment.
    async fn a_revoked_family_stays_revoked(ports) {
        let first = token("alice", 1);
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        let rotating = ports.clone();
        let rotate = async move {
            for n in 1..20 {
                redeem(&rotating, n, n + 1).await;
            }
        };
        let revoking = ports.clone();
        let revoke = async move { revoking.tokens.revoke_family(first.family, NOW).await.unwrap() };
        futures_util::future::join(race(ports, [rotate]), race(ports, [revoke])).await;

        for n in 1..=20 {
            assert_eq!(redeem(ports, n, 100 + n).await, Redeemed::Unknown);
        }
        ports.tokens.revoke_family(Uuid::now_v7(), NOW).await.unwrap();
    }

    /// Revoking a user ends what is alive, and names it.
    async fn revoking_a_user_names_the_families_that_were_alive(ports) {
        let tokens: Vec<_> = (1..=3).map(|n| token("alice", n)).collect();
        for token in &tokens {
            ports.tokens.insert(token.clone(), NOW).await.unwrap();
        }
        let bobs = token("bob", 9);
        ports.tokens.insert(bobs.clone(), NOW).await.unwrap();
        redeem(ports, 2, 20).await;
        ports.tokens.revoke_family(tokens[2].family, NOW).await.unwrap();

        let revoked = ports.tokens.revoke_user(&user("alice"), &Extent::All, NOW).await.unwrap();
        assert_eq!(revoked.into_iter().collect::<BTreeSet<_>>(), BTreeSet::from([tokens[0].family, tokens[1].family]));
        assert_eq!(ports.tokens.revoke_user(&user("alice"), &Extent::All, NOW).await.unwrap(), Vec::<Uuid>::new());
        assert_eq!(ports.tokens.revoke_user(&user("nobody"), &Extent::All, NOW).await.unwrap(), Vec::<Uuid>::new());
        assert_eq!(redeem(ports, 1, 30).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 20, 31).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 9, 32).await, Redeemed::Rotated(bobs));
    }

    /// All families but one can be revoked: that one goes on, and only the others are among the revocations.
    async fn one_family_can_be_spared(ports) {
        let tokens: Vec<_> = (1..=3).map(|n| token("alice", n)).collect();
        for token in &tokens {
            ports.tokens.insert(token.clone(), NOW).await.unwrap();
        }

        let spared = Extent::AllBut(tokens[1].family);
        let revoked = ports.tokens.revoke_user(&user("alice"), &spared, NOW).await.unwrap();

        let others = BTreeSet::from([tokens[0].family, tokens[2].family]);
        assert_eq!(revoked.into_iter().collect::<BTreeSet<_>>(), others);
        let known: BTreeSet<_> = revocations(ports, NOW).await.into_keys().collect();
        assert_eq!(known, others.into_iter().map(Revoked::Family).collect());
        assert_eq!(redeem(ports, 1, 30).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 2, 31).await, Redeemed::Rotated(tokens[1].clone()));
    }

    /// The families of one device can be revoked: others go on. What came from no stored family is remembered by device.
    async fn one_device_can_be_revoked(ports) {
        let on = |name: &str, token: RefreshToken| RefreshToken { device: device(name), ..token };
        let tokens = [token("alice", 1), on("tablet", token("alice", 2)), on("tablet", token("alice", 3)), on("tablet", token("bob", 4))];
        for token in &tokens {
            ports.tokens.insert(token.clone(), NOW).await.unwrap();
        }
        let tablet = Extent::Device(device("tablet"));

        let revoked = ports.tokens.revoke_user(&user("alice"), &tablet, NOW).await.unwrap();

        let families = BTreeSet::from([tokens[1].family, tokens[2].family]);
        assert_eq!(revoked.into_iter().collect::<BTreeSet<_>>(), families);
        let mut known: BTreeSet<_> = families.into_iter().map(Revoked::Family).collect();
        known.insert(Revoked::Device(user("alice"), device("tablet")));
        assert_eq!(revocations(ports, NOW).await.into_keys().collect::<BTreeSet<_>>(), known);
        assert_eq!(redeem(ports, 2, 30).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 3, 31).await, Redeemed::Unknown);
        assert_eq!(redeem(ports, 1, 32).await, Redeemed::Rotated(tokens[0].clone()));
        assert_eq!(redeem(ports, 4, 33).await, Redeemed::Rotated(tokens[3].clone()));
        assert_eq!(ports.tokens.revoke_user(&user("alice"), &tablet, LATER).await.unwrap(), Vec::<Uuid>::new());
        assert_eq!(revocations(ports, NOW).await[&Revoked::Device(user("alice"), device("tablet"))], LATER);
        let end = LATER.plus(REVOCATIONS_LAST);
        assert_eq!(revocations(ports, end).await, BTreeMap::new());
    }

    /// Whatever was revoked is remembered, however that came about, also of families that have no refresh token.
    async fn what_was_revoked_is_remembered(ports) {
        let tokens: Vec<_> = (1..=4).map(|n| token(if n < 3 { "alice" } else { "bob" }, n)).collect();
        for token in &tokens {
            ports.tokens.insert(token.clone(), NOW).await.unwrap();
        }
        let unstored = Uuid::now_v7();
        assert_eq!(revocations(ports, NOW).await, BTreeMap::new());

        ports.tokens.revoke_family(unstored, Timestamp(1_001)).await.unwrap();
        ports.tokens.revoke_family(tokens[2].family, Timestamp(1_002)).await.unwrap();
        ports.tokens.revoke_user(&user("alice"), &Extent::All, Timestamp(1_003)).await.unwrap();
        ports.tokens.revoke_user(&user("nobody"), &Extent::All, Timestamp(1_004)).await.unwrap();
        redeem(ports, 4, 10).await;
        assert_eq!(redeem(ports, 4, 11).await, Redeemed::Reused(tokens[3].clone()));

        let expected = [
            (Revoked::Family(unstored), 1_001),
            (Revoked::Family(tokens[2].family), 1_002),
            (Revoked::Family(tokens[0].family), 1_003),
            (Revoked::Family(tokens[1].family), 1_003),
            (Revoked::User(user("alice")), 1_003),
            (Revoked::User(user("nobody")), 1_004),
            (Revoked::Family(tokens[3].family), NOW.0),
        ];
        let expected: BTreeMap<_, _> = expected.map(|(of, at)| (of, Timestamp(at))).into();
        assert_eq!(revocations(ports, LATER).await, expected);
    }

    /// What is revoked again counts from the later moment, in whatever order they come.
    async fn the_later_revocation_counts(ports) {
        let family = Uuid::now_v7();
        for at in [NOW, LATER, NOW] {
            ports.tokens.revoke_family(family, at).await.unwrap();
            ports.tokens.revoke_user(&user("alice"), &Extent::All, at).await.unwrap();
        }

        let expected = [(Revoked::Family(family), LATER), (Revoked::User(user("alice")), LATER)];
        assert_eq!(revocations(ports, LATER).await, BTreeMap::from(expected));
    }

    /// A revocation is forgotten when the last access token that it could mean has ended, and no other with it.
    async fn a_revocation_is_forgotten_after_its_time(ports) {
        let (old, young) = (Uuid::now_v7(), Uuid::now_v7());
        ports.tokens.revoke_family(old, NOW).await.unwrap();
        ports.tokens.revoke_user(&user("alice"), &Extent::All, NOW).await.unwrap();
        let end = NOW.plus(REVOCATIONS_LAST);
        let before = Timestamp(end.0 - 1);
        assert_eq!(revocations(ports, before).await.len(), 2);

        ports.tokens.revoke_family(young, before).await.unwrap();
        ports.tokens.revoke_user(&user("bob"), &Extent::All, before).await.unwrap();

        assert_eq!(revocations(ports, before).await.len(), 4);
        let expected = [(Revoked::Family(young), before), (Revoked::User(user("bob")), before)];
        assert_eq!(revocations(ports, end).await, BTreeMap::from(expected));
    }

    /// When a user signs in, its families that have expired are forgotten, and nothing else is.
    async fn an_expired_family_is_forgotten_at_the_next_sign_in(ports) {
        for token in [token("alice", 1), token("bob", 20)] {
            ports.tokens.insert(token, NOW).await.unwrap();
        }
        redeem(ports, 1, 2).await;
        for n in 10..12 {
            let lasting = RefreshToken { expires_at_ms: Timestamp(LATER.0 + 1), ..token("alice", n) };
            ports.tokens.insert(lasting, NOW).await.unwrap();
        }
        redeem(ports, 11, 12).await;

        ports.tokens.insert(token("alice", 30), LATER).await.unwrap();

        // By a clock that was put back the forgotten ones would be good again, if they were there.
        for forgotten in [1, 2] {
            assert_eq!(redeem(ports, forgotten, 40 + forgotten).await, Redeemed::Unknown);
        }
        for kept in [10, 20] {
            assert!(matches!(redeem(ports, kept, 40 + kept).await, Redeemed::Rotated(_)), "{kept}");
        }
        assert!(matches!(redeem(ports, 11, 51).await, Redeemed::Reused(_)), "a spent token may come again");
    }

    /// A family lasts as long as its last token.
    async fn a_family_that_is_used_outlives_its_first_token(ports) {
        let first = token("alice", 1);
        ports.tokens.insert(first.clone(), NOW).await.unwrap();
        let expires_at_ms = Timestamp(9_000);
        ports.tokens.redeem(hash(1), hash(2), expires_at_ms, NOW).await.unwrap();

        ports.tokens.insert(token("alice", 10), LATER).await.unwrap();

        let second = RefreshToken { hash: hash(2), expires_at_ms, ..first };
        let redeemed = ports.tokens.redeem(hash(2), hash(3), expires_at_ms, LATER).await.unwrap();
        assert_eq!(redeemed, Redeemed::Rotated(second));
    }

    /// Of more families than are forgotten at once, all are forgotten in the end.
    async fn many_expired_families_are_forgotten_by_and_by(ports) {
        for n in 0..50 {
            ports.tokens.insert(token("alice", n), NOW).await.unwrap();
        }
        for n in 100..110 {
            let lasting = RefreshToken { expires_at_ms: Timestamp(9_000), ..token("alice", n) };
            ports.tokens.insert(lasting, LATER).await.unwrap();
        }

        for n in 0..50 {
            assert_eq!(redeem(ports, n, 200 + n).await, Redeemed::Unknown, "{n}");
        }
        assert_eq!(ports.tokens.revoke_user(&user("alice"), &Extent::All, LATER).await.unwrap().len(), 10);
    }

    /// A server key is found by its hash; a new one of the same name replaces it.
    async fn a_server_key_is_replaced_by_name(ports) {
        let key = |n, name: &str| ServerKey { hash: hash(n), name: name.into(), created_at_ms: NOW };
        ports.tokens.put_key(key(1, "crm")).await.unwrap();
        ports.tokens.put_key(key(2, "CRM")).await.unwrap();
        assert_eq!(ports.tokens.key(hash(1)).await.unwrap(), Some(key(1, "crm")));
        ports.tokens.put_key(key(3, "crm")).await.unwrap();

        assert_eq!(ports.tokens.key(hash(1)).await.unwrap(), None);
        assert_eq!(ports.tokens.key(hash(2)).await.unwrap(), Some(key(2, "CRM")));
        assert_eq!(ports.tokens.key(hash(3)).await.unwrap(), Some(key(3, "crm")));
    }
}
