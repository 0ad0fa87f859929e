//! The simulation's own users: what they do, as the seed says.

use std::{sync::Arc, time::Duration};

use super::{
    super::{Chance, device, user},
    device::{Device, How, Want, key},
    history::{Event, Sight, Wish},
    weather::Rates,
    world::{Setup, World},
};
use crate::{
    Actor, AddMembers, Call as _, ClientId, Command, Content, ConversationId, CreateConversation,
    EditMessage, GetConversation, History, JoinGroup, Joining, KickMembers, LeaveGroup, MarkRead,
    OpenDirect, RecallMessage, SendMessage, Seq, UserId, port::Range,
};

/// How long it takes until every device has caught up for the first time, while nothing fails, and the nodes have looked
/// at what others left before them: else that would come while all rests, and hide what is wrong.
const BEGUN_WITHIN: Duration = Duration::from_secs(40);
/// Longest time between two things that happen.
const PAUSE: Duration = Duration::from_millis(400);
/// How long everything may take to be answered once nothing fails any more.
const ANSWERED_WITHIN: Duration = Duration::from_secs(180);
/// How long the devices take at most to come back and catch up, and the nodes to make good what they did not hear.
const BACK_WITHIN: Duration = Duration::from_secs(60);
/// Devices of each user.
const DEVICES: [usize; 3] = [2, 2, 1];

/// Everybody in a world, and what is left for them to do.
pub(super) struct Users {
    world: World,
    chance: Chance,
    devices: Vec<Arc<Device>>,
    conversations: Vec<ConversationId>,
    asks: usize,
}

impl Users {
    pub(super) fn new(world: World, chance: Chance) -> Self {
        let mut devices = Vec::new();
        for (number, count) in DEVICES.into_iter().enumerate() {
            for place in 0..count {
                let id = device(&format!("d{place}"));
                devices.push(Device::new(&world.ground, name(number), id));
            }
        }
        let conversations = begin(&world);
        for device in &devices {
            device.start();
        }
        world.run_for(BEGUN_WITHIN);
        Self {
            world,
            chance,
            devices,
            conversations,
            asks: 0,
        }
    }

    /// Lives, comes to rest, and looks at what there is.
    pub(super) fn live(mut self, setup: &Setup) -> World {
        // Every other world begins on a bad day.
        if self.chance.one_in(2) {
            self.world.weather(Rates::STORM);
            self.lose_letters();
        }
        for _ in 0..setup.steps {
            self.step(setup);
            // Much of it at once.
            if !self.chance.one_in(3) {
                let pause = self.chance.span(PAUSE);
                self.world.run_for(pause);
            }
        }
        self.rest();
        self.world
    }

    fn step(&mut self, setup: &Setup) {
        let place = self.chance.below(self.devices.len());
        let device = Arc::clone(&self.devices[place]);
        match self.chance.below(112) {
            0..42 => self.say(&device),
            42..48 => self.edit(&device),
            48..54 => self.recall(&device),
            54..62 => self.come_or_go(&device),
            62..70 => self.read(&device),
            70..74 => self.look(&device),
            74..77 => self.view(&device),
            77..85 => self.world.cut(place),
            85..88 => device.restart(),
            88..90 => self.storm(),
            90..91 => self.world.heal(),
            91..94 => {
                let node = self.chance.below(setup.nodes);
                self.world.kill(node);
            }
            94..96 => {
                let node = self.chance.below(setup.nodes);
                self.world.stop(node, Duration::from_secs(5));
            }
            96..99 => {
                let node = self.chance.below(setup.nodes);
                self.world.start(node);
            }
            99..100 => {
                let hours = self.chance.below(3) as i64 - 1;
                let node = self.chance.below(setup.nodes);
                self.world.step_clock(node, hours * 3_600_000);
            }
            _ => self.between_nodes(setup),
        }
    }

    /// Something goes wrong between nodes, or well again.
    fn between_nodes(&mut self, setup: &Setup) {
        let node = self.chance.below(setup.nodes);
        match self.chance.below(12) {
            0..3 => self.world.part(node),
            3..6 => self.world.rejoin(node),
            6 => self.world.flush(),
            7 => {
                // The server of bus and directory ends, and has lost everything when it is back.
                (0..setup.nodes).for_each(|node| self.world.part(node));
                self.world.flush();
            }
            8 => (0..setup.nodes).for_each(|node| self.world.rejoin(node)),
            _ => self.lose_letters(),
        }
    }

    fn lose_letters(&mut self) {
        let network = self.world.network();
        network.lose(*self.chance.pick(&[0, 4, 20]).unwrap_or(&0));
        network.stall(*self.chance.pick(&[0, 4, 20]).unwrap_or(&0));
    }

    fn storm(&mut self) {
        let rates = *self
            .chance
            .pick(&[Rates::STORM, Rates::FAIR])
            .unwrap_or(&Rates::FAIR);
        self.world.weather(rates);
    }

    fn say(&mut self, device: &Arc<Device>) {
        let to = self.somewhere();
        let ask = self.next();
        let text = format!("m{ask} says {}", device.user);
        let how = if self.chance.one_in(3) {
            How::Outbox(to, text.clone())
        } else {
            command(SendMessage::new(to, key(ask), text.clone()).into_command())
        };
        self.want(device, ask, Wish::Say(to, text), how);
    }

    fn edit(&mut self, device: &Arc<Device>) {
        let Some((to, target, text)) = device.said(self.chance.below(16)) else {
            return;
        };
        let ask = self.next();
        let first = super::history::name(&text);
        let text = format!("{first} edited by {ask}");
        let edit = EditMessage {
            conversation: to,
            client_id: key(ask),
            target: Seq(target),
            content: Content::text(text.clone()),
        };
        let how = command(edit.into_command());
        self.want(device, ask, Wish::Edit(to, target, text), how);
    }

