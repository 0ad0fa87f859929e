//! The tables, as steps that bring a database from any earlier build's shape to this one's.
//!
//! A step that was released never changes; a change of the tables is a new step at the end.

use im_core::Epoch;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, RuntimeErr,
    SqliteTransactionMode, Statement, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::{
    MigrationName, MigrationTrait, MigratorTrait, SchemaManager, async_trait::async_trait,
};
use sqlx::mysql::MySqlDatabaseError;

use super::{
    account, audit, block, device,
    dialect::{Dialect, Texts},
    door,
    error::SqlError,
    lease, own, report, settings, standing, trace,
};

/// Brings the schema up to date and returns the epoch. Processes that do so at the same moment take turns.
pub(super) async fn migrate(
    database: &DatabaseConnection,
    dialect: Dialect,
) -> Result<Epoch, SqlError> {
    let mode = (dialect == Dialect::Sqlite).then_some(SqliteTransactionMode::Immediate);
    let options = TransactionOptions {
        sqlite_transaction_mode: mode,
        ..TransactionOptions::default()
    };
    let transaction = database.begin_with_options(options).await?;
    if let Some(lock) = dialect.lock() {
        let row = query(&transaction, lock).await?;
        // PostgreSQL's lock waits for ever and answers nothing; MySQL's says 1 when it is held.
        let held = dialect == Dialect::Postgres
            || row.is_some_and(|row| row.try_get_by_index::<Option<i64>>(0) == Ok(Some(1)));
        if !held {
            return Err(SqlError::Locked);
        }
    }
    // MySQL commits each definition of a table by itself, and from the first one on every statement: when the lock is
    // given back nothing is left to commit.
    let outcome = take_steps(&transaction, dialect).await;
    if let Some(unlock) = dialect.unlock() {
        query(&transaction, unlock).await?;
    }
    let epoch = outcome?;
    transaction.commit().await?;
    Ok(epoch)
}

async fn take_steps(
    transaction: &DatabaseTransaction,
    dialect: Dialect,
) -> Result<Epoch, SqlError> {
    Migrator::install(transaction).await?;
    let known: Vec<String> = Migrator::migrations()
        .iter()
        .map(|step| step.name().to_owned())
        .collect();
    for taken in Migrator::get_migration_models(transaction).await? {
        if !known.contains(&taken.version) {
            return Err(SqlError::NewerSchema(taken.version));
        }
    }
    Migrator::up(transaction, None).await?;
    if let Some(row) = query(transaction, "SELECT epoch FROM meta").await? {
        let epoch: i64 = row.try_get_by_index(0)?;
        return Ok(Epoch(u64::try_from(epoch).unwrap_or_default()));
    }
    let epoch = Epoch::random();
    let text = Texts::new(dialect).text("INSERT INTO meta (id, epoch) VALUES (1, ?)", 1);
    let values = [as_number(epoch).into()];
    let backend = transaction.get_database_backend();
    let insert = Statement::from_sql_and_values(backend, &*text, values);
    transaction.execute_raw(insert).await?;
    Ok(epoch)
}

/// An epoch as the database keeps it.
pub(super) fn as_number(epoch: Epoch) -> i64 {
    i64::try_from(epoch.0).unwrap_or(i64::MAX)
}

async fn query(
    transaction: &DatabaseTransaction,
    text: &str,
) -> Result<Option<sea_orm::QueryResult>, DbErr> {
    let backend = transaction.get_database_backend();
    let statement = Statement::from_string(backend, text);
    transaction.query_one_raw(statement).await
}

struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let steps = [
            ("m0001_first", FIRST),
            ("m0002_revocations", REVOCATIONS),
            ("m0003_own", own::TABLES),
            ("m0004_search", block::TABLES),
            ("m0008_traces", trace::TABLES),
            ("m0009_doors", door::TABLES),
            ("m0005_account", account::TABLES),
            ("m0007_lease", lease::TABLES),
            ("m0006_audit", audit::TABLES),
            ("m0010_devices", device::TABLES),
            ("m0011_streams", trace::OPEN_MESSAGES),
            ("m0014_settings", settings::TABLES),
            ("m0015_reports", report::TABLES),
            ("m0013_standings", standing::TABLES),
        ];
        let boxed = |(name, tables)| Box::new(Step { name, tables }) as Box<dyn MigrationTrait>;
        steps.into_iter().map(boxed).collect()
    }
}

/// Tables and indexes that come together.
struct Step {
    name: &'static str,
    tables: &'static [&'static str],
}

impl MigrationName for Step {
    fn name(&self) -> &str {
        self.name
    }
}

#[async_trait]
impl MigrationTrait for Step {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        define(manager, self.tables).await
    }

    async fn down(&self, _: &SchemaManager) -> Result<(), DbErr> {
        Err(DbErr::Custom("migrations go forward only".into()))
    }
}

