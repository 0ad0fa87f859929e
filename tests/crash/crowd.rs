//! The devices of a run: they come, talk, settle and go; and what must hold of them then.

use std::{
    cell::RefCell,
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use tests::random::Random;
use tokio::{
    sync::watch,
    task::{JoinHandle, spawn_local},
    time::{sleep, timeout},
};

use crate::{
    Violation, audit,
    device::{Device, Phase, Until},
    stage,
    world::World,
};

/// How long devices may take to come back, or to get what they lack.
const PATIENCE: Duration = Duration::from_secs(20);

/// All devices, and what is known of them.
pub(crate) struct Crowd {
    pub(crate) world: Rc<RefCell<World>>,
    /// Those that are at rest.
    devices: Vec<Device>,
    /// Those that live.
    living: Vec<JoinHandle<(Device, Result<(), Violation>)>>,
    phase: watch::Sender<Phase>,
    audited: audit::Totals,
}

impl Crowd {
    /// Makes users and conversations at a server that runs, and the devices.
    pub(crate) async fn set_up(
        address: SocketAddr,
        key: &str,
        random: &mut Random,
    ) -> Result<Self, Violation> {
        let world = Rc::default();
        let devices = stage::set_up(address, key, &world, random).await;
        let devices = devices.map_err(|error| format!("setting up: {error}"))?;
        Ok(Self {
            world,
            devices,
            living: Vec::new(),
            phase: watch::Sender::new(Phase::Settle),
            audited: audit::Totals::default(),
        })
    }

    /// Lets all devices come to the servers that they know.
    pub(crate) fn come(&mut self, servers: &[SocketAddr], until: Until) {
        self.phase.send_replace(Phase::Settle);
        let servers: Rc<[SocketAddr]> = servers.into();
        let living = self.devices.drain(..).map(|device| {
            let (servers, phase) = (Rc::clone(&servers), self.phase.subscribe());
            spawn_local(device.live(servers, phase, until))
        });
        self.living.extend(living);
    }

    /// Lets the devices ask for things from now on.
    pub(crate) fn talk(&self) {
        self.phase.send_replace(Phase::Load);
    }

    /// Lets time pass; ends early when something is wrong.
    pub(crate) async fn pass(&self, span: Duration) -> Result<(), Violation> {
        sleep(span).await;
        let violation = self.world.borrow().violation.clone();
        violation.map_or(Ok(()), Err)
    }

    /// Lets the devices ask for nothing more, and waits until each has everything; then audits. Returns how long it
    /// took until each had everything.
    pub(crate) async fn converge(&mut self, address: SocketAddr) -> Result<Duration, Violation> {
        self.phase.send_replace(Phase::Settle);
        let began = Instant::now();
        self.even(began).await?;
        let mut took = began.elapsed();
        let logs = loop {
            match timeout(PATIENCE, stage::logs(address, &self.world)).await {
                Ok(Ok(logs)) => break logs,
                // Of what was away, a connection may be left that nobody has used since.
                Ok(Err(_)) if began.elapsed() < PATIENCE => took = began.elapsed(),
                Ok(Err(error)) => return Err(format!("reading the logs: {error}")),
                Err(_) => return Err("reading the logs takes too long".to_owned()),
            }
        };
        // What is stored and nobody had heard of may still be on its way.
        loop {
            let outcome = audit::devices(&self.world.borrow(), &logs);
            match outcome {
                Ok(()) => break,
                Err(violation) if began.elapsed() > PATIENCE => return Err(violation),
                Err(_) => sleep(Duration::from_millis(5)).await,
            }
            took = began.elapsed();
        }
        self.audited = audit::audit(&self.world.borrow(), &logs)?;
        Ok(took)
    }

    /// Waits until nobody waits for an answer and nobody is behind another.
    async fn even(&self, began: Instant) -> Result<(), Violation> {
        while !self.is_even()? {
            if began.elapsed() > PATIENCE {
                let behind = self.world.borrow().whereabouts();
                return Err(format!("not in one state within {PATIENCE:?}: {behind}"));
            }
            sleep(Duration::from_millis(2)).await;
        }
        Ok(())
    }

    fn is_even(&self) -> Result<bool, Violation> {
        let world = self.world.borrow();
        match &world.violation {
            Some(violation) => Err(violation.clone()),
            None => Ok(world.is_settled() && world.is_even()),
        }
    }

    /// Waits until all devices are at rest: their server is gone, or they are told to go now.
    pub(crate) async fn rest(&mut self, until: Until) -> Result<(), Violation> {
        if until == Until::End {
            self.phase.send_replace(Phase::End);
        }
        let mut violation = None;
        for device in self.living.drain(..) {
            match device.await {
                Ok((device, outcome)) => {
                    self.devices.push(device);
                    violation = violation.or(outcome.err());
                }
                Err(error) => violation = Some(format!("a device: {error}")),
            }
        }
        violation.map_or(Ok(()), Err)
    }

    /// What the last audit looked at.
    pub(crate) fn audited(&self) -> audit::Totals {
        self.audited
    }
}
