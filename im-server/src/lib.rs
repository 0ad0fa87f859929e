//! A thin messaging server around [`im_core`]: accounts, REST, WebSocket, TCP and events in one process.
//!
//! ```text
//!   curl, SDKs ── REST /v1 ───────────────┐
//!                                         ├── Im (engine) ── store (SQLite, PostgreSQL, MySQL)
//!   clients ── WebSocket, TCP or events ──┘
//! ```
//!
//! The binary is a few lines around [`Server`]; a program that wants the whole server inside starts one itself:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let home = tempfile::tempdir()?;
//! use im_server::{Config, Secret, Server};
//!
//! let mut config = Config::default();
//! config.listen = "127.0.0.1:0".parse()?;
//! config.data_dir = home.path().into();
//! config.database_url = Secret::new("memory:");
//! let server = Server::start(&config).await?;
//! println!("listening on http://{}", server.address());
//! server.shut_down().await;
//! # Ok(())
//! # }
//! ```
//!
//! What it does not do: decide who may do what. That is the engine's.

mod accounts;
mod adjusting;
mod app;
mod attempts;
mod authenticator;
mod codes;
mod config;
mod https;
mod jwt_ring;
mod lock_out;
mod metrics;
mod oidc;
mod opaque;
mod readiness;
mod real_name;
mod rest;
mod revocations;
mod secret;
mod server;
mod signing_key;
mod telemetry;
mod throttle;
mod tickets;
mod tokens;
mod waiting;
mod wire;
mod word_lists;
mod words;

pub mod cli;

pub use accounts::{
    Accounts, Attempt, IssuedToken, Name, NewAccount, OwnAccount, Password, SignedIn, WantedToken,
};
pub use codes::{CodeSender, Purpose};
pub use config::{
    AllowedOrigins, ClientAddress, Cluster, ClusterSettings, CodeSending, Config, ConfigError,
    LogFile, LogFormat, Metrics, Mode, OidcProvider, Origin, PublicTcpUrl, PublicUrl,
    RealNameChecks, Registration, Settings, TlsFiles, TlsSettings, Traces,
};
pub use real_name::{Document, IdentityVerifier, RealNameView, TestVerifier};
pub use secret::Secret;
pub use server::{Server, StartError};
pub use signing_key::KeyError;
pub use throttle::RateLimits;
pub use wire::{Extensions, WireError};
pub use words::WordsFileError;
