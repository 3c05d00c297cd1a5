//! What all lists and all `show`s have in common.

use std::process::ExitCode;

use clap::Args;
use serde::Serialize;
use serde::de::value::{Error as ValueError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use tubeatlas_ports::{
    Catalogued, Cursor, DEFAULT_PAGE_LIMIT, Error, Page, PageRequest, Repository, Stored, Visibility,
};

use super::output::Output;
use crate::error::AppError;

/// Which page of a list is wanted.
#[derive(Debug, Args)]
pub(super) struct Paging {
    /// How many at most, from 1 to 1000
    #[arg(long, default_value_t = DEFAULT_PAGE_LIMIT)]
    limit: u32,
    /// Go on behind the page that gave this cursor
    #[arg(long)]
    cursor: Option<String>,
}

/// Whether deleted videos, and what hangs on them, are taken in.
#[derive(Debug, Args)]
pub(super) struct Deleted {
    /// Only what is deleted
    #[arg(long, conflicts_with = "with_deleted")]
    deleted: bool,
    /// Also what is deleted
    #[arg(long)]
    with_deleted: bool,
}

impl Deleted {
    pub(super) fn visibility(&self) -> Visibility {
        match (self.deleted, self.with_deleted) {
            (true, _) => Visibility::OnlyDeleted,
            (_, true) => Visibility::WithDeleted,
            _ => Visibility::Live,
        }
    }
}

/// Whether something deleted is shown.
#[derive(Debug, Args)]
pub(super) struct WithDeleted {
    /// Also if it, or its video, is deleted
    #[arg(long)]
    with_deleted: bool,
}

impl WithDeleted {
    pub(super) fn visibility(&self) -> Visibility {
        if self.with_deleted { Visibility::WithDeleted } else { Visibility::Live }
    }
}

/// A word of a closed set, as JSON spells it: an order, a status.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    let words: StrDeserializer<'_, ValueError> = text.into_deserializer();
    T::deserialize(words).map_err(|error| error.to_string())
}

/// Shows a page of a list, a line an item.
pub(super) async fn list<E: Catalogued, V: Serialize>(
    output: &Output,
    repository: &(impl Repository<E> + ?Sized),
    filter: &E::Filter,
    (order, paging): (E::Order, Paging),
    view: impl Fn(E::Listed) -> V,
    line: impl Fn(&Stored<V>) -> String,
) -> Result<ExitCode, AppError> {
    let request = PageRequest { order, limit: paging.limit, after: paging.cursor.map(Cursor::from_text) };
    let page = repository.list(filter, &request).await?;
    let items: Vec<Stored<V>> = page.items.into_iter().map(|item| item.map(&view)).collect();
    let page = Page { items, next: page.next };
    output.show(&page, |page| page.items.iter().map(|item| line(item) + "\n").collect())?;
    note_next(output, page.next.as_ref());
    Ok(ExitCode::SUCCESS)
}

/// In text, says how to go on.
pub(super) fn note_next(output: &Output, next: Option<&Cursor>) {
    if let Some(cursor) = next.filter(|_| output.is_text()) {
        output.note(&format!("more with --cursor {cursor}"));
    }
}

/// The entity with this id.
pub(super) async fn get<E: Catalogued>(
    repository: &(impl Repository<E> + ?Sized),
    id: &E::Id,
    visibility: Visibility,
) -> Result<Stored<E>, AppError> {
    let found = repository.get(id, visibility).await?;
    Ok(found.ok_or_else(|| Error::NotFound { entity: E::KIND, key: id.to_string() })?)
}