/// Makes those tables and indexes of a step that do not stand yet: a step that was interrupted is gone on with.
async fn define(manager: &SchemaManager<'_>, definitions: &[&str]) -> Result<(), DbErr> {
    let dialect = Dialect::of(manager.get_database_backend())
        .ok_or_else(|| DbErr::Custom("unknown database".into()))?;
    for definition in definitions {
        let definition = dialect.definition(definition);
        let connection = manager.get_connection();
        match connection.execute_unprepared(&definition).await {
            Err(error) if !is_known_index(&error) => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(())
}

/// Whether MySQL says that there is an index of this name. Other databases are told not to mind.
fn is_known_index(error: &DbErr) -> bool {
    let DbErr::Exec(RuntimeErr::SqlxError(error)) = error else {
        return false;
    };
    let error = error.as_database_error();
    error
        .and_then(|error| error.try_downcast_ref::<MySqlDatabaseError>())
        .is_some_and(|error| error.number() == 1061)
}

/// Numbers are 64 bits and times are milliseconds everywhere. `entry` is written in the order of its own key, so that
/// a commit touches few pages whatever the number of conversations; its client ids come first in their index for the same
/// reason: where devices choose ids that grow with time, as ours do, all of a commit goes to the end of it. `revision`
/// names the edits of a message and what it said before each; a recall wipes both. `settings` holds what a user changed
/// of them.
const FIRST: &[&str] = &[
    "CREATE TABLE meta (id bigint NOT NULL PRIMARY KEY, epoch bigint NOT NULL)",
    "CREATE TABLE entry (n {serial}, conversation_id {uuid}, seq bigint NOT NULL, sender {id}, client_id {id}, \
     ordinal bigint NOT NULL, at_ms bigint NOT NULL, fingerprint bigint NOT NULL, body {blob}, \
     CONSTRAINT entry_seq UNIQUE (conversation_id, seq), \
     CONSTRAINT entry_client_id UNIQUE (client_id, sender, conversation_id))",
    "CREATE TABLE revision (conversation_id {uuid}, target bigint NOT NULL, seq bigint NOT NULL, was {blob}, \
     PRIMARY KEY (conversation_id, target, seq)) {clustered}",
    "CREATE TABLE conversation (id {uuid}, info {blob}, PRIMARY KEY (id))",
    "CREATE TABLE member (conversation_id {uuid}, user_id {id}, role bigint NOT NULL, since bigint NOT NULL, \
     left_seq bigint, delivered bigint NOT NULL, read_seq bigint NOT NULL, read_ordinal bigint NOT NULL, \
     nickname {maybe_name}, silent_until_ms bigint, settings {maybe_blob}, version bigint NOT NULL, \
     PRIMARY KEY (conversation_id, user_id)) {clustered}",
    "CREATE INDEX member_user ON member (user_id, conversation_id, left_seq)",
    "CREATE TABLE feed (user_id {id}, version bigint NOT NULL, PRIMARY KEY (user_id)) {clustered}",
    "CREATE TABLE profile (user_id {id}, profile {blob}, PRIMARY KEY (user_id))",
    "CREATE TABLE block (user_id {id}, other {id}, blocked bigint NOT NULL, version bigint NOT NULL, \
     PRIMARY KEY (user_id, other)) {clustered}",
    "CREATE TABLE device (user_id {id}, device_id {id}, class bigint NOT NULL, created_at_ms bigint NOT NULL, \
     last_seen_ms bigint NOT NULL, PRIMARY KEY (user_id, device_id)) {clustered}",
    "CREATE TABLE account (user_id {id}, password_hash {name}, fingerprint bigint NOT NULL, \
     created_at_ms bigint NOT NULL, PRIMARY KEY (user_id))",
    "CREATE TABLE token_family (family {uuid}, user_id {id}, device_id {id}, expires_at_ms bigint NOT NULL, \
     revoked bigint NOT NULL, PRIMARY KEY (family))",
    "CREATE INDEX token_family_user ON token_family (user_id, expires_at_ms)",
    "CREATE TABLE refresh_token (hash {hash}, family {uuid}, expires_at_ms bigint NOT NULL, spent bigint NOT NULL, \
     PRIMARY KEY (hash))",
    "CREATE INDEX refresh_token_family ON refresh_token (family, expires_at_ms)",
    "CREATE TABLE server_key (name {name}, hash {hash}, created_at_ms bigint NOT NULL, PRIMARY KEY (name))",
    "CREATE UNIQUE INDEX server_key_hash ON server_key (hash)",
];

/// What access tokens are held against: rows of the last day.
const REVOCATIONS: &[&str] = &[
    "CREATE TABLE revoked_family (family {uuid}, at_ms bigint NOT NULL, PRIMARY KEY (family))",
    "CREATE INDEX revoked_family_at ON revoked_family (at_ms)",
    "CREATE TABLE revoked_user (user_id {id}, at_ms bigint NOT NULL, PRIMARY KEY (user_id))",
    "CREATE INDEX revoked_user_at ON revoked_user (at_ms)",
];
