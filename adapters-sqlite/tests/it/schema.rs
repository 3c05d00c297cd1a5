//! Every table, column, default, constraint and index, by name.

use std::fmt::Write;

use diesel::sql_types::{BigInt, Nullable, Text};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::Store;

use crate::support::{config, open_with};

#[derive(QueryableByName)]
struct Object {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Nullable<Text>)]
    sql: Option<String>,
}

#[derive(QueryableByName)]
struct Column {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    column_type: String,
    #[diesel(sql_type = BigInt)]
    not_null: i64,
    #[diesel(sql_type = Nullable<Text>)]
    default_value: Option<String>,
    #[diesel(sql_type = BigInt)]
    primary_key: i64,
}

/// The schema as text: each table with its columns and named constraints, each index with its columns.
fn describe(connection: &mut SqliteConnection) -> String {
    let objects: Vec<Object> = diesel::sql_query(
        "SELECT type AS kind, name, sql FROM sqlite_master
         WHERE name NOT LIKE '\\_\\_diesel%' ESCAPE '\\' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
           AND name NOT LIKE 'passages\\_fts\\_%' ESCAPE '\\'
         ORDER BY type DESC, name",
    )
    .load(connection)
    .unwrap();
    let mut text = String::new();
    for Object { kind, name, sql } in objects {
        let sql = sql.unwrap_or_default();
        writeln!(text, "{kind} {name}").unwrap();
        if kind == "index" || sql.contains("VIRTUAL") {
            let words: Vec<&str> = sql.split_whitespace().collect();
            writeln!(text, "    {}", words.join(" ")).unwrap();
            continue;
        }
        let columns: Vec<Column> = diesel::sql_query(format!(
            "SELECT name, type AS column_type, \"notnull\" AS not_null, dflt_value AS default_value,
                    pk AS primary_key FROM pragma_table_info('{name}')"
        ))
        .load(connection)
        .unwrap();
        for column in columns {
            write!(text, "    {} {}", column.name, column.column_type).unwrap();
            let null = if column.not_null == 1 { "not null" } else { "null" };
            let default = column.default_value.unwrap_or_else(|| "no default".to_owned());
            write!(text, ", {null}, {default}").unwrap();
            if column.primary_key > 0 {
                write!(text, ", primary key {}", column.primary_key).unwrap();
            }
            text.push('\n');
        }
        let words: Vec<&str> = sql.split_whitespace().collect();
        for (i, _) in words.iter().enumerate().filter(|(_, word)| **word == "CONSTRAINT") {
            writeln!(text, "    constraint {} {}", words[i + 1], words[i + 2]).unwrap();
        }
    }
    text
}

/// The schema is the one that stands in `schema.txt`. After a new migration, look at the difference, and run
/// the test with `UPDATE_SCHEMA=1` to write it down.
#[tokio::test]
async fn the_schema_has_these_tables_columns_defaults_constraints_and_indexes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("schema.db");
    open_with(config(&path)).await.unwrap().close().await.unwrap();
    let found = describe(&mut SqliteConnection::establish(path.to_str().unwrap()).unwrap());
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/schema.txt");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(file, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(file).unwrap());
    for (i, line) in found.lines().enumerate() {
        let mut words = line.split_whitespace();
        if words.next() == Some("constraint") {
            let name = words.next().unwrap();
            let prefixes = ["pk_", "fk_", "uq_", "ck_"];
            assert!(prefixes.iter().any(|prefix| name.starts_with(prefix)), "line {}: {name}", i + 1);
        } else if let Some(name) = line.strip_prefix("index ") {
            assert!(name.starts_with("ix_"), "line {}: {name}", i + 1);
        }
    }
}
