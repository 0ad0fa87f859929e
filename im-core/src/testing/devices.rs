//! Devices.

use super::{UNUSUAL_IDS, device, race, user};
use crate::{
    Device, DeviceClass, DeviceId, Room, Timestamp,
    port::{Ports, Remembered, Seen},
};

fn phone(owner: &str, id: &str, at_ms: i64) -> Device {
    Device {
        user: user(owner),
        id: device(id),
        class: DeviceClass::Android,
        created_at_ms: Timestamp(at_ms),
        last_seen_ms: Timestamp(at_ms),
    }
}

fn seen(owner: &str, id: &str, at_ms: i64) -> Seen {
    Seen {
        user: user(owner),
        device: device(id),
        at_ms: Timestamp(at_ms),
    }
}

/// Remembers a device where there is room, and returns what is stored.
async fn remember(ports: &Ports, device: Device) -> Device {
    match ports
        .devices
        .remember(device, &room(1_000, &[]))
        .await
        .unwrap()
    {
        Remembered::Stored { device, forgotten } => {
            assert_eq!(forgotten, []);
            device
        }
        Remembered::Full => panic!("there is room"),
    }
}

fn room(most: usize, staying: &[&str]) -> Room {
    Room {
        most,
        staying: staying.iter().map(|id| device(id)).collect(),
    }
}

async fn ids(ports: &Ports, owner: &str) -> Vec<DeviceId> {
    let devices = ports.devices.devices(&user(owner)).await.unwrap();
    devices.into_iter().map(|device| device.id).collect()
}

async fn last_seen(ports: &Ports, owner: &str) -> Vec<i64> {
    let devices = ports.devices.devices(&user(owner)).await.unwrap();
    devices
        .into_iter()
        .map(|device| device.last_seen_ms.0)
        .collect()
}

