//! Two nodes on one database: people on one hear of what happens on the other, whatever becomes of the way between them.
//!
//! Each story is told within one process on SQLite; and over Redis, on PostgreSQL and MariaDB, where there are servers.

mod allowances;
mod ends;
mod figures;
mod members;
mod outages;
mod pair;
mod rows;
mod signals;
mod talk;
mod turns;

use pair::Pair;

use crate::world::from_environment;

macro_rules! told {
    ($($name:ident = $story:path;)*) => {
        mod in_memory {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                Box::pin($story(Pair::in_memory().await)).await;
            })*
        }

        mod over_redis_with_postgresql {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                if let Some(pair) = over_redis("IM_TEST_POSTGRES_URL").await {
                    Box::pin($story(pair)).await;
                }
            })*
        }

        mod over_redis_with_mariadb {
            use super::*;

            $(#[tokio::test]
            async fn $name() {
                if let Some(pair) = over_redis("IM_TEST_MARIADB_URL").await {
                    Box::pin($story(pair)).await;
                }
            })*
        }
    };
}

async fn over_redis(database: &str) -> Option<Pair> {
    let database = from_environment(database).await?;
    Pair::over_redis(database).await
}

told! {
    two_people_talk_across_nodes = talk::direct;
    a_group_talks_across_nodes = talk::group_of_four;
    what_was_said_is_edited_and_recalled_across_nodes = talk::edits_and_recalls;
    members_come_and_go_across_nodes = members::come_and_go;
    a_member_who_is_kicked_hears_nothing_more_on_the_other_node = members::kicked;
    receipts_and_typing_cross_nodes = signals::receipts_and_typing;
    presence_crosses_nodes = signals::presence;
    own_rows_reach_devices_on_other_nodes = rows::own;
    a_block_holds_on_other_nodes = rows::blocks;
    a_ban_ends_sessions_on_other_nodes = ends::banned;
    signing_out_ends_sessions_on_other_nodes = ends::signed_out;
    messages_that_a_node_missed_are_made_good = outages::lost_messages;
    a_node_that_was_cut_off_catches_up = outages::cut_off;
    nothing_is_lost_while_nodes_do_not_reach_each_other = outages::all_cut_off;
    a_directory_that_forgot_everything_is_told_again = outages::forgotten;
    who_was_on_a_node_that_is_gone_is_offline = outages::gone;
    what_a_user_may_ask_it_may_ask_of_all_nodes_together = allowances::shared;
    what_is_counted_of_nodes_moves = figures::move_with_what_happens;
    what_a_node_stored_last_is_heard_when_it_is_gone = outages::last_words;
    who_was_let_in_on_a_node_that_is_gone_hears_of_it = outages::let_in;
}
