//! The stories that depend most on the database, on PostgreSQL and MariaDB too.

use crate::{
    contacts, drafts, failing_store, kicked, notices, offline_sync, restart, retry, scheduled,
    search, world::from_environment,
};

macro_rules! on {
    ($variable:literal: $($name:ident = $story:path;)*) => {
        $(#[tokio::test]
        async fn $name() {
            if let Some(database) = from_environment($variable).await {
                $story(database).await;
            }
        })*
    };
}

on! { "IM_TEST_POSTGRES_URL":
    offline_sync_on_postgresql = offline_sync::tell;
    kicked_while_sending_on_postgresql = kicked::tell;
    a_lost_reply_on_postgresql = retry::tell;
    a_crash_on_postgresql = restart::tell;
    scheduled_messages_on_postgresql = scheduled::tell;
    drafts_on_postgresql = drafts::tell;
    notices_on_postgresql = notices::tell;
    contacts_on_postgresql = contacts::tell;
    finding_messages_on_postgresql = search::tell;
    broken_connections_to_postgresql = failing_store::broken_connections;
}

on! { "IM_TEST_MARIADB_URL":
    offline_sync_on_mariadb = offline_sync::tell;
    kicked_while_sending_on_mariadb = kicked::tell;
    a_lost_reply_on_mariadb = retry::tell;
    a_crash_on_mariadb = restart::tell;
    scheduled_messages_on_mariadb = scheduled::tell;
    drafts_on_mariadb = drafts::tell;
    notices_on_mariadb = notices::tell;
    contacts_on_mariadb = contacts::tell;
    finding_messages_on_mariadb = search::tell;
    broken_connections_to_mariadb = failing_store::broken_connections;
}
