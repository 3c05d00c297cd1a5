//! Faults of reads and writes, for every kind of entity whose state is free.

use std::collections::HashSet;
use std::hash::Hash;

use async_trait::async_trait;
use tubeatlas_contract::fixtures::noon;
use tubeatlas_domain::{Entity, EntityKind, Timestamp};
use tubeatlas_ports::{
    Conflict, Error, MAX_BATCH, Result, Revision, Stored, Upserted, Visibility, check_batch,
};

use super::lists::Notes;
use crate::fault::Fault;
use crate::hooks::{At, Hooks, ReadHook, WriteHook};
use crate::kind::{Kind, WrittenKind};

/// The faults of the rules that all kinds share, but for, which depend on the fields.
pub(super) fn faults<E: WrittenKind>() -> Vec<Fault> {
    let rule = E::rule;
    vec![
        Fault::new(
            rule("C-001"),
            "create stamps the time of the clock's last whole minute, once a second has passed",
            &["created_at, by the store's clock"],
            || Hooks::new().writes::<E>(CreateStampsAnOldTime),
        ),
        Fault::new(
            rule("C-002"),
            "to create the very same again in a single call succeeds",
            &["AlreadyExists { entity: ", "field: \"id\"", "observed: Ok(Stored"],
            || Hooks::new().writes::<E>(CreateOfTheSameSucceeds),
        ),
        Fault::new(
            rule("C-003"),
            "create_many answers in the order of ids",
            &["the answers stand in the order of the items"],
            || Hooks::new().writes::<E>(CreateManyAnswersById),
        ),
        Fault::new(
            rule("C-004"),
            "create_many keeps what comes before a taken id",
            &["nothing is stored under", "observed: Some(Stored"],
            || Hooks::new().writes::<E>(CreateManyKeepsTheFirst),
        ),
        Fault::new(
            rule("C-005"),
            "delete_many looks for the entities before it counts the ids",
            &["Invalid, naming \"batch\"", "observed: Err(NotFound"],
            || Hooks::new().writes::<E>(DeleteManyCountsLate),
        ),
        Fault::new(
            rule("D-001"),
            "get_many of several goes on showing what was deleted",
            &["get_many: [None, Some(Stored", "observed: [Some(Stored"],
            || Hooks::new().both::<E>(GetManyShowsDeleted::<E>::default()),
        ),
        Fault::new(
            rule("D-002"),
            "a get of everything goes on showing what was deleted for good",
            &["nothing is stored under", "observed: Some(Stored"],
            || Hooks::new().both::<E>(GetShowsDeleted::<E>::default()),
        ),
        Fault::new(
            rule("D-003"),
            "delete accepts an older revision",
            &["Conflict(Revision", "observed: Ok(())"],
            || Hooks::new().writes::<E>(DeleteAcceptsAnOlderRevision),
        ),
        Fault::new(
            rule("D-004"),
            "delete_many takes an id that is there twice for one",
            &["NotFound", "observed: Ok(())"],
            || Hooks::new().writes::<E>(DeleteManyRemovesDuplicates),
        ),
        Fault::new(rule("R-004"), "get_many answers an id once", &["get_many with Live"], || {
            Hooks::new().reads::<E>(GetManyAnswersOnce)
        }),
        Fault::new(
            rule("R-005"),
            "exists takes OnlyDeleted for WithDeleted",
            &["exists of ", "with OnlyDeleted: false", "observed: true"],
            || Hooks::new().reads::<E>(ExistsTakesInTheLive),
        ),
        Fault::new(
            rule("R-006"),
            "get_many reads too many ids in two parts",
            &["Invalid, naming \"batch\"", "observed: Ok([None"],
            || Hooks::new().reads::<E>(GetManyIsUnbounded),
        ),
        Fault::new(rule("U-001"), "update answers a new created_at", &["created_at stays"], || {
            Hooks::new().writes::<E>(UpdateRenewsCreatedAt)
        })
        .also(adopted(E::KIND), "what was taken in is changed, too", &["created_at after a change"]),
        Fault::new(
            rule("U-002"),
            "an update to the same answers a new updated_at",
            &["the answer to an update that changes nothing", "updated_at"],
            || Hooks::new().writes::<E>(UpdateToTheSameIsStamped),
        ),
        Fault::new(
            rule("U-003"),
            "a revision that is demanded of what is missing is a conflict",
            &["NotFound", "observed: Err(Conflict(Revision"],
            || Hooks::new().writes::<E>(MissingIsAtAnotherRevision),
        ),
        Fault::new(
            rule("U-004"),
            "an update to the same does not look at the revision",
            &["Conflict(Revision", "observed: Ok(Stored"],
            || Hooks::new().writes::<E>(UpdateToTheSameIgnoresTheRevision),
        ),
        Fault::new(
            rule("U-005"),
            "update_many keeps what comes before something missing",
            &["what is stored is as it was"],
            || Hooks::new().writes::<E>(UpdateManyKeepsTheFirst),
        ),
        Fault::new(
            rule("U-006"),
            "upsert of the same answers Updated",
            &["an upsert of the same: Unchanged(", "observed: Updated("],
            || Hooks::new().writes::<E>(UpsertOfTheSameIsUpdated),
        ),
        Fault::new(
            rule("U-007"),
            "upsert_many says Created for each item whose id was free before the batch",
            &["Created, Unchanged, Unchanged, Updated, Updated"],
            || Hooks::new().writes::<E>(UpsertManyCreatesTwice),
        ),
        Fault::new(
            rule("V-001"),
            "revisions begin again when the clock goes back a second",
            &["revisions that increase from one to the next", "Revision(1)"],
            || Hooks::new().writes::<E>(RevisionsFollowTheClock),
        ),
        Fault::new(
            rule("V-002"),
            "update sets updated_at to the clock's time, be it earlier",
            &["updated_at: Timestamp("],
            || Hooks::new().writes::<E>(UpdatedAtGoesBack),
        ),
    ]
}

