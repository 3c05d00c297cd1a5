//! How values of the domain stand in columns, and how they are read back.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tubeatlas_domain::Timestamp;
use tubeatlas_ports::{Error, Result, Revision, Stored};

use crate::error::corrupt;

/// A row of a table, for errors about what it holds.
#[derive(Clone, Copy)]
pub(crate) struct RowName<'a> {
    pub(crate) table: &'static str,
    pub(crate) key: &'a dyn std::fmt::Display,
}

impl RowName<'_> {
    /// Unwraps a value that the row must be able to give.
    pub(crate) fn check<T, E: std::fmt::Display>(self, value: Result<T, E>) -> Result<T> {
        value.map_err(|problem| corrupt(self.table, self.key, &problem))
    }

    pub(crate) fn number(self, value: i64) -> Result<u64> {
        self.check(u64::try_from(value))
    }

    pub(crate) fn optional_number(self, value: Option<i64>) -> Result<Option<u64>> {
        value.map(|value| self.number(value)).transpose()
    }

    pub(crate) fn small_number(self, value: Option<i32>) -> Result<Option<u32>> {
        value.map(|value| self.check(u32::try_from(value))).transpose()
    }

    pub(crate) fn time(self, micros: i64) -> Result<Timestamp> {
        self.check(Timestamp::from_unix_micros(micros))
    }

    pub(crate) fn optional_time(self, micros: Option<i64>) -> Result<Option<Timestamp>> {
        micros.map(|micros| self.time(micros)).transpose()
    }

    pub(crate) fn json<T: DeserializeOwned>(self, text: &str) -> Result<T> {
        self.check(serde_json::from_str(text))
    }

    /// A value that stands in its column as its JSON text without the quotes.
    pub(crate) fn word<T: DeserializeOwned>(self, word: &str) -> Result<T> {
        self.check(serde_json::from_value(serde_json::Value::String(word.to_owned())))
    }

    pub(crate) fn stored<E>(
        self,
        entity: E,
        created_at: i64,
        updated_at: i64,
        revision: i64,
        deleted_at: Option<i64>,
    ) -> Result<Stored<E>> {
        Ok(Stored {
            entity,
            created_at: self.time(created_at)?,
            updated_at: self.time(updated_at)?,
            revision: self.check(Revision::new(self.number(revision)?))?,
            deleted_at: self.optional_time(deleted_at)?,
        })
    }
}

/// A number that the domain has bounded to what a signed column holds.
pub(crate) fn number(value: u64) -> Result<i64> {
    i64::try_from(value).map_err(|error| Error::Backend {
        message: format!("{value} does not fit a column"),
        source: Some(Box::new(error)),
    })
}

pub(crate) fn optional_number(value: Option<u64>) -> Result<Option<i64>> {
    value.map(number).transpose()
}

pub(crate) fn small_number(value: u32) -> Result<i32> {
    i32::try_from(value).map_err(|error| Error::Backend {
        message: format!("{value} does not fit a column"),
        source: Some(Box::new(error)),
    })
}

pub(crate) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Backend {
        message: "a value could not be written as JSON".to_owned(),
        source: Some(Box::new(error)),
    })
}

/// A value of an enum as the word that JSON has for it.
pub(crate) fn word(value: &impl Serialize) -> Result<String> {
    Ok(json(value)?.trim_matches('"').to_owned())
}
