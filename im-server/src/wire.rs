//! The composition root: the only file that names stores and transports together.

use std::{
    collections::BTreeSet,
    sync::{Arc, atomic::AtomicBool},
};

use axum::body::Body;
use im_core::{
    Im, NODE_PROTOCOL, Store as _, StoreError,
    figures::Figures,
    hook::ReportFlags,
    port::{Attempts, Ports},
};
use im_store::{MemoryAttempts, MemoryStore, Redis, RedisError, RedisOptions, SqlStore};
use im_transport::{
    Bounds,
    sse::EventsServer,
    tcp::TcpServer,
    updates::{self, Updates},
    ws::{Options, Origins, WebSocketServer},
};

use crate::{
    accounts::{Accounts, Parts},
    adjusting::{Entrance, Rates},
    app::{App, Drained, Links, Remember, Upgrade},
    attempts::{Counted, WithOwn},
    authenticator::TokenAuthenticator,
    codes::{CodeSender, Codes, LogSender},
    config::{
        AllowedOrigins, CodeSending, Config, ConfigError, Mode, Origin, PublicUrl, RealNameChecks,
    },
    metrics::Watch,
    oidc::SingleSignOn,
    readiness::Readiness,
    real_name::{IdentityVerifier, RealNames, TestVerifier},
    rest::Cors,
    signing_key::{self, KeyError},
    tickets::Tickets,
    tokens::AccessTokens,
    waiting,
    words::{WordsFile, WordsFileError},
};