/// The rule about what of this kind is taken in from another store.
fn adopted(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Channel => "ADO-C-001",
        EntityKind::Video => "ADO-C-002",
        EntityKind::Transcript => "ADO-C-003",
        EntityKind::KnowledgeGraph => "ADO-C-004",
        EntityKind::MediaFile => "ADO-C-005",
        EntityKind::SourceFile => "ADO-C-007",
        EntityKind::Playlist => "ADO-C-008",
        _ => "ADO-C-006",
    }
}

/// create stores `lose` of what it is given, and update takes the two for the same.
pub(super) fn lost_by_create<E: WrittenKind>(name: &'static str, lose: fn(&E) -> E) -> Fault {
    let says = &["the entity that create answers"];
    Fault::new(E::rule("R-001"), name, says, move || Hooks::new().writes::<E>(CreateLoses { lose }))
}

/// update stores `keep` of what is there and what it is given.
pub(super) fn kept_by_update<E: WrittenKind>(name: &'static str, keep: fn(&E, &E) -> E) -> Fault {
    let says = &["the entity that is read back"];
    Fault::new(E::rule("R-002"), name, says, move || Hooks::new().writes::<E>(UpdateKeeps { keep }))
}

/// get looks for `fold` of an id before it looks for the id itself.
pub(super) fn folded_by_get<E: Kind>(name: &'static str, fold: fn(&E::Id) -> E::Id) -> Fault {
    let says = &["the entity with exactly this id"];
    Fault::new(E::rule("R-003"), name, says, move || Hooks::new().reads::<E>(GetFolds::<E> { fold }))
}

/// This many seconds away from the time at which the clock of a case begins.
fn after_seconds(seconds: i64) -> i64 {
    noon().unix_micros() + seconds * 1_000_000
}

struct CreateStampsAnOldTime;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CreateStampsAnOldTime {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        let mut created = at.writes::<E>().create(entity).await?;
        let micros = created.created_at.unix_micros();
        if micros > after_seconds(1) {
            let minute = micros - micros.rem_euclid(60_000_000);
            created.created_at = Timestamp::from_unix_micros(minute).map_err(Error::Invalid)?;
        }
        Ok(created)
    }
}

/// A single call may have been sent twice, and takes what is there for its own.
struct CreateOfTheSameSucceeds;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CreateOfTheSameSucceeds {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        let answer = at.writes::<E>().create(entity).await;
        if let Err(Error::AlreadyExists { .. }) = answer
            && at.unit.is_none()
            && let Some(stored) = at.reads::<E>().get(&entity.id(), Visibility::Live).await?
            && stored.entity == *entity
        {
            return Ok(stored);
        }
        answer
    }
}

struct CreateManyAnswersById;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CreateManyAnswersById {
    async fn create_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let mut created = at.writes::<E>().create_many(entities).await?;
        created.sort_by_key(|stored| stored.entity.id());
        Ok(created)
    }
}

struct CreateManyKeepsTheFirst;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CreateManyKeepsTheFirst {
    async fn create_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let answer = at.writes::<E>().create_many(entities).await;
        if let Err(Error::AlreadyExists { field: "id", .. }) = answer {
            for entity in entities {
                at.writes::<E>().create(entity).await?;
            }
        }
        answer
    }
}

struct DeleteManyCountsLate;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for DeleteManyCountsLate {
    async fn delete_many(&self, at: &At<'_>, ids: &[E::Id]) -> Result<()> {
        if let (Some(first), Err(_)) = (ids.first(), check_batch(ids))
            && !at.reads::<E>().exists(first, Visibility::Live).await?
        {
            return Err(Error::not_found::<E>(first));
        }
        at.writes::<E>().delete_many(ids).await
    }
}

