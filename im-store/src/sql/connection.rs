//! One connection of any of the three databases: prepared statements with values in, rows out.

use std::{sync::Arc, time::Instant};

use sea_orm::{DatabaseConnection, QueryResult};
use sqlx::{
    Arguments, AssertSqlSafe, ConnectOptions, Connection as _, Database, Encode, Executor,
    MySqlConnection, PgConnection, SqliteConnection, Type,
    mysql::{MySqlArguments, MySqlPoolOptions},
    postgres::PgArguments,
    sqlite::SqliteArguments,
};
use uuid::Uuid;

use super::{
    dialect::{Dialect, Texts},
    error::SqlError,
};

/// A value to bind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Value<'v> {
    Bytes(&'v [u8]),
    Int(i64),
    MaybeBytes(Option<&'v [u8]>),
    MaybeInt(Option<i64>),
    MaybeText(Option<&'v str>),
    Text(&'v str),
    Uuid(Uuid),
}

/// A connection of its own, in no pool, so that nobody else's use or idea of its state matters.
pub(super) struct Connection {
    raw: Raw,
    texts: Arc<Texts>,
}

/// A connection that nobody uses now.
pub(super) struct Idle {
    pub(super) connection: Connection,
    pub(super) since: Instant,
}

impl From<Connection> for Idle {
    fn from(connection: Connection) -> Self {
        let since = Instant::now();
        Self { connection, since }
    }
}

enum Raw {
    MySql(MySqlConnection),
    Postgres(PgConnection),
    Sqlite(SqliteConnection),
}

/// Values as arguments of a database.
fn arguments<'v, A>(values: &[Value<'v>]) -> Result<A, SqlError>
where
    A: Arguments,
    &'v [u8]: Encode<'v, A::Database> + Type<A::Database>,
    &'v str: Encode<'v, A::Database> + Type<A::Database>,
    i64: Encode<'v, A::Database> + Type<A::Database>,
    Option<&'v [u8]>: Encode<'v, A::Database> + Type<A::Database>,
    Option<&'v str>: Encode<'v, A::Database> + Type<A::Database>,
    Option<i64>: Encode<'v, A::Database> + Type<A::Database>,
    Uuid: Encode<'v, A::Database> + Type<A::Database>,
{
    let mut arguments = A::default();
    arguments.reserve(values.len(), values.len() * 16);
    for value in values {
        match *value {
            Value::Bytes(value) => arguments.add(value),
            Value::Int(value) => arguments.add(value),
            Value::MaybeBytes(value) => arguments.add(value),
            Value::MaybeInt(value) => arguments.add(value),
            Value::MaybeText(value) => arguments.add(value),
            Value::Text(value) => arguments.add(value),
            Value::Uuid(value) => arguments.add(value),
        }
        .map_err(sqlx::Error::Encode)?;
    }
    Ok(arguments)
}

/// Runs a query on whatever executes for that database.
async fn fetch<'c, D, E>(
    executor: E,
    text: Arc<str>,
    arguments: D::Arguments,
) -> Result<Vec<QueryResult>, SqlError>
where
    D: Database,
    D::Arguments: sqlx::IntoArguments<D>,
    E: Executor<'c, Database = D>,
    QueryResult: From<D::Row>,
{
    let rows = sqlx::query_with(AssertSqlSafe(text), arguments)
        .fetch_all(executor)
        .await?;
    Ok(rows.into_iter().map(QueryResult::from).collect())
}

impl Connection {
    /// Connects with the options of a pool.
    pub(super) async fn open(
        pool: &DatabaseConnection,
        texts: Arc<Texts>,
    ) -> Result<Self, SqlError> {
        let raw = match texts.dialect {
            Dialect::MySql => {
                let options = pool.get_mysql_connection_pool().connect_options();
                Raw::MySql(options.connect().await?)
            }
            Dialect::Postgres => {
                let options = pool.get_postgres_connection_pool().connect_options();
                Raw::Postgres(options.connect().await?)
            }
            Dialect::Sqlite => {
                let options = pool.get_sqlite_connection_pool().connect_options();
                Raw::Sqlite(options.connect().await?)
            }
        };
        let mut connection = Self { raw, texts };
        if let Some(greeting) = connection.texts.dialect.greeting() {
            connection.command(greeting).await?;
        }
        Ok(connection)
    }

    pub(super) const fn postgres(&mut self) -> Option<&mut PgConnection> {
        match &mut self.raw {
            Raw::Postgres(raw) => Some(raw),
            Raw::MySql(_) | Raw::Sqlite(_) => None,
        }
    }

    /// Runs a command without values, unprepared.
    pub(super) async fn command(&mut self, text: &'static str) -> Result<(), SqlError> {
        match &mut self.raw {
            Raw::MySql(raw) => raw.execute(text).await.map(|_| ()),
            Raw::Postgres(raw) => raw.execute(text).await.map(|_| ()),
            Raw::Sqlite(raw) => raw.execute(text).await.map(|_| ()),
        }?;
        Ok(())
    }

    /// Whether the database is there.
    pub(super) async fn ping(&mut self) -> Result<(), SqlError> {
        match &mut self.raw {
            Raw::MySql(raw) => raw.ping().await,
            Raw::Postgres(raw) => raw.ping().await,
            Raw::Sqlite(raw) => raw.ping().await,
        }?;
        Ok(())
    }

    pub(super) async fn begin(&mut self) -> Result<(), SqlError> {
        self.command(self.texts.dialect.begin()).await
    }

    /// Runs a statement whose repeated part stands `count` times. Returns how many rows it touched.
    pub(super) async fn execute(
        &mut self,
        text: &'static str,
        count: usize,
        values: &[Value<'_>],
    ) -> Result<u64, SqlError> {
        let text = AssertSqlSafe(self.texts.text(text, count));
        Ok(match &mut self.raw {
            Raw::MySql(raw) => {
                let arguments: MySqlArguments = arguments(values)?;
                let query = sqlx::query_with(text, arguments);
                query.execute(raw).await?.rows_affected()
            }
            Raw::Postgres(raw) => {
                let arguments: PgArguments = arguments(values)?;
                let query = sqlx::query_with(text, arguments);
                query.execute(raw).await?.rows_affected()
            }
            Raw::Sqlite(raw) => {
                let arguments: SqliteArguments = arguments(values)?;
                let query = sqlx::query_with(text, arguments);
                query.execute(raw).await?.rows_affected()
            }
        })
    }

    /// Runs a query whose repeated part stands `count` times.
    pub(super) async fn query(
        &mut self,
        text: &'static str,
        count: usize,
        values: &[Value<'_>],
    ) -> Result<Vec<QueryResult>, SqlError> {
        let text = self.texts.text(text, count);
        match &mut self.raw {
            Raw::MySql(raw) => fetch(raw, text, arguments(values)?).await,
            Raw::Postgres(raw) => fetch(raw, text, arguments(values)?).await,
            Raw::Sqlite(raw) => fetch(raw, text, arguments(values)?).await,
        }
    }
}

/// Sets up each connection of a MySQL pool as [`Connection::open`] does.
pub(super) fn greet(options: MySqlPoolOptions) -> MySqlPoolOptions {
    options.after_connect(|connection, _| {
        Box::pin(async move {
            if let Some(greeting) = Dialect::MySql.greeting() {
                connection.execute(greeting).await?;
            }
            Ok(())
        })
    })
}
