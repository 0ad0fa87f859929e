//! The routes beside those of commands, by everybody who may come: `routes.txt`.

use std::collections::BTreeSet;

use im_core::{Scope, Scopes};

use super::{
    doors::{Doors, Request},
    stage::{Caller, House, Stage},
    table::{self, Block},
    word,
};
use crate::world::Rest;

/// Who asks. A place in the group gives no right here.
const COLUMNS: [&str; 6] = ["nobody", "member", "reader", "operator", "service", "bare"];

fn routes() -> Vec<Block> {
    table::read(include_str!("routes.txt"), COLUMNS.len())
}

async fn visitor(house: &House, stage: &Stage, column: &str) -> Rest {
    let address = house.server.address();
    let token = async |caller: Caller, scopes: Scopes| {
        let name = stage.user(caller.name());
        Rest::new(address, Some(house.token(&name, scopes).await))
    };
    match column {
        "nobody" => Rest::new(address, None),
        "member" => token(Caller::Member, Scopes::ALL).await,
        "reader" => token(Caller::Member, Scopes::of(&[Scope::Read])).await,
        "operator" => token(Caller::Operator, Scopes::ALL).await,
        "service" => {
            let name = stage.user(Caller::Service.name());
            Rest::new(address, Some(house.key.clone())).acting_for(&name)
        }
        _ => Rest::new(address, Some(house.key.clone())),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_other_route_is_decided_for_everybody_and_every_id() {
    let house = House::open().await;
    let mut stage = Stage::new(&house).await;
    let mut wrong = Vec::new();
    for block in &routes() {
        let (verb, path) = block.name.split_once(' ').unwrap();
        for row in &block.rows {
            let params = row.params(block);
            let mut found = Vec::new();
            for column in COLUMNS {
                let request = Request::fill(verb, path, &stage.filled(&params));
                let rest = visitor(&house, &stage, column).await;
                let outcome = super::outcome_of(request.send(&rest).await);
                found.push(word(&outcome));
                if outcome.is_ok() && verb != "GET" {
                    stage = Stage::new(&house).await;
                }
            }
            if found != row.cells {
                let found = found.join(" ");
                wrong.push(format!("{}\n    {} {found}", block.name, row.label));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_route_has_its_row() {
    let house = House::open().await;
    let nobody = Rest::new(house.server.address(), None);

    let document = nobody.get("/openapi.json").await.body;

    let mut routes = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        let verbs = item.as_object().unwrap().keys();
        routes.extend(verbs.map(|verb| format!("{} {path}", verb.to_uppercase())));
    }
    let doors = Doors::of(&house).await;
    let told: BTreeSet<_> = self::routes().into_iter().map(|block| block.name).collect();
    let told: BTreeSet<_> = told.into_iter().chain(doors.lines()).collect();
    assert_eq!(
        told, routes,
        "tests/stories/matrix/routes.txt has a block for each"
    );
}

#[tokio::test]
async fn what_nobody_may_ask_is_refused_alike_whatever_it_names() {
    let house = House::open().await;
    let stage = Stage::new(&house).await;
    let nobody = Rest::new(house.server.address(), None);
    let doors = Doors::of(&house).await;

    let mut refusals = Vec::new();
    for block in &table::commands() {
        for row in &block.rows {
            let params = stage.filled(&row.params(block));
            if let Some(request) = doors.request(&block.name, &params) {
                let outcome = super::outcome_of(request.send(&nobody).await);
                refusals.push((format!("{} {}", block.name, row.label), outcome));
            }
        }
    }

    assert!(refusals.len() > 200, "{}", refusals.len());
    let first = refusals[0].1.clone();
    assert_eq!(word(&first), "unauthenticated");
    for (what, refusal) in refusals {
        assert_eq!(refusal, first, "{what}");
    }
}
