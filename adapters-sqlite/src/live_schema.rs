//! The schema of a database, read from SQLite's own tables.

use diesel::sql_types::Text;
use diesel::{QueryableByName, RunQueryDsl, SqliteConnection};
use tubeatlas_ports::{Result, Schema, SchemaItemKind as Kind};

use crate::error::Context;

#[derive(QueryableByName)]
struct ObjectRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    tbl_name: String,
    #[diesel(sql_type = Text)]
    sql: String,
}

#[derive(QueryableByName)]
struct PartRow {
    #[diesel(sql_type = Text)]
    tbl_name: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// The columns of all tables, and all that `table_xinfo` knows of them.
const COLUMNS: &str = "
    SELECT m.name AS tbl_name, c.name AS name,
           c.type || iif(c.\"notnull\", ' not null', '') || coalesce(' default ' || c.dflt_value, '')
               || iif(c.pk, ' primary key ' || c.pk, '') || iif(c.hidden > 1, ' generated', '') AS definition
    FROM sqlite_schema m JOIN pragma_table_xinfo(m.name) c
    WHERE m.type = 'table'";

const FOREIGN_KEYS: &str = "
    SELECT m.name AS tbl_name, group_concat(f.\"from\", ', ' ORDER BY f.seq) AS name,
           'references ' || f.\"table\" || ' (' || coalesce(group_concat(f.\"to\", ', ' ORDER BY f.seq), '')
               || ') on update ' || f.on_update || ' on delete ' || f.on_delete AS definition
    FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f
    WHERE m.type = 'table' GROUP BY m.name, f.id";

/// The indexes that SQLite makes by itself, for UNIQUE and PRIMARY KEY.
const UNIQUES: &str = "
    SELECT m.name AS tbl_name, group_concat(c.name, ', ' ORDER BY c.seqno) AS name,
           iif(i.origin = 'pk', 'primary key', 'unique') AS definition
    FROM sqlite_schema m JOIN pragma_index_list(m.name) i JOIN pragma_index_info(i.name) c
    WHERE m.type = 'table' AND i.origin <> 'c' GROUP BY m.name, i.name";

/// Tables of SQLite and Diesel, which are not the schema's.
fn is_foreign(table: &str) -> bool {
    table.starts_with("sqlite_") || table == "__diesel_schema_migrations"
}

/// The schema of the database that is connected.
pub(crate) fn schema_of(connection: &mut SqliteConnection) -> Result<Schema> {
    let objects: Vec<ObjectRow> = diesel::sql_query(
        "SELECT type AS kind, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL",
    )
    .load(connection)
    .doing("reading the schema")?;
    let mut schema = Schema::default();
    let mut add = |table: &str, kind, name: &str, definition: String| {
        if !is_foreign(table) {
            schema.add(table, kind, name, definition);
        }
    };
    for ObjectRow { kind, name, tbl_name, sql } in objects {
        let text = normalised(&sql);
        match kind.as_str() {
            "index" => add(&tbl_name, Kind::Index, &name, text),
            "trigger" => add(&tbl_name, Kind::Trigger, &name, text),
            "view" => add(&tbl_name, Kind::View, &name, text),
            _ => {
                add(&tbl_name, Kind::Table, &name, String::new());
                for (name, check) in checks(&text) {
                    add(&tbl_name, Kind::Check, &name, check);
                }
                add(&tbl_name, Kind::Text, &name, text);
            }
        }
    }
    for (kind, sql) in [(Kind::Column, COLUMNS), (Kind::ForeignKey, FOREIGN_KEYS), (Kind::Unique, UNIQUES)] {
        let parts: Vec<PartRow> = diesel::sql_query(sql).load(connection).doing("reading the schema")?;
        for PartRow { tbl_name, name, definition } in parts {
            add(&tbl_name, kind, &name, definition);
        }
    }
    Ok(schema)
}

/// SQL without comments, in which each two words are one space apart, and names have no quotes that they do not need.
fn normalised(sql: &str) -> String {
    tokens(sql).join(" ")
}

/// The CHECKs of a normalised definition, by the names of their constraints.
fn checks(definition: &str) -> Vec<(String, String)> {
    let tokens: Vec<&str> = definition.split(' ').collect();
    let mut checks = Vec::new();
    for at in (0..tokens.len()).filter(|at| tokens[*at].eq_ignore_ascii_case("check")) {
        let named = at >= 2 && tokens[at - 2].eq_ignore_ascii_case("constraint");
        let name = if named { tokens[at - 1].to_owned() } else { format!("unnamed {}", checks.len() + 1) };
        let (mut depth, mut end) = (0, at + 1);
        for token in &tokens[at + 1..] {
            depth += i32::from(*token == "(") - i32::from(*token == ")");
            end += 1;
            if depth == 0 {
                break;
            }
        }
        checks.push((name, tokens[at + 1..end].join(" ")));
    }
    checks
}

fn tokens(sql: &str) -> Vec<String> {
    let mut tokens = Vec::new();
    let mut rest = sql.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '\'' | '"' | '`' => quoted(rest, first),
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c if is_operator(c) => rest.find(|c| !is_operator(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, behind) = rest.split_at(length);
        if !(token.starts_with("--") || token.starts_with("/*")) {
            let inner = token.trim_matches(['"', '`']);
            let plain = first != '\'' && !inner.is_empty() && inner.chars().all(is_word);
            tokens.push(if plain { inner } else { token }.to_owned());
        }
        rest = behind.trim_start();
    }
    tokens
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn is_operator(c: char) -> bool {
    "<>=!|&".contains(c)
}

/// The length of what is between quotes, with them; a doubled quote is one inside.
fn quoted(text: &str, quote: char) -> usize {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use diesel::connection::SimpleConnection;

    use super::*;
    use crate::migrations;

    fn migrated() -> SqliteConnection {
        let mut connection = migrations::empty().unwrap();
        migrations::run(&mut connection, std::path::Path::new(":memory:")).unwrap();
        connection
    }

    /// The schema is the one that stands in `tests/schema.txt`. After a new migration, look at the difference, and run
    /// the test with `UPDATE_SCHEMA=1` to write it down.
    #[test]
    fn the_schema_has_these_items_and_every_constraint_a_name() {
        let snapshot = schema_of(&mut migrated()).unwrap();
        let mut found = String::new();
        for (item, definition) in snapshot.items() {
            found += format!("{item} {definition}").trim_end();
            found.push('\n');
        }
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/schema.txt");
        if std::env::var_os("UPDATE_SCHEMA").is_some() {
            std::fs::write(file, &found).unwrap();
        }
        assert_eq!(found, std::fs::read_to_string(file).unwrap());

        for (item, definition) in snapshot.items().filter(|(item, _)| !item.table.starts_with("passages_fts"))
        {
            match item.kind {
                Kind::Index => assert!(item.name.starts_with("ix_"), "{item}"),
                Kind::Text => {
                    let words: Vec<&str> = definition.split(' ').collect();
                    for at in 0..words.len() {
                        let needs = match words[at] {
                            "PRIMARY" => "pk_",
                            "REFERENCES" => "fk_",
                            "UNIQUE" => "uq_",
                            "CHECK" => "ck_",
                            _ => continue,
                        };
                        assert_eq!(words[at - 2], "CONSTRAINT", "{item}: {} has no name", words[at]);
                        assert!(words[at - 1].starts_with(needs), "{item}: {}", words[at - 1]);
                    }
                }
                _ => {}
            }
        }
    }

    #[test]
    fn each_difference_is_named_once() {
        let expected = schema_of(&mut migrated()).unwrap();
        assert_eq!(expected.differences(&expected), Vec::<String>::new());
        let rebuild = |table: &str, from: &str, to: &str| {
            format!(
                "PRAGMA writable_schema = ON;
                 UPDATE sqlite_schema SET sql = replace(sql, '{from}', '{to}') WHERE name = '{table}';
                 PRAGMA writable_schema = RESET;"
            )
        };
        for (change, says) in [
            ("CREATE TABLE more (x, y CHECK (y > 1))".to_owned(), "unexpected: table more"),
            ("DROP TABLE media_file_words".to_owned(), "missing: table media_file_words"),
            (
                "DROP INDEX ix_videos_channel_id".to_owned(),
                "missing: index ix_videos_channel_id CREATE INDEX ",
            ),
            (
                "DROP INDEX ix_videos_channel_id; CREATE INDEX ix_videos_channel_id ON videos (id)"
                    .to_owned(),
                "different: index ix_videos_channel_id is CREATE INDEX ix_videos_channel_id ON videos ( id ); expected ",
            ),
            ("ALTER TABLE channels ADD COLUMN more TEXT".to_owned(), "unexpected: column channels.more"),
            ("ALTER TABLE channels DROP COLUMN url".to_owned(), "missing: column channels.url TEXT"),
            (
                "CREATE TRIGGER t AFTER INSERT ON channels BEGIN SELECT 1; END".to_owned(),
                "unexpected: trigger t",
            ),
            ("CREATE VIEW v AS SELECT 1".to_owned(), "unexpected: view v"),
            (
                rebuild("channels", "handle TEXT", "handle BLOB DEFAULT 7"),
                "different: column channels.handle is BLOB default 7; expected TEXT",
            ),
            (
                rebuild("channels", "title TEXT NOT NULL", "title TEXT"),
                "different: column channels.title is TEXT;",
            ),
            (
                rebuild("media_file_words", "CASCADE", "SET NULL"),
                "different: foreign key media_file_words (media_file_id) is references media_files (id) on update \
                 NO ACTION on delete SET NULL; expected",
            ),
            (
                rebuild("processing_tasks", "AND 100", "AND 99"),
                "different: check processing_tasks.ck_processing_tasks_progress is ( progress BETWEEN 0 AND 99 );",
            ),
            (
                rebuild("videos", "title TEXT", "title TEXT COLLATE NOCASE"),
                "different: definition of videos is ",
            ),
        ] {
            let mut connection = migrated();
            connection.batch_execute(&change).unwrap();
            let differences = expected.differences(&schema_of(&mut connection).unwrap());
            assert_eq!(differences.len(), 1, "{change}: {differences:?}");
            assert!(differences[0].starts_with(says), "{change}: {differences:?}");
        }
    }

    #[test]
    fn how_it_is_written_makes_no_difference() {
        let written =
            "CREATE TABLE \"t\" (a TEXT,\n -- a comment, with a ' in it\n b /* x */ DEFAULT 'it''s  -- 1')";
        assert_eq!(normalised(written), "CREATE TABLE t ( a TEXT , b DEFAULT 'it''s  -- 1' )");
        assert_eq!(
            checks("( a CHECK ( a > ( 1 ) ) , CONSTRAINT ck CHECK ( b ) )"),
            [("unnamed 1".to_owned(), "( a > ( 1 ) )".to_owned()), ("ck".to_owned(), "( b )".to_owned())]
        );
    }
}
