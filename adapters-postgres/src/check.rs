//! What `db check` looks at.

use diesel::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tubeatlas_ports::{Check, Error, Result, Schema, SchemaItemKind, Store};

use crate::error::Context;
use crate::index_version;
use crate::migrations;
use crate::statement::{TextRow, sql};
use crate::store::PostgresStore;

/// The schema in which the migrations are tried, until that is rolled back.
const TRIAL: &str = "tubeatlas_expected";

#[derive(QueryableByName)]
struct ItemRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    of_table: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// The items of the current schema, as Postgres itself writes them. What it writes with the schema's name is freed of
/// it. An index of a constraint is said by the constraint, NOT NULL by the column.
const ITEMS: &str = "
    WITH class AS (
        SELECT oid, relname::text AS name, relkind FROM pg_catalog.pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relname <> '__diesel_schema_migrations'
    ),
    tables AS (SELECT oid, name FROM class WHERE relkind IN ('r', 'p'))
    SELECT 'table' AS kind, name AS of_table, name, '' AS definition FROM tables
    UNION ALL
    SELECT 'column', t.name, a.attname::text,
           format_type(a.atttypid, a.atttypmod)
               || CASE WHEN a.attcollation <> y.typcollation THEN ' collate ' || l.collname ELSE '' END
               || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
               || CASE WHEN a.attidentity <> '' THEN ' identity ' || a.attidentity::text ELSE '' END
               || coalesce(CASE WHEN a.attgenerated <> '' THEN ' generated ' ELSE ' default ' END
                      || pg_get_expr(d.adbin, d.adrelid), '')
    FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
         JOIN pg_catalog.pg_type y ON y.oid = a.atttypid
         LEFT JOIN pg_catalog.pg_collation l ON l.oid = a.attcollation
         LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL
    SELECT 'constraint', t.name, k.conname::text, pg_get_constraintdef(k.oid)
    FROM tables t JOIN pg_catalog.pg_constraint k ON k.conrelid = t.oid AND k.contype <> 'n'
    UNION ALL
    SELECT 'index', t.name, i.relname::text,
           replace(pg_get_indexdef(x.indexrelid), quote_ident(current_schema()) || '.', '')
               || CASE WHEN x.indisvalid THEN '' ELSE ' (invalid)' END
    FROM tables t JOIN pg_catalog.pg_index x ON x.indrelid = t.oid
         JOIN pg_catalog.pg_class i ON i.oid = x.indexrelid
    WHERE NOT EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conindid = x.indexrelid AND k.contype <> 'f')
    UNION ALL
    SELECT 'trigger', t.name, g.tgname::text,
           replace(pg_get_triggerdef(g.oid), quote_ident(current_schema()) || '.', '')
    FROM tables t JOIN pg_catalog.pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal
    UNION ALL
    SELECT 'view', name, name, replace(pg_get_viewdef(oid), quote_ident(current_schema()) || '.', '')
    FROM class WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT 'sequence', c.name, c.name,
           format('%s from %s to %s by %s, cache %s%s', format_type(s.seqtypid, NULL), s.seqmin, s.seqmax,
                  s.seqincrement, s.seqcache, CASE WHEN s.seqcycle THEN ', cycle' ELSE '' END)
    FROM class c JOIN pg_catalog.pg_sequence s ON s.seqrelid = c.oid";

impl PostgresStore {
    /// Looks at everything that can be looked at while the store works: the server, its connections, the settings of a
    /// connection, and whether the schema is what the migrations make of an empty one. For the last they are tried
    /// in a schema of their own, which is rolled back; the user needs the right to create one.
    ///
    /// # Errors
    /// Only if the store cannot be asked at all; what is wrong is in the answer.
    pub async fn check(&self) -> Result<Vec<Check>> {
        let health = self.health().await?;
        let detail = |name: &str| health.details.get(name).cloned().unwrap_or_default();
        let server = format!("Postgres {}, database {}", detail("server_version"), detail("database"));
        let engine = self.engine();
        let _inside = engine.enter()?;
        let mut connection = engine.pool.get().await?;
        connection.soil(); // and so closed, when all is done
        let connections = connections(&mut connection).await.map(|server| {
            let (open, most) = (detail("connections_open"), detail("connections_max"));
            format!("{open} of at most {most} of this pool; {server}")
        });
        let settings = settings(&mut connection).await;
        let version = index_version::read(&mut connection).await;
        let schema = schemas(&mut connection).await.map_err(|error| engine.explain(error));
        let mut checks = vec![
            Check::new("answers", Ok(server)),
            Check::new("connections", connections),
            Check::new("settings of the connections", settings),
        ];
        checks.extend(Check::schema(schema));
        checks.push(Check::index_version(version));
        Ok(checks)
    }
}

