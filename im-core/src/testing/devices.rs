//! Devices.

use super::{UNUSUAL_IDS, device, race, user};
use crate::{
    Device, DeviceClass, Timestamp,
    port::{Ports, Seen},
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
        assert_eq!(ports.devices.remember(first.clone()).await.unwrap(), first);
        assert_eq!(ports.devices.remember(phone("alice", "phone", 900)).await.unwrap(), first);
        assert_eq!(ports.devices.devices(&user("alice")).await.unwrap(), [first]);
        assert_eq!(ports.devices.devices(&user("bob")).await.unwrap(), []);
    }

    /// Only the class follows what the device says.
    async fn a_changed_class_is_written(ports) {
        for class in [DeviceClass::Ios, DeviceClass::Web, DeviceClass::Bot, DeviceClass::Desktop, DeviceClass::Tablet, DeviceClass::Other] {
            let now = Device { class, ..phone("alice", "phone", 900) };
            ports.devices.remember(phone("alice", "phone", 100)).await.unwrap();
            let stored = ports.devices.remember(now).await.unwrap();
            assert_eq!(stored, Device { class, ..phone("alice", "phone", 100) });
            assert_eq!(ports.devices.devices(&user("alice")).await.unwrap(), [stored]);
        }
    }

    /// The ends of sessions may be noted in any order, several times, for devices that are gone.
    async fn last_seen_never_goes_backwards(ports) {
        ports.devices.remember(phone("alice", "a", 100)).await.unwrap();
        ports.devices.remember(phone("alice", "b", 100)).await.unwrap();
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
        ports.devices.remember(phone("u7", "phone", 1)).await.unwrap();
        ports.devices.remember(phone("u999", "phone", 1)).await.unwrap();
        ports.devices.seen((0..1_000).map(|n| seen(&format!("u{n}"), "phone", 9)).collect()).await.unwrap();
        assert_eq!(last_seen(ports, "u7").await, [9]);
        assert_eq!(last_seen(ports, "u999").await, [9]);
    }

    /// In the order of the ids' bytes, whatever they look like.
    async fn devices_are_listed_by_the_bytes_of_the_id(ports) {
        for owner in ["alice", "Alice"] {
            for id in UNUSUAL_IDS {
                ports.devices.remember(phone(owner, id, 1)).await.unwrap();
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
            async move { ports.devices.remember(phone("alice", "phone", n)).await.unwrap() }
        });
        let told = race(ports, racers).await;
        let stored = ports.devices.devices(&user("alice")).await.unwrap();
        assert_eq!(stored.len(), 1);
        assert!(told.iter().all(|device| *device == stored[0]));
    }
}
