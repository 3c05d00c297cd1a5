//! Faults of lists, for every kind of entity.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use tubeatlas_ports::{Catalogued, Cursor, Error, MAX_PAGE_LIMIT, Page, PageRequest, Result, Stored};

use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook};
use crate::kind::{Kind, WrittenKind};

type Listed<E> = Stored<<E as Catalogued>::Listed>;

/// The faults of the rules L-001 to L-010 but L-006.
pub(super) fn faults<E: Kind>() -> Vec<Fault> {
    let rule = E::rule;
    vec![
        Fault::new(
            rule("L-001"),
            "a whole list stands in the order of its changes",
            &["the list in the order"],
            || Hooks::new().reads::<E>(WholeListInTheOrderOfChanges),
        )
        .also(rule("L-002"), "it compares whole lists, too, in each order", &["the list in the order"])
        .also(
            rule("L-005"),
            "it compares the pages with the whole list",
            &["what was there throughout"],
        ),
        Fault::new(rule("L-002"), "count after a long list counts one too many", &["the count of"], || {
            Hooks::new().reads::<E>(CountCountsOneTooMany::default())
        }),
        Fault::new(
            rule("L-003"),
            "the last page has a cursor if it is full",
            &["the cursor behind the last page of", ": None", "observed: Some(Cursor("],
            || Hooks::new().reads::<E>(LastFullPageHasACursor),
        ),
        Fault::new(
            rule("L-004"),
            "the pages behind a cursor are no longer than the one that gave it",
            &["what stands behind the third"],
            || Hooks::new().reads::<E>(CursorKeepsItsLimit::default()),
        ),
        Fault::new(
            rule("L-005"),
            "a cursor says how many rows to skip",
            &["what was there throughout"],
            || Hooks::new().reads::<E>(CursorSkipsRows::default()),
        ),
        Fault::new(
            rule("L-007"),
            "a cursor is good for any list",
            &["Invalid, naming \"cursor\"", "observed: Ok(Page"],
            || Hooks::new().reads::<E>(CursorOfAnyList::<E>::default()),
        ),
        Fault::new(
            rule("L-008"),
            "an empty cursor begins at the first page",
            &["Invalid, naming \"cursor\"", "observed: Ok(Page"],
            || Hooks::new().reads::<E>(EmptyCursorIsNone),
        ),
        Fault::new(
            rule("L-009"),
            "a limit that is too large is cut",
            &["Invalid, naming \"limit\"", "observed: Ok(Page"],
            || Hooks::new().reads::<E>(LargeLimitIsCut),
        ),
        Fault::new(
            rule("L-010"),
            "what was never written to is taken for damaged",
            &["the call succeeds", "the index was never built"],
            || Hooks::new().reads::<E>(EmptyIsDamaged),
        ),
    ]
}

/// The same, and that of L-006, for entities that can be deleted.
pub(super) fn written<E: WrittenKind>() -> Vec<Fault> {
    let mut faults = faults::<E>();
    super::also(
        &mut faults,
        &E::rule("L-004"),
        &E::rule("L-006"),
        "it reads what is left in one page longer than the first",
        &["what is left behind it"],
    );
    faults.push(Fault::new(
        E::rule("L-006"),
        "a list ends where the row of its cursor is gone",
        &["what is left behind it", "observed: []"],
        || Hooks::new().reads::<E>(EndsWhereItsRowIsGone),
    ));
    faults
}

/// What was noted about things, by several calls at once perhaps.
pub(super) struct Notes<K, V>(Mutex<HashMap<K, V>>);

impl<K, V> Default for Notes<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Hash + Eq, V: Clone> Notes<K, V> {
    pub(super) fn note(&self, key: K, value: V) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, value);
    }

    pub(super) fn of(&self, key: &K) -> Option<V> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }
}

/// Whoever asks for as much gets a whole list, not a page of it.
const LONG: u32 = 100;

/// The whole list, in its order.
async fn whole<E: Kind>(at: &At<'_>, filter: &E::Filter, order: E::Order) -> Result<Vec<Listed<E>>> {
    let request = PageRequest { order, limit: MAX_PAGE_LIMIT, after: None };
    Ok(at.reads::<E>().list(filter, &request).await?.items)
}

/// The cursor behind the last of these items.
fn cursor<E: Kind>(filter: &E::Filter, order: E::Order, items: &[Listed<E>]) -> Result<Option<Cursor>> {
    items.last().map(|last| Cursor::encode(E::cursor_scope(order, filter), &E::position(last))).transpose()
}

struct WholeListInTheOrderOfChanges;

#[async_trait]
impl<E: Kind> ReadHook<E> for WholeListInTheOrderOfChanges {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let mut answer = at.reads::<E>().list(filter, page).await?;
        if page.after.is_none() && page.limit >= LONG {
            answer.items.sort_by_key(|item| item.revision);
        }
        Ok(answer)
    }
}

/// It counts the rows that the last list read, and a list reads one more than it shows.
#[derive(Default)]
struct CountCountsOneTooMany {
    long_list: AtomicBool,
}

