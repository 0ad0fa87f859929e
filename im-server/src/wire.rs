//! The composition root: the only file that names stores and transports together.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};

use axum::body::Body;
use im_core::{Im, Store as _, StoreError, port::Ports};
use im_store::{MemoryStore, SqlStore};
use im_transport::ws::{Options, Origins, WebSocketServer};

use crate::{
    accounts::Accounts,
    app::{App, Drained, Links, Upgrade},
    authenticator::TokenAuthenticator,
    config::{AllowedOrigins, Config, Origin, PublicUrl},
    readiness::Readiness,
    rest::Cors,
    signing_key::{self, KeyError},
    throttle::Throttle,
    tickets::Tickets,
    tokens::AccessTokens,
    words::{WordsFile, WordsFileError},
};

/// Why the parts cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// No signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No store.
    #[error(
        "database_url: the database cannot be opened; check the address, and that the server runs"
    )]
    Store(#[from] StoreError),
    /// No words.
    #[error("words_file: {0}")]
    Words(#[from] WordsFileError),
}

/// Opens the store, which migrates it, and puts everything around it.
pub(crate) async fn assemble(config: &Config) -> Result<App, WireError> {
    signing_key::prepare_directory(&config.data_dir)?;
    let secret = signing_key::load(config.token_secret.as_ref(), &config.data_dir)?;
    let ports = open_store(config.database_url.expose()).await?;
    let tokens = Arc::new(AccessTokens::new(&secret));
    tokens.restore(ports.tokens.revocations(ports.runtime.now()).await?);
    let tickets = Arc::new(Tickets::default());
    let authenticator = TokenAuthenticator {
        ports: ports.clone(),
        tickets: Arc::clone(&tickets),
        tokens: Arc::clone(&tokens),
    };
    let mut builder = Im::builder(ports.clone(), authenticator).limits(config.limits.clone());
    let words = match &config.words_file {
        Some(path) => Some(WordsFile::open(path.clone()).await?),
        None => None,
    };
    if let Some(words) = &words {
        builder = builder.before(words.filter());
    }
    let im = builder.build();
    im.housekeep();
    let door = websocket(im.clone(), config);
    Ok(App {
        accounts: Accounts::new(im.clone(), ports.clone(), Arc::clone(&tokens), &secret),
        client_address: config.client_address,
        cors: Cors::new(config),
        drained: drained(door.clone()),
        links: links(door.clone()),
        upgrade: upgrade(door),
        im,
        max_connections: config.max_connections,
        ports,
        public_url: config.public_url.clone(),
        readiness: Readiness::default(),
        registration: config.registration,
        throttle: Throttle::new(config.rate_limits),
        tickets,
        tokens,
        words,
        is_shutting_down: AtomicBool::new(false),
    })
}

/// `memory:` keeps everything in memory, for trying out and for tests; everything else is an SQL database.
async fn open_store(url: &str) -> Result<Ports, StoreError> {
    if url == "memory:" {
        return Ok(MemoryStore::new().ports());
    }
    // Boxed, because opening is nested more deeply than the compiler likes inside of other futures.
    Ok(Box::pin(SqlStore::open(url)).await?.ports())
}

fn websocket(im: Im, config: &Config) -> WebSocketServer {
    let public = config.public_url.as_ref().map(PublicUrl::origin);
    let named = |list: &BTreeSet<Origin>| {
        let all = list.iter().chain(public);
        all.map(|origin| origin.as_str().to_owned()).collect()
    };
    let origins = match &config.allowed_origins {
        AllowedOrigins::OwnHost => Origins::SameHostAnd(named(&BTreeSet::new())),
        AllowedOrigins::Any => Origins::Any,
        AllowedOrigins::List(list) => Origins::List(named(list)),
    };
    let options = Options {
        origins,
        ..Options::default()
    };
    WebSocketServer::new(im, options)
}

fn upgrade(door: WebSocketServer) -> Upgrade {
    Box::new(move |mut request| {
        let answer = door.try_upgrade(&mut request)?;
        Ok(answer.map(Body::new))
    })
}

fn links(door: WebSocketServer) -> Links {
    Box::new(move || door.connections())
}

fn drained(door: WebSocketServer) -> Drained {
    Box::new(move || {
        let door = door.clone();
        Box::pin(async move { door.drained().await })
    })
}