suite! { device_store_suite in devices:
    /// The first time counts.
    async fn a_known_device_stays_as_it_was_first_seen(ports) {
        let first = phone("alice", "phone", 100);
        assert_eq!(remember(ports, first.clone()).await, first);
        assert_eq!(remember(ports, phone("alice", "phone", 900)).await, first);
        assert_eq!(ports.devices.devices(&user("alice")).await.unwrap(), [first]);
        assert_eq!(ports.devices.devices(&user("bob")).await.unwrap(), []);
    }

    /// Only the class follows what the device says.
    async fn a_changed_class_is_written(ports) {
        for class in [DeviceClass::Ios, DeviceClass::Web, DeviceClass::Bot, DeviceClass::Desktop, DeviceClass::Tablet, DeviceClass::Other] {
            let now = Device { class, ..phone("alice", "phone", 900) };
            remember(ports, phone("alice", "phone", 100)).await;
            let stored = remember(ports, now).await;
            assert_eq!(stored, Device { class, ..phone("alice", "phone", 100) });
            assert_eq!(ports.devices.devices(&user("alice")).await.unwrap(), [stored]);
        }
    }

    /// The ends of sessions may be noted in any order, several times, for devices that are gone.
    async fn last_seen_never_goes_backwards(ports) {
        remember(ports, phone("alice", "a", 100)).await;
        remember(ports, phone("alice", "b", 100)).await;
        ports.devices.seen(vec![]).await.unwrap();
        ports.devices.seen(vec![seen("alice", "a", 300), seen("alice", "gone", 300), seen("bob", "a", 300)]).await.unwrap();
        assert_eq!(last_seen(ports, "alice").await, [300, 100]);
        ports.devices.seen(vec![seen("alice", "a", 200), seen("alice", "b", 50)]).await.unwrap();
        assert_eq!(last_seen(ports, "alice").await, [300, 100]);
        ports.devices.seen(vec![seen("alice", "b", 500), seen("alice", "b", 400)]).await.unwrap();
        assert_eq!(last_seen(ports, "alice").await, [300, 500]);
        assert!(last_seen(ports, "bob").await.is_empty());
    }

    /// Many sessions end at once.
    async fn many_ends_are_noted_at_once(ports) {
        remember(ports, phone("u7", "phone", 1)).await;
        remember(ports, phone("u999", "phone", 1)).await;
        ports.devices.seen((0..1_000).map(|n| seen(&format!("u{n}"), "phone", 9)).collect()).await.unwrap();
        assert_eq!(last_seen(ports, "u7").await, [9]);
        assert_eq!(last_seen(ports, "u999").await, [9]);
    }

    /// In the order of the ids' bytes, whatever they look like.
    async fn devices_are_listed_by_the_bytes_of_the_id(ports) {
        for owner in ["alice", "Alice"] {
            for id in UNUSUAL_IDS {
                remember(ports, phone(owner, id, 1)).await;
            }
        }
        let mut expected: Vec<_> = UNUSUAL_IDS.iter().map(|id| phone("alice", id, 1)).collect();
        expected.sort_by(|a, b| a.id.cmp(&b.id));
        assert_eq!(ports.devices.devices(&user("alice")).await.unwrap(), expected);
    }

    /// Two sessions of a new device that open at once agree.
    async fn a_raced_device_is_one(ports) {
        let racers = (0..8).map(|n| {
            let ports = ports.clone();
            async move { remember(&ports, phone("alice", "phone", n)).await }
        });
        let told = race(ports, racers).await;
        let stored = ports.devices.devices(&user("alice")).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert!(told.iter().all(|device| *device == stored[0]));
    }

    /// Who was longest away makes room for another one, unless it has a session; other users' devices stay.
    async fn another_device_takes_the_place_of_one_that_was_longest_away(ports) {
        for (id, at) in [("a", 3), ("b", 1), ("c", 2)] {
            remember(ports, phone("alice", id, at)).await;
        }
        remember(ports, phone("bob", "old", 0)).await;
        ports.devices.seen(vec![seen("alice", "b", 9)]).await.unwrap();

        let third = phone("alice", "d", 10);
        let stored = ports.devices.remember(third.clone(), &room(3, &["c"])).await.unwrap();

        assert_eq!(stored, Remembered::Stored { device: third, forgotten: vec![device("a")] });
        assert_eq!(ids(ports, "alice").await, [device("b"), device("c"), device("d")]);
        assert_eq!(ids(ports, "bob").await, [device("old")]);
    }

    /// Where a smaller room was asked for than before, as many go as have to.
    async fn as_many_go_as_are_too_many(ports) {
        for (id, at) in [("a", 3), ("b", 1), ("c", 2)] {
            remember(ports, phone("alice", id, at)).await;
        }

        let stored = ports.devices.remember(phone("alice", "d", 10), &room(2, &[])).await.unwrap();

        let forgotten = vec![device("b"), device("c")];
        assert_eq!(stored, Remembered::Stored { device: phone("alice", "d", 10), forgotten });
        assert_eq!(ids(ports, "alice").await, [device("a"), device("d")]);
    }

    /// Nobody goes for a device that cannot come in.
    async fn where_all_have_sessions_there_is_no_room(ports) {
        for id in ["a", "b"] {
            remember(ports, phone("alice", id, 1)).await;
        }

        let stored = ports.devices.remember(phone("alice", "c", 10), &room(2, &["a", "b"])).await.unwrap();
        assert_eq!(stored, Remembered::Full);
        let stored = ports.devices.remember(phone("alice", "c", 10), &room(1, &["a"])).await.unwrap();
        assert_eq!(stored, Remembered::Full);

        assert_eq!(ids(ports, "alice").await, [device("a"), device("b")]);
    }

    /// A device that is known needs no room, whatever it says that it is.
    async fn a_known_device_needs_no_room(ports) {
        for id in ["a", "b"] {
            remember(ports, phone("alice", id, 1)).await;
        }
        let changed = Device { class: DeviceClass::Web, ..phone("alice", "a", 1) };

        let stored = ports.devices.remember(changed.clone(), &room(1, &["a", "b"])).await.unwrap();

        assert_eq!(stored, Remembered::Stored { device: changed, forgotten: vec![] });
        assert_eq!(ids(ports, "alice").await, [device("a"), device("b")]);
    }

    /// A device that was forgotten is new when it comes again.
    async fn a_device_is_forgotten_once(ports) {
        for (owner, id) in [("alice", "phone"), ("alice", "tablet"), ("bob", "phone")] {
            remember(ports, phone(owner, id, 100)).await;
        }

        assert!(ports.devices.forget(&user("alice"), &device("phone")).await.unwrap());
        assert!(!ports.devices.forget(&user("alice"), &device("phone")).await.unwrap());
        assert!(!ports.devices.forget(&user("carol"), &device("phone")).await.unwrap());

        assert_eq!(ids(ports, "alice").await, [device("tablet")]);
        assert_eq!(ids(ports, "bob").await, [device("phone")]);
        assert_eq!(remember(ports, phone("alice", "phone", 900)).await, phone("alice", "phone", 900));
    }
}
