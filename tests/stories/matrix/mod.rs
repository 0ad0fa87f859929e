//! The matrix of authorisation: every command and every route, by everybody, with every id. `commands.txt` and
//! `routes.txt` say what becomes of each; a command, a route or an id without a row fails here.
//!
//! Four columns are in no table, because a rule says what is in them: *anonymous* gets `unauthenticated` everywhere; a
//! member with a token for *reading* gets what the member gets, or `forbidden` where something is written; an *operator
//! whose token is no admin's* is refused what takes one; and what is `not_found` is, byte for byte, what it would be if
//! it were not there.

mod doors;
mod routes;
mod stage;
mod table;

use std::collections::BTreeMap;

use im_core::{Access, Command, METHODS, Scope, Scopes};
use serde_json::{Value, json};

use self::{
    doors::Doors,
    stage::{CALLERS, Caller, House, LATER, SAID, Stage, ask},
    table::{Block, Row, commands},
};
use crate::world::{Answer, ByHand, Frame, Rest};

/// What a cell came to: nothing to complain of, or the whole refusal.
type Outcome = Result<Value, Value>;

/// How an ask reaches the engine.
enum Door {
    Process,
    Rest(Doors),
}

/// One walk through a table: complaints are gathered, so that one run shows them all.
struct Walk {
    house: House,
    stage: Stage,
    door: Door,
    /// What each caller was refused with, by row.
    refusals: BTreeMap<(String, String, Caller), Value>,
    wrong: Vec<String>,
}

impl Walk {
    async fn new(door: impl AsyncFnOnce(&House) -> Door) -> Self {
        let house = House::open().await;
        let stage = Stage::new(&house).await;
        let door = door(&house).await;
        Self {
            house,
            stage,
            door,
            refusals: BTreeMap::new(),
            wrong: Vec::new(),
        }
    }

    /// Asks as somebody, with all that this caller may or with less.
    async fn outcome(
        &self,
        caller: Caller,
        scopes: Option<Scopes>,
        method: &str,
        params: &Value,
    ) -> Option<Outcome> {
        match &self.door {
            Door::Process => {
                let actor = self.stage.actor(caller);
                let actor = scopes.map_or(actor.clone(), |scopes| actor.with_scopes(scopes));
                let done = ask(self.house.im(), &actor, method, params).await;
                Some(done.map_err(|rejection| json!(rejection)))
            }
            Door::Rest(doors) => {
                let request = doors.request(method, params)?;
                let rest = self.caller(caller, scopes).await;
                Some(outcome_of(request.send(&rest).await))
            }
        }
    }

    async fn caller(&self, caller: Caller, scopes: Option<Scopes>) -> Rest {
        let address = self.house.server.address();
        let name = self.stage.user(caller.name());
        if caller == Caller::Service {
            return Rest::new(address, Some(self.house.key.clone())).acting_for(&name);
        }
        let token = self.house.token(&name, scopes.unwrap_or(Scopes::ALL));
        Rest::new(address, Some(token.await))
    }

    async fn row(&mut self, block: &Block, row: &Row) {
        let params = row.params(block);
        let mut found = Vec::new();
        for caller in CALLERS {
            let filled = self.stage.filled(&params);
            let Some(outcome) = self.outcome(caller, None, &block.name, &filled).await else {
                return;
            };
            found.push(word(&outcome));
            match outcome {
                Ok(reply) => {
                    self.check_secrets(caller, block, &reply);
                    if !matches!(access(&block.name), Access::Read | Access::Inspect) {
                        self.stage = Stage::new(&self.house).await;
                    }
                }
                Err(refusal) => {
                    let cell = (block.name.clone(), row.label.clone(), caller);
                    self.refusals.insert(cell, refusal);
                    let is_written = access(&block.name) == Access::Write;
                    if is_written && self.stage.head(&self.house).await != self.stage.said_until {
                        self.wrong
                            .push(format!("{} {}: refused, and done", block.name, row.label));
                    }
                }
            }
        }
        if found != row.cells {
            let found = found.join(" ");
            self.wrong
                .push(format!("{}\n    {:<26} {found}", block.name, row.label));
        }
    }

    /// Nobody is told what was said among members, whatever they ask.
    fn check_secrets(&mut self, caller: Caller, block: &Block, reply: &Value) {
        let is_review = block.name.starts_with("admin.");
        let text = reply.to_string();
        let knows = match caller {
            Caller::Stranger | Caller::Service => is_review,
            Caller::Operator => is_review,
            Caller::Former => !text.contains(LATER),
            Caller::Member | Caller::Admin | Caller::Owner => true,
        };
        if !knows && (text.contains(SAID) || text.contains(LATER)) {
            self.wrong
                .push(format!("{} tells {}: {text}", block.name, caller.name()));
        }
    }

