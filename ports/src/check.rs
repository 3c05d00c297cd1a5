//! What a look at a database finds: [`Check`]s, and how its schema differs from what it should be.

use std::collections::{BTreeMap, BTreeSet};

use tubeatlas_domain::search::INDEX_VERSION;

use crate::Result;

/// One thing of a database that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is.
    pub name: String,
    /// Whether it is as it should be.
    pub ok: bool,
    /// What was found.
    pub detail: String,
}

impl Check {
    /// What was found, or what is wrong: the error with all its causes.
    pub fn new(name: &str, found: Result<String>) -> Self {
        let ok = found.is_ok();
        let detail = found.unwrap_or_else(|error| error.chain());
        Self { name: name.to_owned(), ok, detail }
    }

    /// The name of [`index_version`](Self::index_version).
    pub const INDEX_VERSION: &str = "version of the search index";

    /// That an index was made by this program's [`INDEX_VERSION`].
    pub fn index_version(found: Result<u32>) -> Self {
        match found.map(|found| (found, stale_index(found))) {
            Ok((_, Some(detail))) => Self { name: Self::INDEX_VERSION.to_owned(), ok: false, detail },
            Ok((found, None)) => Self::new(Self::INDEX_VERSION, Ok(found.to_string())),
            Err(error) => Self::new(Self::INDEX_VERSION, Err(error)),
        }
    }

    /// That a database has the schema that it should have; or one failure for each difference.
    pub fn schema(found: Result<(Schema, Schema)>) -> Vec<Self> {
        match found.map(|(expected, found)| (expected.differences(&found), found)) {
            Ok((differences, found)) if differences.is_empty() => {
                let (tables, indexes) =
                    (found.count(SchemaItemKind::Table), found.count(SchemaItemKind::Index));
                vec![Self::new("schema", Ok(format!("{tables} tables and {indexes} indexes as expected")))]
            }
            Ok((differences, _)) => differences
                .into_iter()
                .map(|detail| Self { name: "schema".to_owned(), ok: false, detail })
                .collect(),
            Err(error) => vec![Self::new("schema", Err(error))],
        }
    }
}

/// What to say of an index that was made by another version than this program's [`INDEX_VERSION`], if it was.
pub fn stale_index(found: u32) -> Option<String> {
    (found != INDEX_VERSION).then(|| {
        format!(
            "the search index was made by another Tubeatlas (version {found}, and not {INDEX_VERSION}), and searches may \
             miss words: build it anew with `db reindex`"
        )
    })
}

/// The schema of a database as items that can be compared one by one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema(BTreeMap<SchemaItem, String>);

/// One thing of a table. The table itself comes first; its text comes last, and has what no other item says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SchemaItem {
    /// The table that it belongs to; of what belongs to none, its own name.
    pub table: String,
    /// What it is.
    pub kind: SchemaItemKind,
    /// Its name.
    pub name: String,
}

/// What the item of a schema is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SchemaItemKind {
    /// A table.
    Table,
    /// A column, with its type, its default and whether it may be NULL.
    Column,
    /// A foreign key without a name, by its columns.
    ForeignKey,
    /// What must be unique, without a name, by its columns.
    Unique,
    /// A CHECK.
    Check,
    /// A constraint of any kind, by its name.
    Constraint,
    /// An index.
    Index,
    /// A trigger.
    Trigger,
    /// A view.
    View,
    /// A sequence.
    Sequence,
    /// The text that defines a table.
    Text,
}

impl std::fmt::Display for SchemaItem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { table, name, .. } = self;
        match self.kind {
            SchemaItemKind::Table => write!(f, "table {table}"),
            SchemaItemKind::Column => write!(f, "column {table}.{name}"),
            SchemaItemKind::ForeignKey => write!(f, "foreign key {table} ({name})"),
            SchemaItemKind::Unique => write!(f, "unique {table} ({name})"),
            SchemaItemKind::Check => write!(f, "check {table}.{name}"),
            SchemaItemKind::Constraint => write!(f, "constraint {table}.{name}"),
            SchemaItemKind::Index => write!(f, "index {name}"),
            SchemaItemKind::Trigger => write!(f, "trigger {name}"),
            SchemaItemKind::View => write!(f, "view {name}"),
            SchemaItemKind::Sequence => write!(f, "sequence {name}"),
            SchemaItemKind::Text => write!(f, "definition of {table}"),
        }
    }
}

