//! Changed settings.

use serde_json::json;

use super::race;
use crate::{ChangedSettings, port::Ports};

fn version(version: u64, value: u64) -> ChangedSettings {
    let changed = json!({ "limits": { "page": value, "on": true, "off": 0.5 }, "other": {} });
    ChangedSettings {
        version,
        changed: serde_json::from_value(changed).unwrap(),
    }
}

async fn write(ports: &Ports, settings: ChangedSettings) -> bool {
    ports.settings.write(settings).await.unwrap()
}

suite! { settings_store_suite in settings:
    /// What is read is what was written last, by whoever does not have it.
    async fn what_was_written_last_is_read_by_who_does_not_have_it(ports) {
        assert_eq!(ports.settings.newer(0).await.unwrap(), None);
        for n in 1..4 {
            assert!(write(ports, version(n, n * 10)).await);
            assert_eq!(ports.settings.newer(0).await.unwrap(), Some(version(n, n * 10)));
            assert_eq!(ports.settings.newer(n - 1).await.unwrap(), Some(version(n, n * 10)));
            assert_eq!(ports.settings.newer(n).await.unwrap(), None);
        }
    }

    /// A version that is not the next one changes nothing.
    async fn only_the_next_version_is_written(ports) {
        assert!(!write(ports, version(2, 1)).await);
        assert!(write(ports, version(1, 1)).await);
        for wrong in [1, 3] {
            assert!(!write(ports, version(wrong, 2)).await);
        }
        assert!(write(ports, version(2, 3)).await);
        assert!(!write(ports, version(1, 4)).await);

        assert_eq!(ports.settings.newer(0).await.unwrap(), Some(version(2, 3)));
    }

    /// Of many who change the same version at once, the first as well as a later one, one does.
    async fn of_many_who_write_a_version_one_does(ports) {
        for n in 1..4 {
            let racers = (0..8).map(|value| {
                let ports = ports.clone();
                async move { write(&ports, version(n, value)).await }
            });
            let won = race(ports, racers).await.into_iter().filter(|won| *won).count();
            assert_eq!(won, 1);
        }
    }
}
