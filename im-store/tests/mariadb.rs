//! Every suite against MariaDB or MySQL: each case has a database of its own on the server at `IM_TEST_MARIADB_URL`.

#![allow(clippy::unwrap_used)]

mod server;
mod several;
mod way;

use im_core::{Store, port::Ports};
use im_store::SqlStore;
use server::Fresh;

const SERVER: &str = "IM_TEST_MARIADB_URL";

async fn open() -> Option<(Ports, Fresh)> {
    let fresh = Fresh::create(SERVER).await?;
    Some((SqlStore::open(&fresh.address).await.unwrap().ports(), fresh))
}

im_core::every_store_suite!(open());

several_suite!();
