//! Every suite against PostgreSQL: each case has a database of its own on the server at `IM_TEST_POSTGRES_URL`.

#![allow(clippy::unwrap_used)]

mod server;
mod several;
mod way;

use im_core::{
    Store, Timestamp,
    port::{Ports, ServerKey},
};
use im_store::SqlStore;
use server::Fresh;

const SERVER: &str = "IM_TEST_POSTGRES_URL";

async fn open() -> Option<(Ports, Fresh)> {
    let fresh = Fresh::create(SERVER).await?;
    Some((SqlStore::open(&fresh.address).await.unwrap().ports(), fresh))
}

im_core::every_store_suite!(open());

several_suite!();

#[tokio::test]
async fn a_write_that_is_tried_again_lets_others_write_meanwhile() {
    let Some((ports, fresh)) = open().await else {
        return;
    };
    let undo = "CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS \
                $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'serialization_failure'; END $$";
    server::run(&fresh.address, undo.into()).await;
    let trigger = "CREATE TRIGGER undo BEFORE INSERT ON server_key FOR EACH ROW \
                   WHEN (NEW.name = 'unlucky') EXECUTE FUNCTION undo()";
    server::run(&fresh.address, trigger.into()).await;
    let key = |name: &str, n| ServerKey {
        hash: [n; 32],
        name: name.into(),
        created_at_ms: Timestamp(0),
    };

    let unlucky = ports.tokens.put_key(key("unlucky", 1));
    tokio::pin!(unlucky);
    let mut others = 0;
    let outcome = loop {
        tokio::select! {
            outcome = &mut unlucky => break outcome,
            other = ports.tokens.put_key(key("other", 2)) => {
                other.unwrap();
                others += 1;
            }
        }
    };

    assert!(outcome.is_err(), "it is undone every time");
    // Ten attempts with nine pauses: who waits for the turn that is held in a pause comes once after each attempt.
    assert!(others > 10, "only {others} others");
}