/// Why the parts cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum WireError {
    /// A setting that is for developers alone.
    #[error(transparent)]
    Setting(#[from] ConfigError),
    /// No signing key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No store.
    #[error(
        "database_url: the database cannot be opened; check the address, and that the server runs"
    )]
    Store(#[from] StoreError),
    /// No Redis.
    #[error("cluster.redis: there is no way to the other nodes")]
    Redis(#[from] RedisError),
    /// An older state of the database was put in its place.
    #[error(
        "database_url: nodes of this cluster have stored more than is in the database: an older state of it was restored, or \
         another server took over without all that was stored. Stop all nodes and run `im-server new-epoch`, so that \
         devices that have seen more start over"
    )]
    OlderState,
    /// No other nodes.
    #[error("cluster.redis: the other nodes cannot be joined; check that the Redis runs")]
    Join(#[source] StoreError),
    /// No words.
    #[error("words_file: {0}")]
    Words(#[from] WordsFileError),
}

/// What a host brings that configuration cannot name.
#[derive(Clone, Default)]
pub struct Extensions {
    /// Sends one-time codes, instead of what `code_sender` says.
    pub code_sender: Option<Arc<dyn CodeSender>>,
    /// Checks real names, instead of what `real_names` says.
    pub identity_verifier: Option<Arc<dyn IdentityVerifier>>,
}

/// Whose figures are shown. A part that counts something is added here.
type Watched = Vec<Box<dyn Figures>>;

/// Opens the store, which migrates it, and puts everything around it, for a command that ends: it is no node beside others.
pub(crate) async fn assemble(config: &Config) -> Result<App, WireError> {
    let alone = Config {
        cluster: None,
        ..config.clone()
    };
    assemble_with(&alone, Extensions::default()).await
}

/// As [`assemble`], with what the host brings, and beside other nodes where there are some.
pub(crate) async fn assemble_with(
    config: &Config,
    extensions: Extensions,
) -> Result<App, WireError> {
    let extensions = completed(config, extensions)?;
    signing_key::prepare_directory(&config.data_dir)?;
    let secret = signing_key::load(config.token_secret.as_ref(), &config.data_dir)?;
    let mut watched = Watched::new();
    let ports = open_store(config.database_url.expose(), &mut watched).await?;
    let tokens = Arc::new(AccessTokens::new(&secret));
    tokens.restore(ports.tokens.revocations(ports.runtime.now()).await?);
    let tickets = Arc::new(Tickets::default());
    let authenticator = TokenAuthenticator {
        ports: ports.clone(),
        tickets: Arc::clone(&tickets),
        tokens: Arc::clone(&tokens),
    };
    let redis = open_cluster(config, &ports).await?;
    let counted = Counted::new(&secret, attempts(redis.as_ref(), &ports));
    let rates = Arc::new(Rates::new(config.rate_limits, counted));
    let entrance = Arc::new(Entrance::new(config.registration));
    let mut builder = Im::builder(ports.clone(), authenticator)
        .limits(config.limits.clone())
        .login_policy(config.login_policy)
        .adjustable(rates.clone())
        .adjustable(entrance.clone());
    let flags = ReportFlags::new(&ports);
    let words = match &config.words_file {
        Some(path) => Some(WordsFile::open(path.clone(), flags.clone()).await?),
        None => None,
    };
    if let Some(words) = &words {
        builder = builder
            .adjustable(Arc::new(words.lists()))
            .before(words.filter())
            .after(flags);
    }
    let remember = remember(redis.as_ref(), &ports);
    if let Some(redis) = redis {
        builder = builder.cluster(redis.clone(), redis);
    }
    let im = builder.build();
    im.load_settings().await?;
    im.join().await.map_err(WireError::Join)?;
    im.housekeep();
    im.follow_settings();
    let single_sign_on =
        SingleSignOn::new(&config.oidc, config.public_url.as_ref(), ports.clone())?;
    let doors = Doors::new(&im, config);
    watched.push(Box::new(im.clone()));
    watched.extend(doors.watched());
    let parts = Parts {
        codes: Codes::new(&secret, ports.clone(), extensions.code_sender),
        im: im.clone(),
        lock_out: rates.lock_out.clone(),
        ports: ports.clone(),
        real_names: RealNames::new(&secret, extensions.identity_verifier),
        tokens: Arc::clone(&tokens),
    };
    Ok(App {
        accounts: Accounts::new(parts, &secret),
        client_address: config.client_address,
        cors: Cors::new(config),
        drained: drained(doors.clone()),
        links: links(doors.clone()),
        tcp: doors.tcp,
        // Known once it listens.
        tcp_url: None,
        upgrade: upgrade(doors.web_socket),
        entrance,
        events: doors.events,
        im,
        max_connections: config.max_connections,
        ports,
        public_url: config.public_url.clone(),
        readiness: Readiness::default(),
        remember,
        single_sign_on,
        throttle: rates.throttle.clone(),
        tickets,
        tokens,
        updates: doors.updates,
        watch: Watch::new(watched, config.metrics.token.clone()),
        words,
        is_shutting_down: AtomicBool::new(false),
    })
}

/// What the configuration names where the host brings nothing. What is for developers alone does not come near people.
fn completed(config: &Config, extensions: Extensions) -> Result<Extensions, ConfigError> {
    let is_production = config.mode == Mode::Production;
    let code_sender: Option<Arc<dyn CodeSender>> = match config.code_sender {
        CodeSending::None => None,
        CodeSending::Log if is_production => {
            let reason = "`log` writes codes where others may read them; take it out, or set mode to `development`";
            return Err(ConfigError::new("code_sender", reason));
        }
        CodeSending::Log => Some(Arc::new(LogSender)),
    };
    let verifier: Option<Arc<dyn IdentityVerifier>> = match config.real_names {
        RealNameChecks::None => None,
        RealNameChecks::Test if is_production => {
            let reason = "`test` believes everybody; take it out, or set mode to `development`";
            return Err(ConfigError::new("real_names", reason));
        }
        RealNameChecks::Test => Some(Arc::new(TestVerifier)),
    };
    Ok(Extensions {
        code_sender: extensions.code_sender.or(code_sender),
        identity_verifier: extensions.identity_verifier.or(verifier),
    })
}

/// `memory:` keeps everything in memory, for trying out and for tests; everything else is an SQL database.
async fn open_store(url: &str, watched: &mut Watched) -> Result<Ports, StoreError> {
    if url == "memory:" {
        return Ok(MemoryStore::new().ports());
    }
    // Boxed, because opening is nested more deeply than the compiler likes inside of other futures.
    let store = Box::pin(SqlStore::open(url)).await?;
    watched.push(Box::new(store.clone()));
    Ok(store.ports())
}

/// The Redis by which nodes on the same database tell each other what happens.
async fn open_cluster(config: &Config, ports: &Ports) -> Result<Option<Redis>, WireError> {
    let Some(cluster) = &config.cluster else {
        return Ok(None);
    };
    let store = ports.log.epoch().await?.to_string();
    let options = RedisOptions::new(store, NODE_PROTOCOL).prefix(&cluster.prefix);
    // Boxed for the same reason as above.
    let open = || Box::pin(Redis::open(cluster.redis.expose(), options.clone()));
    let redis = waiting::until_it_answers(is_away, open).await?;
    check_reach(&redis, ports).await?;
    Ok(Some(redis))
}

/// Whether a Redis may only be about to start, or to read what it has on its disk.
fn is_away(error: &RedisError) -> bool {
    let reads_its_disk =
        matches!(error, RedisError::Failed { reason, .. } if reason.contains("LOADING"));
    reads_its_disk || matches!(error, RedisError::Unreachable { .. })
}

/// Refuses a database that has less in it than nodes have stored.
async fn check_reach(redis: &Redis, ports: &Ports) -> Result<(), WireError> {
    // Asked in this order: what others store meanwhile makes the second number larger alone.
    let remembered = redis.remember_reach(0).await?;
    let reached = ports.heads.reached().await?;
    if reached < remembered {
        return Err(WireError::OlderState);
    }
    Ok(())
}

/// Tells the other nodes, and those that start later, how far the database has come.
fn remember(redis: Option<&Redis>, ports: &Ports) -> Remember {
    let (redis, heads) = (redis.cloned(), ports.heads.clone());
    Box::new(move || {
        let (redis, heads) = (redis.clone(), heads.clone());
        Box::pin(async move {
            let Some(redis) = redis else { return };
            // What fails is told elsewhere; the next time makes it good.
            if let Ok(reached) = heads.reached().await {
                let _ = redis.remember_reach(reached).await;
            }
        })
    })
}

/// Who counts attempts: nodes together, beside each by itself.
fn attempts(redis: Option<&Redis>, ports: &Ports) -> Arc<dyn Attempts> {
    let runtime = ports.runtime.clone();
    let own = Arc::new(MemoryAttempts::on(runtime.clone()));
    match redis {
        Some(redis) => Arc::new(WithOwn::new(Arc::new(redis.clone()), own, runtime)),
        None => own,
    }
}

/// Where links and polls come in.
#[derive(Clone)]
struct Doors {
    events: EventsServer,
    tcp: TcpServer,
    updates: Updates,
    web_socket: WebSocketServer,
}

impl Doors {
    fn new(im: &Im, config: &Config) -> Self {
        // Who accepts counts all connections together; none of the doors is to be narrower than that.
        let bounds = Bounds {
            max_connections: config.max_connections,
            ..Bounds::default()
        };
        let options = Options {
            bounds: bounds.clone(),
            origins: origins(config),
        };
        Self {
            events: EventsServer::new(im.clone(), options.clone()),
            tcp: TcpServer::new(im.clone(), bounds),
            updates: Updates::new(im.clone(), updates::Options::default()),
            web_socket: WebSocketServer::new(im.clone(), options),
        }
    }

    /// Those that count their links.
    fn watched(&self) -> [Box<dyn Figures>; 3] {
        [
            Box::new(self.events.clone()),
            Box::new(self.tcp.clone()),
            Box::new(self.web_socket.clone()),
        ]
    }
}

fn origins(config: &Config) -> Origins {
    let public = config.public_url.as_ref().map(PublicUrl::origin);
    let named = |list: &BTreeSet<Origin>| {
        let all = list.iter().chain(public);
        all.map(|origin| origin.as_str().to_owned()).collect()
    };
    match &config.allowed_origins {
        AllowedOrigins::OwnHost => Origins::SameHostAnd(named(&BTreeSet::new())),
        AllowedOrigins::Any => Origins::Any,
        AllowedOrigins::List(list) => Origins::List(named(list)),
    }
}

fn upgrade(door: WebSocketServer) -> Upgrade {
    Box::new(move |mut request| {
        let answer = door.try_upgrade(&mut request)?;
        Ok(answer.map(Body::new))
    })
}

fn links(doors: Doors) -> Links {
    Box::new(move || doors.web_socket.connections() + doors.tcp.connections())
}

fn drained(doors: Doors) -> Drained {
    Box::new(move || {
        let doors = doors.clone();
        Box::pin(async move {
            tokio::join!(doors.web_socket.drained(), doors.tcp.drained());
        })
    })
}
