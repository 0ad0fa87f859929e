//! What an engine is made of, before it is one.

use std::{sync::Arc, time::Duration};

use super::Im;
use crate::{
    Limits, LoginPolicy,
    engine::{Engine, Hooks},
    hook::{After, AfterOptions, Before, BeforeOptions},
    port::{Adjustable, Authenticator, Bus, Directory, Ports, Runtime},
};

/// What an engine is made of.
pub struct Builder {
    ports: Ports,
    authenticator: Arc<dyn Authenticator>,
    limits: Limits,
    adjustable: Vec<Arc<dyn Adjustable>>,
    heartbeat: Duration,
    login_policy: LoginPolicy,
    hooks: Hooks,
    others: Option<(Arc<dyn Bus>, Arc<dyn Directory>)>,
}

impl Builder {
    /// What has no default, and defaults for the rest.
    pub(super) fn new(ports: Ports, authenticator: Arc<dyn Authenticator>) -> Self {
        Self {
            ports,
            authenticator,
            limits: Limits::default(),
            adjustable: Vec::new(),
            heartbeat: Duration::from_secs(25),
            login_policy: LoginPolicy::default(),
            hooks: Hooks::default(),
            others: None,
        }
    }

    /// Asks a hook before anything is written, after those that were registered before it, with
    /// [`BeforeOptions::default`].
    #[must_use]
    pub fn before(self, hook: impl Before) -> Self {
        self.before_with(hook, BeforeOptions::default())
    }

    /// As [`Builder::before`], with options of its own.
    #[must_use]
    pub fn before_with(mut self, hook: impl Before, options: BeforeOptions) -> Self {
        self.hooks.ask(hook, options);
        self
    }

    /// Tells a hook of every entry that this engine stored, after it was delivered, with [`AfterOptions::default`].
    #[must_use]
    pub fn after(self, hook: impl After) -> Self {
        self.after_with(hook, AfterOptions::default())
    }

    /// As [`Builder::after`], with options of its own.
    #[must_use]
    pub fn after_with(mut self, hook: impl After, options: AfterOptions) -> Self {
        self.hooks.inform(hook, options);
        self
    }

    /// The ports that the engine will work on, for hooks that need some.
    #[must_use]
    pub const fn ports(&self) -> &Ports {
        &self.ports
    }

    /// The bounds of what is accepted, until an admin changes some. Default: [`Limits::default`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many devices of each class may have sessions at a time. Default: [`LoginPolicy::default`], any number.
    #[must_use]
    pub const fn login_policy(mut self, policy: LoginPolicy) -> Self {
        self.login_policy = policy;
        self
    }

    /// Lets admins change a group of the host's own settings as they change the limits: see [`Im::follow_settings`].
    #[must_use]
    pub fn adjustable(mut self, settings: Arc<dyn Adjustable>) -> Self {
        self.adjustable.push(settings);
        self
    }

    /// How often a device on a link must be heard. Default 25 s: below the 30 s after which some mobile networks drop
    /// a silent connection.
    #[must_use]
    pub const fn heartbeat(mut self, span: Duration) -> Self {
        self.heartbeat = span;
        self
    }

    /// The executor and the clock. Default: those that the store brings.
    #[must_use]
    pub fn runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.ports.runtime = runtime;
        self
    }

    /// Makes the engine one of several nodes on one store, once it has [joined](Im::join): they tell each other by `bus` what
    /// they store, and by `directory` where users are.
    #[must_use]
    pub fn cluster(mut self, bus: impl Bus, directory: impl Directory) -> Self {
        self.others = Some((Arc::new(bus), Arc::new(directory)));
        self
    }

    /// The engine. It needs no start; see [`Im::housekeep`] for what happens at a time.
    #[must_use]
    pub fn build(self) -> Im {
        let mut engine = Engine::new(
            self.ports,
            self.authenticator,
            (self.limits, self.adjustable),
            self.heartbeat,
        )
        .with_hooks(self.hooks)
        .with_login_policy(self.login_policy);
        if let Some((bus, directory)) = self.others {
            engine = engine.among(bus, directory);
        }
        let engine = Arc::new(engine);
        engine.find_house();
        Im { engine }
    }
}
