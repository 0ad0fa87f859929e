//! What everything in a simulated world stands on: the executor, the network, the nodes that are up, the links that are open.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{
    super::{Cable, Chance},
    bugs::Bugs,
    executor::{Executor, Process},
    history::Recorder,
    link::Link,
    network::{Network, Place},
};
use crate::{Im, port::Runtime as _};

/// How long a node takes at most to notice that a device is gone.
const NOTICED_WITHIN: Duration = Duration::from_secs(30);

pub(super) struct Ground {
    pub(super) executor: Executor,
    pub(super) network: Arc<Network>,
    pub(super) recorder: Recorder,
    pub(super) bugs: Bugs,
    /// Pushes that wait on a link before there is no room.
    pub(super) room: usize,
    /// Of things that belong to no process.
    pub(super) outside: Process,
    state: Mutex<State>,
}

struct State {
    chance: Chance,
    nodes: Vec<Option<Node>>,
    links: Vec<Arc<Link>>,
    link_count: usize,
}

/// A node that is up.
#[derive(Clone)]
pub(super) struct Node {
    pub(super) number: usize,
    pub(super) im: Im,
    pub(super) process: Process,
    pub(super) cable: Cable,
    /// Whether the others know of it. Before that no device reaches it.
    pub(super) has_joined: bool,
}

impl Ground {
    pub(super) fn new(
        executor: Executor,
        mut chance: Chance,
        bugs: Bugs,
        nodes: usize,
    ) -> Arc<Self> {
        let longest = [1, 5, 40, 200][chance.below(4)];
        let room = [4, 8, 64][chance.below(3)];
        let state = State {
            chance,
            nodes: vec![None; nodes],
            links: Vec::new(),
            link_count: 0,
        };
        Arc::new(Self {
            network: Arc::new(Network::new(Duration::from_millis(longest))),
            recorder: Recorder::default(),
            bugs,
            room,
            outside: executor.process(),
            executor,
            state: Mutex::new(state),
        })
    }

    /// A node begins, or ends.
    pub(super) fn set_node(&self, number: usize, node: Option<Node>) -> Option<Node> {
        std::mem::replace(&mut self.lock().nodes[number], node)
    }

    /// The others know of a node by now.
    pub(super) fn has_joined(&self, number: usize) {
        if let Some(node) = &mut self.lock().nodes[number] {
            node.has_joined = true;
        }
    }

    pub(super) fn node(&self, number: usize) -> Option<Node> {
        self.lock().nodes[number].clone()
    }

    /// A link from a device to one of the nodes that are up and in reach.
    pub(super) fn link(self: &Arc<Self>, device: usize) -> Option<(Node, Arc<Link>)> {
        let mut state = self.lock();
        let State {
            chance,
            nodes,
            links,
            link_count,
        } = &mut *state;
        let reached: Vec<_> = nodes
            .iter()
            .flatten()
            .filter(|node| {
                let (near, far) = (Place::Device(device), Place::Node(node.number));
                node.has_joined && self.network.connects(near, far)
            })
            .collect();
        let node = (*chance.pick(&reached)?).clone();
        *link_count += 1;
        let numbers = (*link_count, device, node.number);
        let link = Link::new(self, numbers, chance.fork());
        links.retain(|link| !link.is_over());
        links.push(Arc::clone(&link));
        Some((node, link))
    }

    /// The links that are open, of those whom this is about.
    pub(super) fn links(&self, is_one: impl Fn(&Link) -> bool) -> Vec<Arc<Link>> {
        let state = self.lock();
        let open = state.links.iter().filter(|link| !link.is_over());
        open.filter(|link| is_one(link)).cloned().collect()
    }

    /// Cuts a link. The node notices at once, or much later.
    pub(super) fn cut(&self, link: &Arc<Link>) {
        link.cut();
        let wait = {
            let mut state = self.lock();
            if state.chance.one_in(2) {
                Duration::ZERO
            } else {
                state.chance.span(NOTICED_WITHIN)
            }
        };
        let (link, noticed) = (Arc::clone(link), self.outside.sleep(wait));
        self.outside.spawn(Box::pin(async move {
            noticed.await;
            link.drop_far_end();
        }));
    }

    /// Lets go of everything.
    pub(super) fn clear(&self) {
        let (nodes, links) = {
            let mut state = self.lock();
            (
                std::mem::take(&mut state.nodes),
                std::mem::take(&mut state.links),
            )
        };
        drop(nodes);
        drop(links);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
