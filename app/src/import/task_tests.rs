//! An import and its task, in a store.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::TestClock;
use tubeatlas_domain::{SourceFile, SourceFileFields, SourcePath, TaskStatus, VideoFields, VideoId};
use tubeatlas_ports::archive::{ArchiveReader, ArchivedVideo};
use tubeatlas_ports::{
    ClaimRequest, PageRequest, ProcessingTaskFilter, Repositories, SourceFileFilter, Stored, UuidV7Generator,
    Visibility,
};

use super::*;
use crate::job::Job;

struct World {
    clock: Arc<TestClock>,
    store: Arc<MemoryStore>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(TestClock::new());
        let store = MemoryStore::new(MemoryConfig::default(), clock.clone(), Arc::new(UuidV7Generator));
        Self { clock, store: Arc::new(store) }
    }

    async fn start(&self, target: &str) -> Claimed {
        let options = ImportOptions { target: target.to_owned(), ..options() };
        let task = task::start(self.store.as_ref(), &UuidV7Generator, &options, self.clock.now());
        task.await.unwrap().unwrap()
    }

    async fn import(&self, source: &Source, options: &ImportOptions) -> Result<ImportReport, ImportError> {
        let (ids, clock): (&dyn IdGenerator, &dyn Clock) = (&UuidV7Generator, self.clock.as_ref());
        import(source, self.store.as_ref(), (ids, clock), options, &|_| {}).await
    }

    async fn tasks(&self) -> Vec<Stored<tubeatlas_domain::ProcessingTask>> {
        let filter = ProcessingTaskFilter::default();
        self.store.processing_tasks().list(&filter, &PageRequest::default()).await.unwrap().items
    }
}

fn options() -> ImportOptions {
    ImportOptions::new(WorkerId::parse("w").unwrap(), "/archive")
}

/// An archive of so many videos, each a file that is noted. At the one with the number `at`, `then` happens.
#[derive(Clone)]
struct Source {
    videos: usize,
    at: usize,
    then: Then,
    store: Arc<MemoryStore>,
}

#[derive(Clone, Copy)]
enum Then {
    Nothing,
    CancelTheTask,
    GiveUp,
}

struct Reader(Source, usize, KnownFiles);

#[async_trait]
impl ArchiveSource for Source {
    async fn prefixes(&self) -> Result<Vec<String>, Refusal> {
        Ok(vec!["/archive/".to_owned()])
    }

    async fn open(&self, known: KnownFiles) -> Result<Box<dyn ArchiveReader>, Refusal> {
        Ok(Box::new(Reader(self.clone(), 0, known)))
    }
}

#[async_trait]
impl ArchiveReader for Reader {
    async fn next(&mut self) -> Option<ArchiveItem> {
        let Self(source, n, known) = self;
        *n += 1;
        if *n > source.videos {
            return None;
        }
        if *n == source.at {
            match source.then {
                Then::Nothing => (),
                Then::CancelTheTask => {
                    let tasks = source.store.processing_tasks();
                    let list =
                        tasks.list(&ProcessingTaskFilter::default(), &PageRequest::default()).await.unwrap();
                    tasks.cancel(list.items[0].entity.id).await.unwrap();
                }
                Then::GiveUp => std::future::pending::<()>().await,
            }
        }
        let path = SourcePath::parse(format!("/archive/{n}")).unwrap();
        if known.contains_key(&path) {
            let unchanged = UnchangedFiles { files: 1, ..UnchangedFiles::default() };
            return Some(ArchiveItem { entry: Ok(ArchiveEntry::Unchanged(unchanged)), files: vec![] });
        }
        let fields = VideoFields::new(VideoId::parse(format!("v{n}")).unwrap(), "t");
        let video = ArchivedVideo {
            path: path.as_str().into(),
            channel: None,
            video: tubeatlas_domain::Video::new(fields).unwrap(),
            known_by_name: false,
            transcripts: vec![],
            media_files: vec![],
            refused: vec![],
            ignored: vec![],
            warnings: vec![],
        };
        let mut file = SourceFileFields::new(path, 1, tubeatlas_domain::Timestamp::UNIX_EPOCH, 1);
        file.gives = Some(tubeatlas_domain::SourceYield {
            kind: tubeatlas_domain::EntityKind::Video,
            key: format!("v{n}"),
        });
        let files = vec![SourceFile::new(file).unwrap()];
        Some(ArchiveItem { entry: Ok(ArchiveEntry::Video(Box::new(video))), files })
    }

    fn expected_entries(&self) -> Option<u64> {
        u64::try_from(self.0.videos).ok()
    }
}

