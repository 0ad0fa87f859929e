//! Stories: real servers, real clients on real sockets, told in the words of the dictionary.
//!
//! Each file is one story or a few of one kind; `world` is the stage. Nothing sleeps: everybody waits for replies and
//! events, and [`world::within`] gives up when they do not come.

#![allow(clippy::unwrap_used, clippy::wildcard_enum_match_arm)]

mod admins;
mod annotations;
mod bad_requests;
mod blocks;
mod bounds;
mod by_hand;
mod cluster;
mod contacts;
mod conversation_list;
mod devices;
mod devices_of_one_class;
mod devices_that_are_forgotten;
mod drafts;
mod expiry;
mod failing_store;
mod favourites;
mod formats;
mod group_life;
mod group_order;
mod history;
mod kicked;
mod malformed_frames;
mod matrix;
mod notices;
mod offline_sync;
mod other_databases;
mod presence;
mod privacy;
mod rate_limits;
mod receipts;
mod refused_by_the_database;
mod refused_requests;
mod reports;
mod rest;
mod rest_refusals;
mod rest_rows;
mod restart;
mod resume_after_cut;
mod retry;
mod scheduled;
mod search;
mod settings;
mod slow_consumer;
mod streaming;
mod tokens;
mod tour;
mod unread;
mod unread_news;
mod world;