    /// What is not found looks as if it were not there: to outsiders whatever they name, to others like something that
    /// nobody has.
    fn check_sameness(&mut self, block: &Block) {
        for row in block.rows.iter().filter(|row| !row.is_absence()) {
            for caller in CALLERS {
                let refusal = |label: &str| {
                    let at = (block.name.clone(), label.to_owned(), caller);
                    self.refusals.get(&at)
                };
                let Some(hidden) = refusal(&row.label) else {
                    continue;
                };
                if hidden["code"] != "not_found" {
                    continue;
                }
                let absences = block.rows.iter().filter(|row| row.is_absence());
                let mut alike = absences.map(|absent| refusal(&absent.label) == Some(hidden));
                let is_alike = if caller.is_outside() {
                    alike.all(|it| it)
                } else {
                    alike.any(|it| it)
                };
                if !is_alike {
                    let (name, label, who) = (&block.name, &row.label, caller.name());
                    self.wrong.push(format!(
                        "{name} {label} by {who}: {hidden}, and another answer when it is not there"
                    ));
                }
            }
        }
    }

    /// What follows from a token that is good for less.
    async fn check_scopes(&mut self, block: &Block) {
        let params = self.stage.filled(&block.rows[0].params(block));
        let needed = match access(&block.name) {
            Access::Open => return,
            Access::Read => (Caller::Member, Scope::Write, Scope::Read),
            Access::Write => (Caller::Member, Scope::Read, Scope::Write),
            Access::Operate | Access::Inspect | Access::Administer => {
                (Caller::Operator, Scope::Read, Scope::Admin)
            }
        };
        let (caller, given, missing) = needed;
        let all_but: Vec<_> = Scope::ALL.into_iter().filter(|it| *it != missing).collect();
        for scopes in [Scopes::of(&[given]), Scopes::of(&all_but)] {
            let outcome = self
                .outcome(caller, Some(scopes), &block.name, &params)
                .await;
            let Some(outcome) = outcome else { return };
            let refused = |refusal: &Value| {
                refusal["code"] == "forbidden"
                    && refusal["detail"]
                        .as_str()
                        .unwrap()
                        .contains(missing.as_str())
            };
            if !outcome.as_ref().is_err_and(refused) {
                let name = &block.name;
                self.wrong
                    .push(format!("{name} with a token for `{scopes}`: {outcome:?}"));
            }
        }
    }

    async fn table(mut self) {
        for block in &commands() {
            self.refusals.clear();
            for row in &block.rows {
                self.row(block, row).await;
            }
            self.check_sameness(block);
            self.check_scopes(block).await;
        }
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_is_decided_for_everybody_and_every_id() {
    let walk = Walk::new(async |_: &House| Door::Process).await;

    walk.table().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rest_decides_as_the_engine_does() {
    let walk = Walk::new(async |house: &House| Door::Rest(Doors::of(house).await)).await;

    walk.table().await;
}

#[tokio::test]
async fn nobody_gets_anything_over_a_link_that_is_not_open() {
    let house = House::open().await;
    let stage = Stage::new(&house).await;
    let blocks = commands();
    let asks = blocks.iter().filter(|block| block.name != "session.open");

    // A link that only asks for nothing is ended before long.
    let mut answered = 0;
    for some in asks.collect::<Vec<_>>().chunks(16) {
        let mut link = ByHand::dial(house.server.address(), None).await;
        for block in some {
            let refused = link.call(&block.name, stage.filled(&block.params)).await;
            let refused = refused.unwrap_err();
            assert_eq!(refused["code"], "unauthenticated", "{}", block.name);
            answered += 1;
        }
    }
    assert!(answered >= METHODS.len() - 1, "{answered}");
    let mut link = ByHand::dial(house.server.address(), None).await;
    let refused = link.call("session.open", json!({"device": "phone"})).await;
    assert_eq!(refused.unwrap_err()["code"], "unauthenticated");
    assert!(matches!(link.frame().await, Frame::Close(..)));
}

fn outcome_of(answer: Answer) -> Outcome {
    let Answer {
        status, mut body, ..
    } = answer;
    if status < 300 {
        return Ok(body);
    }
    body.as_object_mut().unwrap().remove("request_id");
    Err(body)
}

fn word(outcome: &Outcome) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(refusal) => refusal["code"].as_str().unwrap().to_owned(),
    }
}

fn access(method: &str) -> Access {
    Command::access_of(method).unwrap()
}