impl Schema {
    /// Adds an item with its definition, which is empty where the name says it all.
    pub fn add(&mut self, table: &str, kind: SchemaItemKind, name: &str, definition: String) {
        self.0.insert(SchemaItem { table: table.to_owned(), kind, name: name.to_owned() }, definition);
    }

    /// The items with their definitions, in order.
    pub fn items(&self) -> impl Iterator<Item = (&SchemaItem, &str)> {
        self.0.iter().map(|(item, definition)| (item, definition.as_str()))
    }

    /// How many items of this kind it has.
    pub fn count(&self, kind: SchemaItemKind) -> usize {
        self.0.keys().filter(|item| item.kind == kind).count()
    }

    /// What is missing in `found`, is there unexpectedly, or is different, one line each. Of a table that is missing or
    /// unexpected no more is said, and its text only matters if nothing else is different.
    pub fn differences(&self, found: &Self) -> Vec<String> {
        let items: BTreeSet<&SchemaItem> = self.0.keys().chain(found.0.keys()).collect();
        let (mut lines, mut said) = (Vec::new(), BTreeSet::new());
        for item in items {
            let line = match (self.0.get(item), found.0.get(item)) {
                (Some(expected), Some(found)) if expected == found => continue,
                (Some(expected), Some(found)) => format!("different: {item} is {found}; expected {expected}"),
                (Some(expected), None) => format!("missing: {item} {expected}"),
                (None, _) => format!("unexpected: {item}"),
            };
            let table = &item.table;
            let whole_table =
                SchemaItem { table: table.clone(), kind: SchemaItemKind::Table, name: table.clone() };
            let is_part_of_line = said.contains(&whole_table)
                || (item.kind == SchemaItemKind::Text && said_of_text(&said, table));
            if !is_part_of_line {
                lines.push(line.trim_end().to_owned());
            }
            said.insert(item.clone());
        }
        lines
    }
}

/// Whether anything of the table's own text was said to be different.
fn said_of_text(said: &BTreeSet<SchemaItem>, table: &str) -> bool {
    said.iter().any(|item| item.table == table && item.kind < SchemaItemKind::Index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Error;

    fn schema(items: &[(&str, SchemaItemKind, &str, &str)]) -> Schema {
        let mut schema = Schema::default();
        for (table, kind, name, definition) in items {
            schema.add(table, *kind, name, (*definition).to_owned());
        }
        schema
    }

    #[test]
    fn each_difference_is_one_line() {
        use SchemaItemKind::{Column, Index, Table, Text};
        let expected = schema(&[
            ("a", Table, "a", ""),
            ("a", Column, "x", "TEXT"),
            ("a", Index, "ix_a", "(x)"),
            ("a", Text, "a", "CREATE TABLE a (x TEXT)"),
            ("b", Table, "b", ""),
            ("b", Column, "y", "TEXT"),
        ]);
        let found = schema(&[
            ("a", Table, "a", ""),
            ("a", Column, "x", "BLOB"),
            ("a", Text, "a", "CREATE TABLE a (x BLOB)"),
            ("c", Table, "c", ""),
            ("c", Column, "z", "TEXT"),
        ]);
        let lines = [
            "different: column a.x is BLOB; expected TEXT",
            "missing: index ix_a (x)",
            "missing: table b",
            "unexpected: table c",
        ];
        assert_eq!(expected.differences(&found), lines);
        let checks = Check::schema(Ok((expected.clone(), found)));
        assert!(checks.len() == 4 && checks.iter().all(|check| !check.ok), "{checks:?}");
        let checks = Check::schema(Ok((expected.clone(), expected)));
        assert_eq!(checks[0].detail, "2 tables and 1 indexes as expected");
        assert!(checks.len() == 1 && checks[0].ok);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_causes() {
        let failed =
            Check::new("rows", Err(Error::Corrupt { message: "a row is damaged".to_owned(), source: None }));
        assert!(!failed.ok && failed.detail.contains("a row is damaged"), "{failed:?}");
    }
}