/// What `delete` deleted.
struct GetManyShowsDeleted<E: Kind>(Notes<E::Id, Stored<E>>);

impl<E: Kind> Default for GetManyShowsDeleted<E> {
    fn default() -> Self {
        Self(Notes::default())
    }
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for GetManyShowsDeleted<E> {
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        note_and_delete(&self.0, at, id, expected).await
    }
}

#[async_trait]
impl<E: WrittenKind> ReadHook<E> for GetManyShowsDeleted<E> {
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[E::Id],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<E>>>> {
        let answers = at.reads::<E>().get_many(ids, visibility).await?;
        if visibility != Visibility::Live || ids.len() < 2 {
            return Ok(answers);
        }
        Ok(answers.into_iter().zip(ids).map(|(answer, id)| answer.or_else(|| self.0.of(id))).collect())
    }
}

/// What `delete` deleted.
struct GetShowsDeleted<E: Kind>(Notes<E::Id, Stored<E>>);

impl<E: Kind> Default for GetShowsDeleted<E> {
    fn default() -> Self {
        Self(Notes::default())
    }
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for GetShowsDeleted<E> {
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        note_and_delete(&self.0, at, id, expected).await
    }
}

#[async_trait]
impl<E: WrittenKind> ReadHook<E> for GetShowsDeleted<E> {
    async fn get(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        let answer = at.reads::<E>().get(id, visibility).await?;
        Ok(answer.or_else(|| self.0.of(id).filter(|_| visibility == Visibility::WithDeleted)))
    }
}

/// Deletes something, and notes what it was.
pub(super) async fn note_and_delete<E: WrittenKind>(
    notes: &Notes<E::Id, Stored<E>>,
    at: &At<'_>,
    id: &E::Id,
    expected: Option<Revision>,
) -> Result<()> {
    let stored = at.reads::<E>().get(id, Visibility::Live).await?;
    at.writes::<E>().delete(id, expected).await?;
    if let Some(stored) = stored {
        notes.note(id.clone(), stored);
    }
    Ok(())
}

struct DeleteAcceptsAnOlderRevision;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for DeleteAcceptsAnOlderRevision {
    async fn delete(&self, at: &At<'_>, id: &E::Id, expected: Option<Revision>) -> Result<()> {
        match at.writes::<E>().delete(id, expected).await {
            Err(Error::Conflict(Conflict::Revision { expected, actual, .. })) if expected < actual => {
                at.writes::<E>().delete(id, None).await
            }
            answer => answer,
        }
    }
}

struct DeleteManyRemovesDuplicates;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for DeleteManyRemovesDuplicates {
    async fn delete_many(&self, at: &At<'_>, ids: &[E::Id]) -> Result<()> {
        check_batch(ids)?;
        let firsts = first_ones(ids);
        let ids: Vec<_> =
            ids.iter().zip(firsts).filter(|(_, first)| *first).map(|(id, _)| id.clone()).collect();
        at.writes::<E>().delete_many(&ids).await
    }
}

/// Whether each of these is the first one that is the same.
fn first_ones<T: Hash + Eq>(items: &[T]) -> Vec<bool> {
    let mut seen = HashSet::new();
    items.iter().map(|item| seen.insert(item)).collect()
}

pub(super) struct GetManyAnswersOnce;

#[async_trait]
impl<E: Kind> ReadHook<E> for GetManyAnswersOnce {
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[E::Id],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<E>>>> {
        let answers = at.reads::<E>().get_many(ids, visibility).await?;
        Ok(answers.into_iter().zip(first_ones(ids)).map(|(answer, first)| answer.filter(|_| first)).collect())
    }
}

pub(super) struct ExistsTakesInTheLive;

#[async_trait]
impl<E: Kind> ReadHook<E> for ExistsTakesInTheLive {
    async fn exists(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<bool> {
        let visibility = match visibility {
            Visibility::OnlyDeleted => Visibility::WithDeleted,
            visibility => visibility,
        };
        at.reads::<E>().exists(id, visibility).await
    }
}

pub(super) struct GetManyIsUnbounded;

#[async_trait]
impl<E: Kind> ReadHook<E> for GetManyIsUnbounded {
    async fn get_many(
        &self,
        at: &At<'_>,
        ids: &[E::Id],
        visibility: Visibility,
    ) -> Result<Vec<Option<Stored<E>>>> {
        let mut answers = Vec::new();
        for ids in ids.chunks(MAX_BATCH) {
            answers.extend(at.reads::<E>().get_many(ids, visibility).await?);
        }
        Ok(answers)
    }
}

struct UpdateRenewsCreatedAt;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdateRenewsCreatedAt {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let updated = at.writes::<E>().update(entity, expected).await?;
        Ok(Stored { created_at: updated.updated_at, ..updated })
    }
}

