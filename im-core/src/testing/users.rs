//! Profiles, and the version of a user's own rows.

use super::{UNUSUAL_IDS, group, race, user};
use crate::{Gender, Profile, Tier, Timestamp, UpdateProfile, UserId};

fn profile(id: &str, nickname: Option<&str>) -> Profile {
    Profile {
        nickname: nickname.map(Into::into),
        ..Profile::empty(user(id), Timestamp(7))
    }
}

suite! { user_store_suite in users:
    /// Who put nothing has nothing.
    async fn an_unknown_user_has_no_profile(ports) {
        assert_eq!(ports.users.profiles(&[user("alice")]).await.unwrap(), []);
        assert_eq!(ports.users.profiles(&[]).await.unwrap(), []);
        assert_eq!(ports.users.version(&user("alice")).await.unwrap(), 0);
    }

    /// A profile reads back as it was put, and is replaced as a whole.
    async fn a_profile_is_replaced_as_a_whole(ports) {
        let full = Profile {
            user: user("alice"),
            nickname: Some("Älice 😀".into()),
            avatar: Some("key".into()),
            bio: Some("x\n".repeat(1_000)),
            extra: Some(serde_json::json!({"a": [1, null, {"b": "c"}]})),
            gender: Some(Gender::Other),
            voice_tag: Some("warm".into()),
            interests: vec!["登山".into(), "chess".into()],
            level: Some(u32::MAX),
            tier: Some(Tier { name: "gold".into(), expires_at_ms: Some(Timestamp(1_800_000_000_000)) }),
            updated_at_ms: Timestamp(1_700_000_000_000),
        };
        ports.users.put(full.clone()).await.unwrap();
        assert_eq!(ports.users.profiles(&[user("alice")]).await.unwrap(), [full]);

        let bare = profile("alice", None);
        ports.users.put(bare.clone()).await.unwrap();
        assert_eq!(ports.users.profiles(&[user("alice")]).await.unwrap(), [bare]);
    }

    /// Of those who are asked for, the ones who have a profile, and no other whose id looks alike.
    async fn profiles_are_found_by_the_bytes_of_the_id(ports) {
        for id in UNUSUAL_IDS {
            ports.users.put(profile(id, Some(id))).await.unwrap();
        }
        for id in UNUSUAL_IDS {
            let found = ports.users.profiles(&[user(id), user("nobody")]).await.unwrap();
            assert_eq!(found, [profile(id, Some(id))]);
        }
        let all: Vec<UserId> = UNUSUAL_IDS.iter().map(|id| user(id)).collect();
        assert_eq!(ports.users.profiles(&all).await.unwrap().len(), all.len());
    }

    /// Five hundred users are asked for at once.
    async fn many_profiles_are_found_at_once(ports) {
        for n in 0..40 {
            ports.users.put(profile(&format!("u{n}"), None)).await.unwrap();
        }
        let asked: Vec<UserId> = (0..500).map(|n| user(&format!("u{n}"))).collect();
        assert_eq!(ports.users.profiles(&asked).await.unwrap().len(), 40);
    }

    /// A change leaves what it does not name, an empty text clears, and who has no profile gets one.
    async fn a_profile_is_changed_field_by_field(ports) {
        let named = UpdateProfile { nickname: Some("Alice".into()), extra: Some(serde_json::json!([1])), ..UpdateProfile::default() };
        let first = ports.users.change(&user("alice"), &named, Timestamp(7)).await.unwrap();
        assert_eq!(first, Profile { extra: named.extra, ..profile("alice", Some("Alice")) });
        let changes = UpdateProfile { nickname: Some(String::new()), bio: Some("hello".into()), ..UpdateProfile::default() };
        let second = ports.users.change(&user("alice"), &changes, Timestamp(8)).await.unwrap();

        let expected = Profile { nickname: None, bio: Some("hello".into()), updated_at_ms: Timestamp(8), ..first };
        assert_eq!(second, expected);
        assert_eq!(ports.users.profiles(&[user("alice")]).await.unwrap(), [expected]);
    }

    /// Gender, interests, level and tier each have a value that clears them.
    async fn every_field_of_a_profile_can_be_cleared(ports) {
        let full = UpdateProfile {
            gender: Some(Gender::Female),
            voice_tag: Some("warm".into()),
            interests: Some(vec!["chess".into()]),
            level: Some(3),
            tier: Some(Tier { name: "gold".into(), expires_at_ms: None }),
            ..UpdateProfile::default()
        };
        let stands = ports.users.change(&user("alice"), &full, Timestamp(7)).await.unwrap();
        assert_eq!(stands.level, Some(3));
        let kept = ports.users.change(&user("alice"), &UpdateProfile::default(), Timestamp(7)).await.unwrap();
        assert_eq!(kept, stands);

        let cleared = UpdateProfile {
            gender: Some(Gender::Unspecified),
            voice_tag: Some(String::new()),
            interests: Some(Vec::new()),
            level: Some(0),
            tier: Some(Tier { name: String::new(), expires_at_ms: None }),
            ..UpdateProfile::default()
        };
        let empty = ports.users.change(&user("alice"), &cleared, Timestamp(7)).await.unwrap();
        assert_eq!(empty, Profile::empty(user("alice"), Timestamp(7)));
    }

    /// Devices that change different fields at the same moment do not put back each other's, also where there was none.
    async fn fields_that_are_changed_at_once_all_hold(ports) {
        for n in 0..10 {
            let alice = user(&format!("alice{}", n / 2));
            let text = Some(format!("{n}"));
            let changes = [
                UpdateProfile { nickname: text.clone(), ..UpdateProfile::default() },
                UpdateProfile { avatar: text.clone(), ..UpdateProfile::default() },
                UpdateProfile { bio: text.clone(), ..UpdateProfile::default() },
                UpdateProfile { extra: Some(serde_json::json!(n)), ..UpdateProfile::default() },
            ];
            let racers = changes.map(|changes| {
                let (ports, alice) = (ports.clone(), alice.clone());
                async move { ports.users.change(&alice, &changes, Timestamp(7)).await.unwrap() }
            });
            race(ports, racers).await;

            let expected = Profile {
                nickname: text.clone(),
                avatar: text.clone(),
                bio: text,
                extra: Some(serde_json::json!(n)),
                ..Profile::empty(alice.clone(), Timestamp(7))
            };
            assert_eq!(ports.users.profiles(&[alice]).await.unwrap(), [expected]);
        }
    }

    /// The version counts the rows that a user owns, and a profile is none of them.
    async fn a_profile_raises_no_version(ports) {
        ports.users.put(profile("alice", None)).await.unwrap();
        assert_eq!(ports.users.version(&user("alice")).await.unwrap(), 0);
        group(ports, &["alice"]).await;
        assert!(ports.users.version(&user("alice")).await.unwrap() > 0);
        assert_eq!(ports.users.version(&user("bob")).await.unwrap(), 0);
    }
}