#[tokio::test]
async fn a_killed_import_is_taken_up_when_its_lease_is_over() {
    let world = World::new();
    let killed = world.start("/a").await;
    assert_ne!(world.start("/a").await.id(), killed.id(), "it may be alive");
    world.clock.move_by_ms(31_000);
    assert_ne!(world.start("/b").await.id(), killed.id(), "that is another archive");
    let taken_up = world.start("/a").await.id();
    // One of the two is taken up, and the other is not left as it stood.
    let tasks = world.tasks().await;
    let of = |status| tasks.iter().filter(|task| task.status == status).collect::<Vec<_>>();
    assert_eq!((tasks.len(), of(TaskStatus::Running).len()), (3, 2), "{tasks:?}");
    assert!(of(TaskStatus::Running).iter().any(|task| task.id == taken_up && task.attempts == 2));
    let [other] = of(TaskStatus::Cancelled)[..] else { panic!("{tasks:?}") };
    assert!(other.error.as_deref().unwrap().contains(&taken_up.to_string()), "{other:?}");
    let error = killed.complete(world.store.as_ref()).await.unwrap_err();
    assert!(is_end(&error), "{error}");
}

#[tokio::test]
async fn a_task_that_was_never_claimed_is_taken_up_when_its_worker_had_the_time_to() {
    let world = World::new();
    let enqueued = tubeatlas_domain::NewTask {
        id: ProcessingTaskId::new(UuidV7Generator.new_id()),
        kind: tubeatlas_domain::TaskKind::parse(TASK_KIND).unwrap(),
        target: Some("/a".to_owned()),
        payload: Default::default(),
        max_attempts: 9,
        available_at: world.clock.now(),
    };
    world.store.processing_tasks().enqueue(&enqueued).await.unwrap();
    let other = world.start("/a").await;
    assert_ne!(other.id(), enqueued.id);
    other.complete(world.store.as_ref()).await.unwrap();
    world.clock.move_by_ms(31_000);
    assert_eq!(world.start("/a").await.id(), enqueued.id);
}

#[tokio::test]
async fn the_task_of_a_process_that_is_gone_is_taken_up_at_once() {
    let world = World::new();
    let killed = world.start("/archive").await.id();
    let source = Source { videos: 3, at: 0, then: Then::Nothing, store: world.store.clone() };
    let other = ImportOptions { is_gone: |worker| worker.as_str() == "x", ..options() };
    world.import(&source, &other).await.unwrap();
    let tasks = world.tasks().await;
    assert_eq!(
        (tasks.len(), tasks[1].id, tasks[1].status),
        (2, killed, TaskStatus::Running),
        "it may be alive"
    );

    let known = ImportOptions { is_gone: |worker| worker.as_str() == "w", ..options() };
    world.import(&source, &known).await.unwrap();
    let tasks = world.tasks().await;
    assert_eq!((tasks.len(), tasks[1].id, tasks[1].status), (2, killed, TaskStatus::Succeeded));
    assert_eq!((tasks[1].attempts, &tasks[1].error), (2, &None));
}

#[tokio::test]
async fn the_task_that_its_worker_has_claimed_is_the_one_of_the_import() {
    let world = World::new();
    let id = ProcessingTaskId::new(UuidV7Generator.new_id());
    let job = ImportJob { paths: vec!["/archive".into()], reread: false, forget_vanished: false };
    let tasks = world.store.processing_tasks();
    tasks.enqueue(&job.task(id, world.clock.now()).unwrap()).await.unwrap();
    let worker = WorkerId::parse("w").unwrap();
    let request = ClaimRequest { worker, kinds: None, lease_ms: 30_000, only: Some(id) };
    let task = tasks.claim(&request).await.unwrap().unwrap();
    let claimed = task.lease.as_ref().map(|lease| (id, lease.token));
    let source = Source { videos: 3, at: 0, then: Then::Nothing, store: world.store.clone() };
    let options = ImportOptions { claimed, ..options() };
    world.import(&source, &options).await.unwrap();
    let tasks = world.tasks().await;
    assert_eq!(
        (tasks.len(), tasks[0].id, tasks[0].status),
        (1, id, TaskStatus::Running),
        "its worker ends it"
    );
}