struct UpdateToTheSameIsStamped;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdateToTheSameIsStamped {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let updated = at.writes::<E>().update(entity, expected).await?;
        Ok(Stored { updated_at: updated.updated_at.max(at.clock.now()), ..updated })
    }
}

struct MissingIsAtAnotherRevision;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for MissingIsAtAnotherRevision {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let answer = at.writes::<E>().update(entity, expected).await;
        if let (Err(Error::NotFound { entity: kind, key }), Some(expected)) = (&answer, expected)
            && !at.reads::<E>().exists(&entity.id(), Visibility::WithDeleted).await?
        {
            let actual = Revision::new(1).map_err(Error::Invalid)?;
            let (entity, key) = (*kind, key.clone());
            return Err(Error::Conflict(Conflict::Revision { entity, key, expected, actual }));
        }
        answer
    }
}

struct UpdateToTheSameIgnoresTheRevision;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdateToTheSameIgnoresTheRevision {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        match at.reads::<E>().get(&entity.id(), Visibility::Live).await? {
            Some(stored) if stored.entity == *entity => Ok(stored),
            _ => at.writes::<E>().update(entity, expected).await,
        }
    }
}

struct UpdateManyKeepsTheFirst;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdateManyKeepsTheFirst {
    async fn update_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Stored<E>>> {
        let answer = at.writes::<E>().update_many(entities).await;
        if let Err(Error::NotFound { .. }) = answer {
            for entity in entities {
                at.writes::<E>().update(entity, None).await?;
            }
        }
        answer
    }
}

struct UpsertOfTheSameIsUpdated;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpsertOfTheSameIsUpdated {
    async fn upsert(&self, at: &At<'_>, entity: &E) -> Result<Upserted<E>> {
        Ok(match at.writes::<E>().upsert(entity).await? {
            Upserted::Unchanged(stored) => Upserted::Updated(stored),
            answer => answer,
        })
    }
}

struct UpsertManyCreatesTwice;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpsertManyCreatesTwice {
    async fn upsert_many(&self, at: &At<'_>, entities: &[E]) -> Result<Vec<Upserted<E>>> {
        let mut created = HashSet::new();
        let answers = at.writes::<E>().upsert_many(entities).await?;
        let told = answers.into_iter().map(|answer| match answer {
            Upserted::Unchanged(stored) if created.contains(&stored.entity.id()) => Upserted::Created(stored),
            Upserted::Created(stored) => {
                created.insert(stored.entity.id());
                Upserted::Created(stored)
            }
            answer => answer,
        });
        Ok(told.collect())
    }
}

struct RevisionsFollowTheClock;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for RevisionsFollowTheClock {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let mut updated = at.writes::<E>().update(entity, expected).await?;
        if at.clock.now().unix_micros() <= after_seconds(-1) {
            updated.revision = Revision::new(1).map_err(Error::Invalid)?;
        }
        Ok(updated)
    }
}

struct UpdatedAtGoesBack;

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdatedAtGoesBack {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let updated = at.writes::<E>().update(entity, expected).await?;
        Ok(Stored { updated_at: updated.updated_at.min(at.clock.now()), ..updated })
    }
}

struct CreateLoses<E> {
    lose: fn(&E) -> E,
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for CreateLoses<E> {
    async fn create(&self, at: &At<'_>, entity: &E) -> Result<Stored<E>> {
        at.writes::<E>().create(&(self.lose)(entity)).await
    }

    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        let lost = (self.lose)(entity);
        match at.reads::<E>().get(&entity.id(), Visibility::Live).await? {
            Some(stored) if stored.entity == lost => at.writes::<E>().update(&lost, expected).await,
            _ => at.writes::<E>().update(entity, expected).await,
        }
    }
}

struct UpdateKeeps<E> {
    keep: fn(&E, &E) -> E,
}

#[async_trait]
impl<E: WrittenKind> WriteHook<E> for UpdateKeeps<E> {
    async fn update(&self, at: &At<'_>, entity: &E, expected: Option<Revision>) -> Result<Stored<E>> {
        match at.reads::<E>().get(&entity.id(), Visibility::Live).await? {
            Some(stored) => at.writes::<E>().update(&(self.keep)(&stored.entity, entity), expected).await,
            None => at.writes::<E>().update(entity, expected).await,
        }
    }
}

struct GetFolds<E: Entity> {
    fold: fn(&E::Id) -> E::Id,
}

#[async_trait]
impl<E: Kind> ReadHook<E> for GetFolds<E> {
    async fn get(&self, at: &At<'_>, id: &E::Id, visibility: Visibility) -> Result<Option<Stored<E>>> {
        match at.reads::<E>().get(&(self.fold)(id), visibility).await? {
            None => at.reads::<E>().get(id, visibility).await,
            found => Ok(found),
        }
    }
}