async fn text(connection: &mut AsyncPgConnection, query: &'static str, doing: &str) -> Result<String> {
    let row: TextRow = sql(query, Vec::new()).get_result(connection).await.doing(doing)?;
    Ok(row.value)
}

/// Those of the whole server: a user without rights over others sees how many there are, if not what they do.
async fn connections(connection: &mut AsyncPgConnection) -> Result<String> {
    let query = "SELECT format('%s to this database, %s of at most %s to the server',
                    count(*) FILTER (WHERE datname = current_database()), count(*),
                    current_setting('max_connections')) AS value
                 FROM pg_catalog.pg_stat_activity
                 WHERE datname IS NOT NULL AND coalesce(backend_type, 'client backend') = 'client backend'";
    text(connection, query, "counting the server's connections").await
}

/// The settings of a connection, if it has those that this adapter asked for when it was opened: what stands between
/// it and the server (a pooler) may have kept them to itself, and without them units of work would not be serializable.
async fn settings(connection: &mut AsyncPgConnection) -> Result<String> {
    let query = "SELECT string_agg(name || '=' || current_setting(name), ' ' ORDER BY name) AS value
                 FROM unnest(ARRAY['default_transaction_isolation', 'default_transaction_read_only', 'enable_seqscan', 'fsync',
                                   'jit', 'lock_timeout', 'statement_timeout', 'synchronous_commit']) AS name";
    let found = text(connection, query, "reading a connection's settings").await?;
    for wanted in [
        "default_transaction_isolation=serializable",
        "default_transaction_read_only=on",
        "enable_seqscan=off",
        "jit=off",
    ] {
        if !found.split(' ').any(|setting| setting == wanted) {
            let message = format!("a connection should have {wanted}, and has {found}");
            return Err(Error::Backend { message, source: None });
        }
    }
    Ok(found)
}

/// The expected schema, and the one that is there.
async fn schemas(connection: &mut AsyncPgConnection) -> Result<(Schema, Schema)> {
    let found = schema_of(connection).await?;
    let begin = format!(
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; CREATE SCHEMA {TRIAL}; SET LOCAL search_path = {TRIAL}"
    );
    let begun = connection.batch_execute(&begin).await.doing("making a schema to compare with");
    let expected = match begun {
        Ok(()) => expected(connection).await,
        Err(error) => Err(error),
    };
    let ended =
        connection.batch_execute("ROLLBACK").await.doing("removing the schema that was compared with");
    let expected = expected?;
    ended?;
    Ok((expected, found))
}

async fn expected(connection: &mut AsyncPgConnection) -> Result<Schema> {
    migrations::apply_all(connection).await?;
    schema_of(connection).await
}

