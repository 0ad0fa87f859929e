//! Accounts and their identifiers.

use super::{UNUSUAL_IDS, race, user};
use crate::{
    Identifier, IdentifierKind, Timestamp,
    port::{Account, Attached, Created},
};

const NOW: Timestamp = Timestamp(1_000);

fn account(id: &str, fingerprint: i64) -> Account {
    Account {
        user: user(id),
        password_hash: Some(format!(
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA${fingerprint:x}"
        )),
        fingerprint,
        created_at_ms: Timestamp(fingerprint),
    }
}

fn identifier(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

suite! { account_store_suite in accounts:
    /// An account reads back as it was made.
    async fn an_account_reads_back(ports) {
        assert_eq!(ports.accounts.account(&user("alice")).await.unwrap(), None);
        let made = account("alice", i64::MIN);
        assert_eq!(ports.accounts.create(made.clone(), None).await.unwrap(), Created::Stored);
        assert_eq!(ports.accounts.account(&user("alice")).await.unwrap(), Some(made));
        let without = Account { password_hash: None, ..account("bob", 2) };
        ports.accounts.create(without.clone(), None).await.unwrap();
        assert_eq!(ports.accounts.account(&user("bob")).await.unwrap(), Some(without));
    }

    /// A taken name stays with who has it, and who asks learns the fingerprint of the request that made it.
    async fn a_taken_name_stays(ports) {
        let first = account("alice", 1);
        ports.accounts.create(first.clone(), None).await.unwrap();
        let again = ports.accounts.create(account("alice", 2), Some(identifier("a@example.org"))).await.unwrap();
        assert_eq!(again, Created::Taken(first.clone()));
        assert_eq!(ports.accounts.account(&user("alice")).await.unwrap(), Some(first));
        assert_eq!(ports.accounts.owner(&identifier("a@example.org")).await.unwrap(), None);
    }

    /// Names that look alike are different names.
    async fn names_that_look_alike_are_different(ports) {
        for (id, n) in UNUSUAL_IDS.iter().zip(0..) {
            assert_eq!(ports.accounts.create(account(id, n), None).await.unwrap(), Created::Stored, "{id:?}");
        }
        for (id, n) in UNUSUAL_IDS.iter().zip(0..) {
            assert_eq!(ports.accounts.account(&user(id)).await.unwrap(), Some(account(id, n)));
        }
    }

    /// Of many who want a name at once one gets it, and the others are told who.
    async fn a_raced_name_is_given_once(ports) {
        let racers = (0..8).map(|n| {
            let ports = ports.clone();
            async move { ports.accounts.create(account("alice", n), None).await.unwrap() }
        });
        let ends = race(ports, racers).await;
        let stored = ports.accounts.account(&user("alice")).await.unwrap().unwrap();
        assert_eq!(ends.iter().filter(|end| **end == Created::Stored).count(), 1);
        assert!(ends.iter().all(|end| *end == Created::Stored || *end == Created::Taken(stored.clone())));
    }

    /// A password is replaced; with a former one given, only while that stands.
    async fn a_password_is_replaced_while_the_former_stands(ports) {
        let made = account("alice", 1);
        ports.accounts.create(made.clone(), None).await.unwrap();
        let set = async |former: Option<&str>, hash: &str| {
            ports.accounts.set_password(&user("alice"), former, hash.into()).await.unwrap()
        };
        assert!(set(made.password_hash.as_deref(), "second").await);
        assert!(!set(made.password_hash.as_deref(), "third").await);
        let hash = ports.accounts.account(&user("alice")).await.unwrap().unwrap().password_hash;
        assert_eq!(hash.as_deref(), Some("second"));
        assert!(set(None, "fourth").await);
        assert!(!ports.accounts.set_password(&user("nobody"), None, "x".into()).await.unwrap());
    }

    /// An account is found by its identifiers, which are its own.
    async fn an_identifier_belongs_to_one_account(ports) {
        let (mail, phone) = (identifier("alice@example.org"), identifier("+4915112345678"));
        let made = ports.accounts.create(account("alice", 1), Some(mail.clone())).await.unwrap();
        assert_eq!(made, Created::Stored);
        let refused = ports.accounts.create(account("bob", 2), Some(mail.clone())).await.unwrap();
        assert_eq!(refused, Created::IdentifierTaken);
        assert_eq!(ports.accounts.account(&user("bob")).await.unwrap(), None, "nothing is stored");

        ports.accounts.create(account("bob", 2), None).await.unwrap();
        let attach = async |who: &str, what: &Identifier| {
            ports.accounts.attach(&user(who), what.clone(), NOW).await.unwrap()
        };
        assert_eq!(attach("bob", &mail).await, Attached::Taken);
        assert_eq!(attach("alice", &mail).await, Attached::Stored, "it has it already");
        assert_eq!(attach("bob", &phone).await, Attached::Stored);
        assert_eq!(attach("nobody", &identifier("n@example.org")).await, Attached::NoAccount);
        assert_eq!(ports.accounts.owner(&mail).await.unwrap(), Some(user("alice")));
        assert_eq!(ports.accounts.owner(&phone).await.unwrap(), Some(user("bob")));
    }

    /// A new address replaces the former, which is free then; subjects of identity providers add up.
    async fn an_address_replaces_the_former_of_its_kind(ports) {
        ports.accounts.create(account("alice", 1), Some(identifier("old@example.org"))).await.unwrap();
        let subjects = [Identifier::subject("https://a", "1"), Identifier::subject("https://b", "1")];
        for new in subjects.iter().cloned().chain([identifier("+4915112345678"), identifier("new@example.org")]) {
            assert_eq!(ports.accounts.attach(&user("alice"), new, NOW).await.unwrap(), Attached::Stored);
        }

        let all = ports.accounts.identifiers(&user("alice")).await.unwrap();
        let mut sorted = all.clone();
        sorted.sort();
        assert_eq!(all, sorted);
        let kinds: Vec<_> = all.iter().map(Identifier::kind).collect();
        use IdentifierKind::{Email, Phone, Subject};
        assert_eq!(kinds, [Email, Phone, Subject, Subject]);
        assert_eq!(all[0], identifier("new@example.org"));
        assert_eq!(ports.accounts.owner(&identifier("old@example.org")).await.unwrap(), None);
        assert_eq!(ports.accounts.owner(&subjects[0]).await.unwrap(), Some(user("alice")));
    }

    /// Of many who want an identifier at once one gets it.
    async fn a_raced_identifier_is_given_once(ports) {
        for n in 0..6 {
            ports.accounts.create(account(&format!("u{n}"), n), None).await.unwrap();
        }
        let racers = (0..6).map(|n| {
            let (ports, wanted) = (ports.clone(), identifier("alice@example.org"));
            async move { ports.accounts.attach(&user(&format!("u{n}")), wanted, NOW).await.unwrap() }
        });
        let ends = race(ports, racers).await;
        assert_eq!(ends.iter().filter(|end| **end == Attached::Stored).count(), 1);
        assert_eq!(ends.iter().filter(|end| **end == Attached::Taken).count(), 5);
    }
}
