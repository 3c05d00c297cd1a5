//! Faults of transactions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use tubeatlas_domain::{Channel, Video};
use tubeatlas_ports::{Error, Mode, Result, Store, Stored, UnitOfWork};

use super::units_of_work::{CommitLoses, PerUnit};
use crate::fault::Fault;
use crate::hooks::{At, Hooks, StoreHook, WriteHook};

/// The rules of this area that no fault breaks yet.
pub(super) const WITHOUT_FAULT: &[&str] = &[];

pub(super) fn faults() -> Vec<Fault> {
    vec![
        Fault::new(
            "TRX-T-001",
            "a commit loses channels without videos",
            &["the channel: true", "observed: false"],
            || {
                let created = CommitLoses::<Channel>::default();
                Hooks::new().writes::<Channel>(created.clone()).store(created)
            },
        )
        .also(
            "CAN-U-001",
            "it commits a channel without videos",
            &["all of a unit of work or nothing", "[false, true, true]"],
        )
        .also(
            "CAN-U-003",
            "it commits a channel without videos",
            &["all of a unit of work or nothing", "[false, true, true]"],
        ),
        Fault::new(
            "TRX-T-002",
            "a rollback after a refused create keeps channels",
            &["the channels: 0", "observed: 1"],
            || {
                let kept = KeptAfterRefusal::default();
                Hooks::new()
                    .writes::<Channel>(NotesChannels(kept.clone()))
                    .writes::<Video>(NotesRefusals(kept.clone()))
                    .store(kept)
            },
        ),
        Fault::new(
            "TRX-T-003",
            "every second rollback keeps videos",
            &["the call succeeds", "already a video"],
            || {
                let kept = SecondRollbackKeeps::default();
                Hooks::new().writes::<Video>(kept.clone()).store(kept)
            },
        )
        .also(
            "CAN-U-002",
            "it rolls back again and again",
            &["all of a unit of work or nothing", "[false, true, false]"],
        ),
        Fault::new(
            "TRX-T-004",
            "a rollback after a refused create keeps videos",
            &["lost: false", "observed: true"],
            || {
                let kept = KeptAfterRefusal::default();
                Hooks::new().writes::<Video>(NotesVideosAndRefusals(kept.clone())).store(kept)
            },
        ),
        Fault::new(
            "TRX-T-005",
            "a channel that is created in a read-only unit of work is created outside of it",
            &["ReadOnly", "observed: Ok("],
            || Hooks::new().writes::<Channel>(CreatesOutside),
        ),
    ]
}

/// What a unit of work created, and whether it was refused something: then its rollback keeps it.
#[derive(Clone, Default)]
struct KeptAfterRefusal {
    channels: PerUnit<Channel>,
    videos: PerUnit<Video>,
    refusals: PerUnit<()>,
}

#[async_trait]
impl StoreHook for KeptAfterRefusal {
    async fn rollback(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        inner.rollback().await?;
        if self.refusals.take(unit).is_empty() {
            return Ok(());
        }
        for channel in self.channels.take(unit) {
            let _ = store.channels().create(&channel).await;
        }
        for video in self.videos.take(unit) {
            let _ = store.videos().create(&video).await;
        }
        Ok(())
    }
}

struct NotesChannels(KeptAfterRefusal);

#[async_trait]
impl WriteHook<Channel> for NotesChannels {
    async fn create(&self, at: &At<'_>, channel: &Channel) -> Result<Stored<Channel>> {
        let created = at.writes::<Channel>().create(channel).await?;
        self.0.channels.note(at, channel.clone());
        Ok(created)
    }
}

struct NotesRefusals(KeptAfterRefusal);

#[async_trait]
impl WriteHook<Video> for NotesRefusals {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await;
        if matches!(created, Err(Error::AlreadyExists { .. })) {
            self.0.refusals.note(at, ());
        }
        created
    }
}

struct NotesVideosAndRefusals(KeptAfterRefusal);

#[async_trait]
impl WriteHook<Video> for NotesVideosAndRefusals {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await;
        match created {
            Ok(_) => self.0.videos.note(at, video.clone()),
            Err(_) => self.0.refusals.note(at, ()),
        }
        created
    }
}

#[derive(Clone, Default)]
struct SecondRollbackKeeps {
    created: PerUnit<Video>,
    rollbacks: Arc<AtomicUsize>,
}

#[async_trait]
impl WriteHook<Video> for SecondRollbackKeeps {
    async fn create(&self, at: &At<'_>, video: &Video) -> Result<Stored<Video>> {
        let created = at.writes::<Video>().create(video).await?;
        self.created.note(at, video.clone());
        Ok(created)
    }
}

#[async_trait]
impl StoreHook for SecondRollbackKeeps {
    async fn rollback(&self, store: &Arc<dyn Store>, inner: Box<dyn UnitOfWork>, unit: u64) -> Result<()> {
        inner.rollback().await?;
        let before = self.rollbacks.fetch_add(1, Ordering::SeqCst);
        if before % 2 == 1 {
            for video in self.created.take(unit) {
                let _ = store.videos().create(&video).await;
            }
        }
        Ok(())
    }
}

struct CreatesOutside;

#[async_trait]
impl WriteHook<Channel> for CreatesOutside {
    async fn create(&self, at: &At<'_>, channel: &Channel) -> Result<Stored<Channel>> {
        match at.writes::<Channel>().create(channel).await {
            Err(Error::ReadOnly { .. }) if at.mode == Mode::ReadOnly => {
                at.store.channels().create(channel).await
            }
            answer => answer,
        }
    }
}