#[tokio::test]
async fn who_interrupts_the_import_cancels_its_task_at_once() {
    let world = World::new();
    let (interrupt, interrupted) = watch::channel(None);
    let source = Source { videos: 120, at: 105, then: Then::GiveUp, store: world.store.clone() };
    let options = ImportOptions { interrupted, ..options() };
    let import = async {
        let error = world.import(&source, &options).await.unwrap_err();
        assert!(matches!(error, ImportError::Interrupted("SIGINT")), "{error}");
    };
    let interrupt = async {
        // Once it waits for what never comes.
        while world.store.videos().count(&tubeatlas_ports::VideoFilter::default()).await.unwrap() < 100 {
            tokio::task::yield_now().await;
        }
        interrupt.send_replace(Some("SIGINT"));
    };
    tokio::join!(import, interrupt);
    let tasks = world.tasks().await;
    assert_eq!((tasks.len(), tasks[0].status, tasks[0].progress.get()), (1, TaskStatus::Cancelled, 84));
    assert!(tasks[0].error.as_deref().unwrap().contains("ended by SIGINT"), "{tasks:?}");
    // Of a dry run there is no task, and it ends as well.
    let dry = ImportOptions { dry_run: true, ..options.clone() };
    assert!(matches!(world.import(&source, &dry).await.unwrap_err(), ImportError::Interrupted("SIGINT")));
    assert_eq!(world.tasks().await.len(), 1);

    let again = ImportOptions { interrupted: watch::channel(None).1, ..options.clone() };
    let report = world.import(&Source { then: Then::Nothing, ..source }, &again).await.unwrap();
    assert_eq!((report.unchanged_files, report.videos.created), (100, 20), "it goes on where it was");
    let tasks = world.tasks().await;
    let states: Vec<_> = tasks.iter().map(|task| task.status).collect();
    assert_eq!(states, [TaskStatus::Succeeded, TaskStatus::Cancelled]);
}

#[tokio::test]
async fn an_import_tells_how_far_it_is_and_that_it_has_succeeded() {
    let world = World::new();
    let source = Source { videos: 120, at: 0, then: Then::Nothing, store: world.store.clone() };
    let given_up = Source { at: 105, then: Then::GiveUp, ..source.clone() };
    tokio::time::timeout(Duration::from_millis(200), world.import(&given_up, &options())).await.unwrap_err();
    let running = &world.tasks().await[0];
    assert_eq!((running.status, running.progress.get()), (TaskStatus::Running, 84));
    assert_eq!(running.target.as_deref(), Some("/archive"));

    world.clock.move_by_ms(31_000);
    let report = world.import(&source, &options()).await.unwrap();
    assert_eq!((report.unchanged_files, report.videos.created), (100, 20), "it goes on where it was");
    let tasks = world.tasks().await;
    assert_eq!((tasks.len(), tasks[0].status, tasks[0].attempts), (1, TaskStatus::Succeeded, 2));
}

#[tokio::test]
async fn who_cancels_the_task_ends_the_import() {
    let world = World::new();
    let source = Source { videos: 120, at: 70, then: Then::CancelTheTask, store: world.store.clone() };
    let error = world.import(&source, &options()).await.unwrap_err();
    assert!(matches!(error, ImportError::Cancelled(_)), "{error}");
    assert_eq!(world.tasks().await[0].status, TaskStatus::Cancelled);
    // The batch in which it was noticed was not written.
    let videos = world.store.videos().count(&tubeatlas_ports::VideoFilter::default()).await.unwrap();
    assert_eq!(videos, 50);
}

#[tokio::test]
async fn a_dry_run_writes_nothing_and_tells_the_same() {
    let world = World::new();
    let source = Source { videos: 60, at: 0, then: Then::Nothing, store: world.store.clone() };
    let dry = world.import(&source, &ImportOptions { dry_run: true, ..options() }).await.unwrap();
    assert_eq!((world.tasks().await.len(), dry.videos.created), (0, 60));
    let count = world.store.source_files().count(&SourceFileFilter::default()).await.unwrap();
    assert_eq!(count, 0);
    assert_eq!(world.import(&source, &options()).await.unwrap(), dry);
}

#[tokio::test]
async fn what_is_not_in_the_catalogue_any_more_is_read_again() {
    let world = World::new();
    let source = Source { videos: 3, at: 0, then: Then::Nothing, store: world.store.clone() };
    world.import(&source, &options()).await.unwrap();
    let ids = ["v1", "v2"].map(|id| VideoId::parse(id).unwrap());
    world.store.videos().delete(&ids[0], None).await.unwrap();
    world.store.videos().delete(&ids[1], None).await.unwrap();
    world.store.videos().purge(&ids[1], None).await.unwrap();
    let report = world.import(&source, &options()).await.unwrap();
    assert_eq!((report.unchanged_files, report.videos.created), (1, 1));
    assert_eq!(report.left_deleted, [ids[0].clone()]);
    assert!(world.store.videos().get(&ids[1], Visibility::Live).await.unwrap().is_some());
    let again = world.import(&source, &ImportOptions { reread: true, ..options() }).await.unwrap();
    assert_eq!((again.unchanged_files, again.videos.unchanged), (0, 2));
}
