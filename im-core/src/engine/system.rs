//! Settings that an admin changes while the node runs: held here, read from the store twice a second.
//!
//! The limits are read many times for each message, so they stand where reading takes no lock.

use std::{
    ops::Deref,
    panic::AssertUnwindSafe,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use serde_json::{Map, Value};

use super::{
    Engine, lock,
    nodes::{Changed, Letter, To},
};
use crate::{
    ChangeSystemSettings, ChangedSettings, Code, Limits, Rejection, SettingGroups, StoreError,
    SystemSettings,
    port::Adjustable,
    state::{adjustable, adjusted, changed, holding},
};

/// How often it is looked for what an admin changed on another node.
const LOOK: Duration = Duration::from_millis(500);
/// How long not, after the store did not answer.
const PAUSE: Duration = Duration::from_secs(5);
/// How often a change is decided again because others changed something at the same moment.
const TRIES: usize = 8;

/// The settings of a node.
pub(super) struct System {
    limits: Arc<Bounds>,
    groups: Vec<Arc<dyn Adjustable>>,
    held: Mutex<ChangedSettings>,
    is_followed: AtomicBool,
}

/// The limits: as they were configured, and as they are.
struct Bounds {
    configured: Limits,
    current: ArcSwap<Limits>,
}

impl Adjustable for Bounds {
    fn name(&self) -> &'static str {
        "limits"
    }

    fn configured(&self) -> Map<String, Value> {
        adjustable(&self.configured)
    }

    fn check(&self, settings: &Map<String, Value>) -> Result<(), String> {
        adjusted(&self.configured, settings).map(drop)
    }

    fn hold(&self, settings: &Map<String, Value>) {
        if let Ok(limits) = adjusted(&self.configured, settings) {
            self.current.store(Arc::new(limits));
        }
    }
}

impl System {
    pub(super) fn new(limits: Limits, others: Vec<Arc<dyn Adjustable>>) -> Self {
        let limits = Arc::new(Bounds {
            current: ArcSwap::from_pointee(limits.clone()),
            configured: limits,
        });
        let mut groups: Vec<Arc<dyn Adjustable>> = vec![limits.clone()];
        groups.extend(others);
        Self {
            limits,
            groups,
            held: Mutex::default(),
            is_followed: AtomicBool::new(false),
        }
    }

    fn configured(&self) -> SettingGroups {
        let groups = self.groups.iter();
        groups
            .map(|group| (group.name().to_owned(), group.configured()))
            .collect()
    }

    /// Whether a change could hold here.
    fn check(&self, changed: &SettingGroups) -> Result<(), Rejection> {
        for group in &self.groups {
            let settings = holding(&group.configured(), changed.get(group.name()));
            group.check(&settings).map_err(|why| {
                let detail = format!("{}.{why}; nothing was changed", group.name());
                Rejection::new(Code::InvalidRequest, detail)
            })?;
        }
        Ok(())
    }

    /// Holds what is newer than what is held. A group in which something cannot hold here stays as it is.
    fn hold(&self, settings: ChangedSettings) {
        let mut held = lock(&self.held);
        if settings.version <= held.version {
            return;
        }
        for group in &self.groups {
            let all = holding(&group.configured(), settings.changed.get(group.name()));
            match group.check(&all) {
                Ok(()) => group.hold(&all),
                Err(why) => {
                    let (group, version) = (group.name(), settings.version);
                    tracing::error!(
                        group,
                        version,
                        "changed settings do not fit what is configured here: {why}"
                    );
                }
            }
        }
        *held = settings;
    }

    fn view(&self) -> SystemSettings {
        let ChangedSettings { version, changed } = lock(&self.held).clone();
        let configured = self.configured();
        let groups = configured.iter();
        SystemSettings {
            version,
            holding: groups
                .map(|(name, all)| (name.clone(), holding(all, changed.get(name))))
                .collect(),
            configured,
            changed,
        }
    }
}

impl Engine {
    /// The bounds that hold at this moment. Not to be kept over a wait: what an admin changes would not be seen.
    pub(crate) fn limits(&self) -> impl Deref<Target = Arc<Limits>> {
        self.system.limits.current.load()
    }

    /// Begins to look for what an admin changes on other nodes.
    pub(crate) fn follow_settings(self: &Arc<Self>) {
        if !self.system.is_followed.swap(true, Ordering::AcqRel) {
            let task = follow(Arc::downgrade(self));
            self.ports.runtime.spawn(Box::pin(task));
        }
    }

    pub(crate) async fn look_at_settings(&self) -> Result<(), StoreError> {
        let version = lock(&self.system.held).version;
        if let Some(newer) = self.ports.settings.newer(version).await? {
            self.system.hold(newer);
        }
        Ok(())
    }

    pub(super) async fn system_settings(&self) -> Result<SystemSettings, Rejection> {
        self.look_at_settings().await?;
        Ok(self.system.view())
    }

    pub(super) async fn change_system_settings(
        &self,
        ask: ChangeSystemSettings,
    ) -> Result<SystemSettings, Rejection> {
        for _ in 0..TRIES {
            self.look_at_settings().await?;
            let before = lock(&self.system.held).clone();
            if ask.version.is_some_and(|version| version != before.version) {
                return Err(conflict(before.version));
            }
            let configured = self.system.configured();
            let after = changed(&configured, &before.changed, &ask.changes)?;
            self.system.check(&after)?;
            if after == before.changed {
                return Ok(self.system.view());
            }
            let next = ChangedSettings {
                version: before.version + 1,
                changed: after,
            };
            if self.ports.settings.write(next.clone()).await? {
                self.system.hold(next);
                self.write_to(To::All, &Letter::Changed(Changed::Settings));
                return Ok(self.system.view());
            }
        }
        Err(Rejection::new(
            Code::Overloaded,
            "others change the settings at the same moment; try again",
        ))
    }
}

fn conflict(version: u64) -> Rejection {
    let detail = format!(
        "the settings are at version {version} by now; look at them, and change that version"
    );
    Rejection::new(Code::Conflict, detail)
}

/// Ends with the engine.
async fn follow(engine: Weak<Engine>) {
    loop {
        let sleep = {
            let Some(engine) = engine.upgrade().filter(|engine| !engine.is_closing()) else {
                return;
            };
            let looking = AssertUnwindSafe(engine.look_at_settings());
            let pause = match looking.catch_unwind().await {
                Ok(Ok(())) => LOOK,
                Ok(Err(error)) => {
                    // Logged by the conversion.
                    let _ = Rejection::from(error);
                    PAUSE
                }
                Err(_) => {
                    tracing::error!("looking at the settings panicked");
                    PAUSE
                }
            };
            engine.ports.runtime.sleep(pause)
        };
        sleep.await;
    }
}