/// The current schema of the connection.
async fn schema_of(connection: &mut AsyncPgConnection) -> Result<Schema> {
    let rows: Vec<ItemRow> = sql(ITEMS, Vec::new()).load(connection).await.doing("reading the schema")?;
    let mut schema = Schema::default();
    for ItemRow { kind, of_table, name, definition } in rows {
        let kind = match kind.as_str() {
            "table" => SchemaItemKind::Table,
            "column" => SchemaItemKind::Column,
            "constraint" => SchemaItemKind::Constraint,
            "index" => SchemaItemKind::Index,
            "trigger" => SchemaItemKind::Trigger,
            "view" => SchemaItemKind::View,
            _ => SchemaItemKind::Sequence,
        };
        schema.add(&of_table, kind, &name, definition);
    }
    Ok(schema)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tubeatlas_ports::{Check, Store, SystemClock, UuidV7Generator};
    use tubeatlas_postgres_cluster::Cluster;

    use crate::{DatabaseUrl, PostgresConfig, PostgresStore};

    async fn checks_after(change: &str) -> Vec<Check> {
        let database = Cluster::shared().unwrap().database().unwrap();
        let config = PostgresConfig::new(DatabaseUrl::parse(database.url()).unwrap());
        let store =
            PostgresStore::open(config, Arc::new(SystemClock), Arc::new(UuidV7Generator)).await.unwrap();
        database.execute(change).unwrap();
        let checks = store.check().await.unwrap();
        let trial = "DO $$ BEGIN
            ASSERT NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = 'tubeatlas_expected'), 'the trial is left';
            END $$";
        database.execute(trial).unwrap();
        store.close().await.unwrap();
        checks
    }

    #[tokio::test]
    async fn a_database_as_it_was_migrated_is_as_expected() {
        let checks = checks_after("").await;
        assert!(checks.iter().all(|check| check.ok), "{checks:?}");
        let details: Vec<&str> = checks.iter().map(|check| check.detail.as_str()).collect();
        assert!(details[0].starts_with("Postgres "), "{details:?}");
        assert!(details[1].contains(" of at most 30 of this pool; "), "{details:?}");
        assert!(details[2].contains("default_transaction_isolation=serializable"), "{details:?}");
        assert!(details[3].ends_with(" indexes as expected"), "{details:?}");
        assert!(!details[3].starts_with("0 "), "{details:?}");
    }

    /// As one that comes through a pooler which drops what is asked for at the start.
    #[tokio::test]
    async fn a_connection_without_its_settings_is_noticed() {
        let database = Cluster::shared().unwrap().database().unwrap();
        let (client, connection) =
            tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await.unwrap();
        let mut connection =
            diesel_async::AsyncPgConnection::try_from_client_and_connection(client, connection)
                .await
                .unwrap();
        let error = super::settings(&mut connection).await.unwrap_err().to_string();
        assert!(
            error.contains("should have default_transaction_isolation=serializable, and has "),
            "{error}"
        );
    }

    #[tokio::test]
    async fn each_difference_is_named_once() {
        for (change, says) in [
            ("CREATE TABLE more (x BIGINT, y BIGINT CHECK (y > 1))", "unexpected: table more"),
            ("DROP TABLE media_files CASCADE", "missing: table media_files"),
            (
                "DROP INDEX ix_videos_channel_id",
                "missing: index ix_videos_channel_id CREATE INDEX ix_videos_channel_id ON videos USING btree",
            ),
            (
                "DROP INDEX ix_videos_channel_id; CREATE INDEX ix_videos_channel_id ON videos (id)",
                "different: index ix_videos_channel_id is CREATE INDEX ix_videos_channel_id ON videos USING btree (id);",
            ),
            ("ALTER TABLE channels ADD COLUMN more TEXT", "unexpected: column channels.more"),
            ("ALTER TABLE channels DROP COLUMN url", "missing: column channels.url text"),
            (
                "ALTER TABLE channels ALTER COLUMN handle TYPE INTEGER USING 7, ALTER COLUMN handle SET DEFAULT 7",
                "different: column channels.handle is integer default 7; expected text",
            ),
            (
                "ALTER TABLE videos ALTER COLUMN title DROP NOT NULL",
                "different: column videos.title is text; expected text not null",
            ),
            (
                "ALTER TABLE channels ALTER COLUMN title TYPE TEXT COLLATE \"default\"",
                "different: column channels.title is text not null; expected text collate C not null",
            ),
            (
                "ALTER TABLE videos DROP CONSTRAINT fk_videos_channel_id",
                "missing: constraint videos.fk_videos_channel_id FOREIGN KEY (channel_id) REFERENCES channels(id)",
            ),
            (
                "ALTER SEQUENCE store_revision CACHE 9",
                "different: sequence store_revision is bigint from 1 to 9223372036854775807 by 1, cache 9; expected",
            ),
            ("CREATE VIEW v AS SELECT 1 AS one", "unexpected: view v"),
        ] {
            let checks = checks_after(change).await;
            let failed: Vec<&str> =
                checks.iter().filter(|check| !check.ok).map(|check| check.detail.as_str()).collect();
            let whole_table = change.starts_with("DROP TABLE");
            assert!(failed.len() == 1 || whole_table, "{change}: {failed:?}");
            assert!(failed.iter().any(|detail| detail.starts_with(says)), "{change}: {failed:?}");
        }
    }
}