#[async_trait]
impl<E: Kind> ReadHook<E> for CountCountsOneTooMany {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        self.long_list.store(page.limit >= LONG, Ordering::SeqCst);
        at.reads::<E>().list(filter, page).await
    }

    async fn count(&self, at: &At<'_>, filter: &E::Filter) -> Result<u64> {
        Ok(at.reads::<E>().count(filter).await? + u64::from(self.long_list.load(Ordering::SeqCst)))
    }
}

struct LastFullPageHasACursor;

#[async_trait]
impl<E: Kind> ReadHook<E> for LastFullPageHasACursor {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let mut answer = at.reads::<E>().list(filter, page).await?;
        if answer.items.len() as u64 >= u64::from(page.limit) {
            answer.next = cursor::<E>(filter, page.order, &answer.items)?;
        }
        Ok(answer)
    }
}

/// The limit of the page that gave a cursor.
#[derive(Default)]
struct CursorKeepsItsLimit(Notes<Cursor, u32>);

#[async_trait]
impl<E: Kind> ReadHook<E> for CursorKeepsItsLimit {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let kept = page.after.as_ref().and_then(|cursor| self.0.of(cursor));
        let limit = kept.map_or(page.limit, |kept| kept.min(page.limit));
        let answer = at.reads::<E>().list(filter, &PageRequest { limit, ..page.clone() }).await?;
        if let Some(next) = &answer.next {
            self.0.note(next.clone(), limit);
        }
        Ok(answer)
    }
}

/// How many rows stand before a cursor. Only where its row is gone it goes on behind the order key.
#[derive(Default)]
struct CursorSkipsRows(Notes<Cursor, usize>);

#[async_trait]
impl<E: Kind> ReadHook<E> for CursorSkipsRows {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let mut answer = at.reads::<E>().list(filter, page).await?;
        let mut skipped = 0;
        if let Some(after) = &page.after {
            let position = after.decode::<E::Position>(E::cursor_scope(page.order, filter))?;
            let rows = whole::<E>(at, filter, page.order).await?;
            let row_is_there = rows.iter().any(|row| E::position(row) == position);
            if let Some(skip) = self.0.of(after).filter(|_| row_is_there) {
                let rows = rows.into_iter().skip(skip).collect();
                let next = |last: &_| Cursor::encode(E::cursor_scope(page.order, filter), &E::position(last));
                answer = Page::from_rows(rows, page.limit, next)?;
                skipped = skip;
            }
        }
        if let Some(next) = &answer.next {
            self.0.note(next.clone(), skipped + answer.items.len());
        }
        Ok(answer)
    }
}

struct EndsWhereItsRowIsGone;

#[async_trait]
impl<E: Kind> ReadHook<E> for EndsWhereItsRowIsGone {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let answer = at.reads::<E>().list(filter, page).await?;
        let Some(after) = &page.after else { return Ok(answer) };
        let position = after.decode::<E::Position>(E::cursor_scope(page.order, filter))?;
        let rows = whole::<E>(at, filter, page.order).await?;
        if rows.iter().any(|row| E::position(row) == position) {
            return Ok(answer);
        }
        Ok(Page { items: Vec::new(), next: None })
    }
}

/// The order keys of the cursors that were given out, by whichever list.
struct CursorOfAnyList<E: Kind>(Notes<Cursor, E::Position>);

impl<E: Kind> Default for CursorOfAnyList<E> {
    fn default() -> Self {
        Self(Notes::default())
    }
}

#[async_trait]
impl<E: Kind> ReadHook<E> for CursorOfAnyList<E> {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let mut page = page.clone();
        if let Some(position) = page.after.as_ref().and_then(|after| self.0.of(after)) {
            page.after = Some(Cursor::encode(E::cursor_scope(page.order, filter), &position)?);
        }
        let answer = at.reads::<E>().list(filter, &page).await?;
        if let (Some(next), Some(last)) = (&answer.next, answer.items.last()) {
            self.0.note(next.clone(), E::position(last));
        }
        Ok(answer)
    }
}

struct EmptyCursorIsNone;

#[async_trait]
impl<E: Kind> ReadHook<E> for EmptyCursorIsNone {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let after = page.after.clone().filter(|cursor| !cursor.as_str().is_empty());
        at.reads::<E>().list(filter, &PageRequest { after, ..page.clone() }).await
    }
}

struct LargeLimitIsCut;

#[async_trait]
impl<E: Kind> ReadHook<E> for LargeLimitIsCut {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        let limit = page.limit.min(MAX_PAGE_LIMIT);
        at.reads::<E>().list(filter, &PageRequest { limit, ..page.clone() }).await
    }
}

/// Only the shortest page looks at the index before anything else.
struct EmptyIsDamaged;

#[async_trait]
impl<E: Kind> ReadHook<E> for EmptyIsDamaged {
    async fn list(
        &self,
        at: &At<'_>,
        filter: &E::Filter,
        page: &PageRequest<E::Order>,
    ) -> Result<Page<Listed<E>>> {
        if page.limit == 1 && at.reads::<E>().count(&E::Filter::default()).await? == 0 {
            return Err(Error::Corrupt { message: "the index was never built".into(), source: None });
        }
        at.reads::<E>().list(filter, page).await
    }
}