    fn recall(&mut self, device: &Arc<Device>) {
        let Some((to, target, _)) = device.said(self.chance.below(16)) else {
            return;
        };
        let ask = self.next();
        let recall = RecallMessage {
            conversation: to,
            client_id: key(ask),
            target: Seq(target),
        };
        let how = command(recall.into_command());
        self.want(device, ask, Wish::Recall(to, target), how);
    }

    /// The first user adds and removes the last one in the first group; in the second, which is open, that one comes and
    /// goes.
    fn come_or_go(&mut self, device: &Arc<Device>) {
        let last = name(DEVICES.len() - 1);
        let (ask, comes) = (self.next(), self.chance.one_in(2));
        let (conversation, client_id) = (self.conversations[0], key(ask));
        let users = vec![last.clone()];
        if device.user != last {
            let owner = Arc::clone(&self.devices[0]);
            let how = if comes {
                let add = AddMembers {
                    conversation,
                    client_id,
                    users,
                };
                add.into_command()
            } else {
                let kick = KickMembers {
                    conversation,
                    client_id,
                    users,
                    reason: None,
                    banned_until_ms: None,
                };
                kick.into_command()
            };
            self.want(&owner, ask, Wish::Move(conversation), command(how));
            return;
        }
        let conversation = self.conversations[1];
        let how = if comes {
            let join = JoinGroup {
                conversation,
                client_id,
            };
            join.into_command()
        } else {
            let leave = LeaveGroup {
                conversation,
                client_id,
            };
            leave.into_command()
        };
        self.want(device, ask, Wish::Move(conversation), command(how));
    }

    fn read(&mut self, device: &Arc<Device>) {
        let conversation = self.somewhere();
        let seq = device.seen(conversation);
        if seq == 0 {
            return;
        }
        let ask = self.next();
        let read = MarkRead {
            conversation,
            seq: Seq(seq),
        };
        let how = command(read.into_command());
        self.want(device, ask, Wish::Read(conversation, seq), how);
    }

    fn look(&mut self, device: &Arc<Device>) {
        let (conversation, ask) = (self.somewhere(), self.next());
        let how = command(History::of(conversation).into_command());
        self.want(device, ask, Wish::Look(conversation), how);
    }

    fn view(&mut self, device: &Arc<Device>) {
        let (conversation, ask) = (self.somewhere(), self.next());
        self.view_of(device, conversation, ask);
    }

    fn view_of(&self, device: &Arc<Device>, conversation: ConversationId, ask: usize) {
        let how = command(GetConversation { conversation }.into_command());
        self.want(device, ask, Wish::View(conversation), how);
    }

    fn want(&self, device: &Arc<Device>, number: usize, wish: Wish, how: How) {
        device.want(Want { number, wish, how });
    }

    fn next(&mut self) -> usize {
        self.asks += 1;
        self.asks
    }

    fn somewhere(&mut self) -> ConversationId {
        let conversations = &self.conversations;
        // Where more is said more goes wrong.
        let place = self.chance.below(conversations.len() + 2);
        conversations[place.saturating_sub(2)]
    }

    /// Nothing fails any more; everything is answered, everybody comes back and catches up, and looks.
    fn rest(&mut self) {
        self.world.heal();
        self.answered();
        self.world.run_for(BACK_WITHIN);
        self.world.recorder().note(Event::Rested);
        for device in self.devices.clone() {
            for conversation in self.conversations.clone() {
                let ask = self.next();
                self.view_of(&device, conversation, ask);
            }
        }
        self.answered();
        for conversation in &self.conversations {
            let log = Arc::clone(&self.world.truth.log);
            let all = Range::After(Seq::ZERO);
            let id = *conversation;
            let read = async move { log.read(id, all, usize::MAX).await };
            let entries = self.world.executor().block_on(ANSWERED_WITHIN, read);
            let entries = entries.and_then(Result::ok).unwrap_or_default();
            self.world.recorder().note(Event::Log {
                conversation: id,
                entries: entries.iter().map(Sight::of).collect(),
            });
        }
    }

    fn answered(&self) {
        let devices = &self.devices;
        let is_so = || devices.iter().all(|device| device.is_content());
        self.world.executor().run_until(ANSWERED_WITHIN, is_so);
    }
}

/// Two groups, the second of them open, and a direct conversation.
fn begin(world: &World) -> Vec<ConversationId> {
    let Some(im) = world.node(0) else {
        return Vec::new();
    };
    let everybody = (0..DEVICES.len()).map(name);
    let first = CreateConversation::group(id("g0"), everybody);
    let second = CreateConversation {
        joining: Joining::Open,
        ..CreateConversation::group(id("g1"), [name(1)])
    };
    let begun = async move {
        let owner = Actor::user(name(0));
        let first = im.call(&owner, first).await?.conversation;
        let second = im.call(&owner, second).await?.conversation;
        let direct = im.call(&owner, OpenDirect { user: name(1) }).await?;
        Ok::<_, crate::Rejection>(vec![first, second, direct.conversation])
    };
    let begun = world.executor().block_on(ANSWERED_WITHIN, begun);
    begun.and_then(Result::ok).unwrap_or_default()
}

fn name(number: usize) -> UserId {
    user(&format!("u{number}"))
}

fn id(text: &str) -> ClientId {
    ClientId::new(text).expect("letters and digits are an id")
}

fn command(command: Command) -> How {
    How::Command(Box::new(command))
}
