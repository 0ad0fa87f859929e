//! Cases of several processes or stores on one database, for every database alike.
//!
//! A second process is this test binary again: it runs the same test, finds an address in its environment, and plays the
//! second writer.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

use std::{
    collections::BTreeSet,
    env,
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use im_core::{
    Body, ConversationId, Seq, Settings, SettingsPatch, Store, StoreError, Timestamp,
    UpdateProfile,
    port::{Appended, Ports, Range},
    testing::{Draft, Log, append_until_stored, audit, created, said, user},
};
use im_store::SqlStore;

const ADDRESS: &str = "IM_TEST_SECOND_ADDRESS";
const CONVERSATIONS: &str = "IM_TEST_SECOND_CONVERSATIONS";

/// What the second process was told, when this is the second process.
pub(crate) struct Second {
    pub(crate) address: String,
    conversations: Vec<ConversationId>,
}

/// Whether this process plays the second writer.
pub(crate) fn second() -> Option<Second> {
    let address = env::var(ADDRESS).ok()?;
    let conversations = env::var(CONVERSATIONS).unwrap();
    Some(Second {
        address,
        conversations: conversations
            .split(',')
            .map(|id| id.parse().unwrap())
            .collect(),
    })
}

/// The second process, killed at the latest when the test ends.
struct Process(Child);

impl Process {
    fn start(
        test: &str,
        address: &str,
        conversations: &[ConversationId],
    ) -> (Self, BufReader<ChildStdout>) {
        let ids: Vec<String> = conversations.iter().map(ToString::to_string).collect();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(ADDRESS, address)
            .env(CONVERSATIONS, ids.join(","))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        (Self(child), lines)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

async fn groups(ports: &Ports, count: usize) -> Vec<ConversationId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let mut log = Log::new();
        log.store(ports, [Draft::new("alice", created(&["alice"]))])
            .await;
        ids.push(log.conversation);
    }
    ids
}

/// Many tasks per process, so that both commit batches that hold the same conversations.
async fn write(ports: &Ports, name: &str, conversations: &[ConversationId]) {
    let racers = (0..12).map(|task| {
        let (ports, name, all) = (ports.clone(), name.to_owned(), conversations.to_vec());
        async move {
            for n in 0..12 {
                let at = all[(task + n) % all.len()];
                let draft = Draft::under(&name, &format!("{task}-{n}"), said("x"));
                append_until_stored(&ports, at, draft).await;
                if n % 4 == 0 {
                    let members = vec![user(&name), user("both")];
                    let body = if (n / 4 + task) % 2 == 0 {
                        Body::MembersAdded {
                            members,
                            since: None,
                        }
                    } else {
                        Body::Kicked {
                            members,
                            reason: None,
                            banned_until_ms: None,
                        }
                    };
                    append_until_stored(&ports, at, Draft::new("alice", body)).await;
                }
            }
        }
    });
    im_core::testing::race(ports, racers).await;
}

/// Two processes append to the same conversations: no hole, no repeat, nothing lost, and the members as the log says.
pub(crate) async fn two_processes_lose_nothing(test: &str, address: &str) {
    let ports = SqlStore::open(address).await.unwrap().ports();
    let ids = groups(&ports, 5).await;
    let (mut process, lines) = Process::start(test, address, &ids);

    write(&ports, "first", &ids).await;
    lines.lines().for_each(drop);
    assert!(
        process.0.wait().unwrap().success(),
        "the second writer failed"
    );

    let mut messages = 0;
    for at in ids {
        let mut present = BTreeSet::from([user("alice")]);
        for entry in audit(&ports, at).await {
            match entry.body {
                Body::Message(_) => messages += 1,
                Body::MembersAdded { members, .. } => present.extend(members),
                Body::Kicked { members, .. } => present.retain(|user| !members.contains(user)),
                _ => {}
            }
        }
        let roster = ports.members.roster(at, None, 10).await.unwrap();
        assert_eq!(
            roster
                .into_iter()
                .map(|member| member.user)
                .collect::<BTreeSet<_>>(),
            present
        );
        let info = ports.log.load(at).await.unwrap().unwrap().info;
        assert_eq!(info.member_count as usize, present.len());
    }
    assert_eq!(messages, 2 * 12 * 12);
}

/// The second process of [`two_processes_lose_nothing`].
pub(crate) async fn write_as_second(second: Second) {
    let ports = SqlStore::open(&second.address).await.unwrap().ports();
    write(&ports, "second", &second.conversations).await;
}

/// A process that is killed in the middle of its commits tears nothing, and what it had acknowledged is there.
pub(crate) async fn a_killed_writer_loses_nothing(test: &str, address: &str) {
    let ports = SqlStore::open(address).await.unwrap().ports();
    let ids = groups(&ports, 3).await;
    let mut acked: Vec<(ConversationId, Seq)> = Vec::new();
    for round in 0..5 {
        let (process, lines) = Process::start(test, address, &ids);
        let mut lines = lines.lines();
        for _ in 0..20 + round * 17 {
            let line = lines.next().expect("the second writer goes on").unwrap();
            let Some((id, seq)) = line
                .strip_prefix("acked ")
                .and_then(|line| line.split_once(' '))
            else {
                continue;
            };
            acked.push((id.parse().unwrap(), Seq(seq.parse().unwrap())));
        }
        drop(process);
        for at in &ids {
            append_until_stored(&ports, *at, Draft::new("alice", said("after the kill"))).await;
        }
    }

    for at in &ids {
        let entries = audit(&ports, *at).await;
        let torn = entries
            .iter()
            .filter(|entry| entry.sender == user("second"));
        assert_eq!(torn.count() % 3, 0, "a part of an append is visible");
    }
    for (at, seq) in acked {
        let page = ports
            .log
            .read(at, Range::After(seq.previous()), 1)
            .await
            .unwrap();
        assert_eq!((page[0].seq, &page[0].sender), (seq, &user("second")));
    }
}

/// The second process of [`a_killed_writer_loses_nothing`]: appends until it is killed, and says what is stored.
pub(crate) async fn write_for_ever(second: Second) {
    let ports = SqlStore::open(&second.address).await.unwrap().ports();
    let racers = (0..6).map(|task| {
        let (ports, at) = (
            ports.clone(),
            second.conversations[task % second.conversations.len()],
        );
        async move {
            loop {
                let head = ports.log.load(at).await.unwrap().unwrap().head;
                let mut log = Log {
                    conversation: at,
                    head,
                };
                let append = log.append((0..3).map(|_| Draft::new("second", said("x"))));
                if ports.log.append(append).await.unwrap() == Appended::Stored {
                    println!("acked {at} {}", log.head.seq);
                }
            }
        }
    });
    im_core::testing::race::<()>(&ports, racers).await;
}

/// Stores that open a fresh database at the same moment agree on it.
pub(crate) async fn a_fresh_database_can_be_opened_by_several_at_once(address: &str) {
    let opening = (0..4).map(|_| {
        let address = address.to_owned();
        tokio::spawn(async move { SqlStore::open(&address).await })
    });
    let mut epochs = BTreeSet::new();
    for opened in opening.collect::<Vec<_>>() {
        let ports = opened.await.unwrap().unwrap().ports();
        epochs.insert(ports.log.epoch().await.unwrap().0);
    }
    assert_eq!(epochs.len(), 1);
}

/// Two stores that change different settings, or different fields of a profile, at the same moment do not put back each
/// other's. Within one store the writers take turns.
pub(crate) async fn two_stores_keep_each_others_changes(address: &str) {
    let first = SqlStore::open(address).await.unwrap().ports();
    let second = SqlStore::open(address).await.unwrap().ports();
    let (at, alice, now) = (groups(&first, 1).await[0], user("alice"), Timestamp(0));
    let nothing = UpdateProfile::default();
    for n in 1..=30 {
        let settings = Settings {
            pinned: n % 2 == 1,
            muted_until_ms: Some(Timestamp(n)),
            ..Settings::default()
        };
        let pin = SettingsPatch {
            pinned: Some(settings.pinned),
            muted_until_ms: None,
            ..SettingsPatch::default()
        };
        let mute = SettingsPatch {
            pinned: None,
            muted_until_ms: settings.muted_until_ms,
            ..SettingsPatch::default()
        };
        let (pinned, muted) = tokio::join!(
            first.members.change_settings(&alice, at, pin, now),
            second.members.change_settings(&alice, at, mute, now)
        );
        assert!(pinned.is_ok() && muted.is_ok());
        let row = first.members.membership(&alice, at).await.unwrap();
        assert_eq!(row.unwrap().settings, settings, "round {n}");

        // Every other round is the first of a user.
        let named = user(&format!("named{}", n / 2));
        let name = UpdateProfile {
            nickname: Some(n.to_string()),
            ..nothing.clone()
        };
        let bio = UpdateProfile {
            bio: Some(n.to_string()),
            ..nothing.clone()
        };
        let (renamed, told) = tokio::join!(
            first.users.change(&named, &name, now),
            second.users.change(&named, &bio, now)
        );
        assert!(renamed.is_ok() && told.is_ok());
        let profile = first.users.profiles(&[named]).await.unwrap().remove(0);
        assert_eq!(
            (profile.nickname, profile.bio),
            (name.nickname, bio.bio),
            "round {n}"
        );
    }
}

/// What a start leaves behind that was killed before it noted its migration, by the tables that it came to. Databases
/// whose definitions commit with the note never look like this; they take it as well.
const INTERRUPTED: [&[&str]; 3] = [
    &[],
    &["server_key"],
    &[
        "server_key",
        "refresh_token",
        "token_family",
        "account",
        "device",
        "block",
        "profile",
        "feed",
        "member",
    ],
];

/// A first start that was interrupted is gone on with by the next.
pub(crate) async fn an_interrupted_first_start_is_gone_on_with<F: Future<Output = ()>>(
    address: &str,
    run: impl Fn(String) -> F,
) {
    for missing in INTERRUPTED {
        drop(SqlStore::open(address).await.unwrap());
        run("DELETE FROM seaql_migrations".into()).await;
        run("DELETE FROM meta".into()).await;
        for table in missing {
            run(format!("DROP TABLE {table}")).await;
        }

        let ports = SqlStore::open(address).await.unwrap().ports();

        let at = groups(&ports, 1).await[0];
        append_until_stored(&ports, at, Draft::new("alice", said("after"))).await;
        assert_eq!(audit(&ports, at).await.len(), 2);
        let roster = ports.members.roster(at, None, 10).await.unwrap();
        assert_eq!(roster.len(), 1);
        assert_eq!(ports.tokens.key([7; 32]).await.unwrap(), None);
    }
}

/// Connections that break while appends run fail some of them, lose none that was acknowledged, and are replaced.
#[allow(dead_code, reason = "SQLite has no connections that break")]
pub(crate) async fn broken_connections_lose_nothing<F: Future<Output = ()>>(
    ports: &Ports,
    break_them: impl Fn() -> F,
) {
    let ids = groups(ports, 3).await;
    let racers = (0..6).map(|task| {
        let (ports, at) = (ports.clone(), ids[task % 3]);
        async move {
            let mut acked = Vec::new();
            while acked.len() < 60 {
                let Ok(Some(snapshot)) = ports.log.load(at).await else {
                    continue;
                };
                let mut log = Log {
                    conversation: at,
                    head: snapshot.head,
                };
                let append = log.append([Draft::new("alice", said("x"))]);
                if let Ok(Appended::Stored) = ports.log.append(append).await {
                    acked.push((at, log.head.seq));
                }
            }
            acked
        }
    });
    let breaking = async {
        for _ in 0..5 {
            tokio::time::sleep(Duration::from_millis(60)).await;
            break_them().await;
        }
    };

    let (acked, ()) = tokio::join!(im_core::testing::race(ports, racers), breaking);

    let mut stored = BTreeSet::new();
    for at in ids {
        stored.extend(
            audit(ports, at)
                .await
                .into_iter()
                .map(|entry| (at, entry.seq)),
        );
    }
    let acked: Vec<_> = acked.into_iter().flatten().collect();
    assert_eq!(
        acked.iter().collect::<BTreeSet<_>>().len(),
        6 * 60,
        "two writers were told the same seq"
    );
    assert!(acked.iter().all(|place| stored.contains(place)));
}

/// Connections that broke while nobody used them fail nobody.
#[allow(dead_code, reason = "SQLite has no connections that break")]
pub(crate) async fn connections_that_broke_when_it_was_quiet_fail_nobody<F>(
    ports: &Ports,
    break_them: impl Fn() -> F,
) where
    F: Future<Output = ()>,
{
    let [at] = groups(ports, 1).await[..] else {
        unreachable!()
    };
    // More at once than there are connections to read.
    let read = async || {
        let readers = (0..16).map(|_| {
            let ports = ports.clone();
            async move { ports.log.load(at).await.unwrap().unwrap().head }
        });
        im_core::testing::race(ports, readers).await[0]
    };
    for round in 0..3 {
        let head = read().await;
        let mut log = Log {
            conversation: at,
            head,
        };
        break_them().await;
        tokio::time::sleep(Duration::from_millis(1_100)).await;

        let outcome = ports
            .log
            .append(log.append([Draft::new("alice", said("x"))]));

        assert_eq!(outcome.await.unwrap(), Appended::Stored, "{round}");
        assert_eq!(read().await.seq, log.head.seq, "{round}");
        // Neither does what is written beside the log.
        let (holder, now) = (uuid::Uuid::nil(), Timestamp(1));
        let taken = ports.leases.take("quiet", holder, now, Timestamp(2)).await;
        assert!(taken.unwrap(), "{round}");
    }
}

/// A database that a newer build wrote is refused with a sentence that says so.
pub(crate) fn is_refusal_of_a_newer_schema(error: &StoreError) -> bool {
    error.source.to_string().contains("newer build")
}
