//! Workers on a store in memory, whose clock stands still until a test moves it; tokio's time moves on by itself when
//! nothing else happens.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use tokio::time::{sleep, timeout};
use tubeatlas_adapters_memory::{MemoryConfig, MemoryStore};
use tubeatlas_contract::TestClock;
use tubeatlas_domain::{NewTask, ProcessingTaskId, TaskStatus};
use tubeatlas_ports::{
    Clock, Conflict, IdGenerator, PageRequest, ProcessingTaskFilter, UuidV7Generator, VideoFilter, Visibility,
};

use super::*;
use crate::import::ImportJob;
use crate::settings::{DatabaseSettings, DatabaseUrl};
use crate::transfer::{ExportJob, FileName};
use crate::wiring::{self, Missing};

/// What one attempt does.
#[derive(Clone, Copy)]
enum Do {
    Succeed,
    FailForNow,
    FailForGood,
    Panic,
    /// Notes that half is done, and never ends.
    Hang,
}

/// Work of the kind `test`, which does at each attempt what the next of these says, and then succeeds.
struct Script {
    steps: Mutex<Vec<Do>>,
    began: AtomicU32,
}

struct Scripted(Arc<Script>);

#[async_trait]
impl Work for Scripted {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, held: &Held<'_>) -> Result<JsonObject, TaskError> {
        self.0.began.fetch_add(1, Ordering::SeqCst);
        let next = {
            let mut steps = self.0.steps.lock().unwrap();
            if steps.is_empty() { Do::Succeed } else { steps.remove(0) }
        };
        match next {
            Do::Succeed => Ok(object(json!({"done": 1}))),
            Do::FailForNow => Err(TaskError::for_now("no luck")),
            Do::FailForGood => Err(TaskError::for_good("never")),
            Do::Panic => panic!("a fault of the work"),
            Do::Hang => {
                held.claimed.report(held.store, 1, 2).await?;
                std::future::pending().await
            }
        }
    }
}

struct World {
    clock: Arc<TestClock>,
    store: Arc<dyn Store>,
    stop: watch::Sender<bool>,
}

impl World {
    fn new() -> Self {
        let clock = Arc::new(TestClock::new());
        let store = MemoryStore::new(MemoryConfig::default(), clock.clone(), Arc::new(UuidV7Generator));
        Self { clock, store: Arc::new(store), stop: watch::Sender::new(false) }
    }

    fn worker(&self, name: &str, steps: &[Do]) -> (Worker, Arc<Script>) {
        let script = Arc::new(Script { steps: Mutex::new(steps.to_vec()), began: AtomicU32::new(0) });
        let works: Vec<Box<dyn Work>> = vec![Box::new(Scripted(Arc::clone(&script)))];
        (Worker::new(Arc::clone(&self.store), works, WorkerId::parse(name).unwrap(), LEASE), script)
    }

    async fn enqueue(&self, kind: &str, max_attempts: u32) -> ProcessingTaskId {
        let task = NewTask {
            id: ProcessingTaskId::new(UuidV7Generator.new_id()),
            kind: TaskKind::parse(kind).unwrap(),
            target: None,
            payload: JsonObject::default(),
            max_attempts,
            available_at: self.clock.now(),
        };
        self.store.processing_tasks().enqueue(&task).await.unwrap();
        task.id
    }

    async fn ask(&self, job: &impl Job) -> ProcessingTaskId {
        let task = job.task(ProcessingTaskId::new(UuidV7Generator.new_id()), self.clock.now()).unwrap();
        self.store.processing_tasks().enqueue(&task).await.unwrap();
        task.id
    }

    async fn task(&self, id: ProcessingTaskId) -> ProcessingTask {
        self.store.processing_tasks().get(&id, Visibility::Live).await.unwrap().unwrap().entity
    }

    /// One task, if there is one that the worker takes.
    async fn step(&self, worker: &Worker) -> bool {
        worker.step(&mut self.stop.subscribe()).await.unwrap()
    }

    /// The task as soon as it is so.
    async fn until(&self, id: ProcessingTaskId, is_so: impl Fn(&ProcessingTask) -> bool) -> ProcessingTask {
        for _ in 0..1_000 {
            let task = self.task(id).await;
            if is_so(&task) {
                return task;
            }
            sleep(Duration::from_millis(10)).await;
        }
        panic!("it does not become so: {:?}", self.task(id).await)
    }

    async fn expires_at(&self, id: ProcessingTaskId) -> i64 {
        self.task(id).await.lease.as_ref().unwrap().expires_at.unix_micros()
    }
}

#[tokio::test(start_paused = true)]
async fn queued_tasks_are_done_one_after_the_other_and_other_kinds_left_alone() {
    let world = World::new();
    let (worker, script) = world.worker("w", &[]);
    let (first, other) = (world.enqueue("test", 1).await, world.enqueue("transcribe", 1).await);
    let stopped = world.stop.subscribe();
    let running = tokio::spawn(async move { worker.run(stopped).await });
    let done = world.until(first, |task| task.status.is_finished()).await;
    assert_eq!((done.status, done.progress.get(), done.attempts), (TaskStatus::Succeeded, 100, 1));
    // The next one is found by asking again.
    let second = world.enqueue("test", 1).await;
    world.until(second, |task| task.status == TaskStatus::Succeeded).await;
    let left = world.task(other).await;
    assert_eq!((left.status, left.attempts), (TaskStatus::Pending, 0));
    assert_eq!(script.began.load(Ordering::SeqCst), 2);
    world.stop.send_replace(true);
    timeout(Duration::from_secs(1), running).await.expect("it ends when it is asked to").unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_worker_says_again_and_again_that_it_lives_and_how_far_it_is() {
    let world = World::new();
    let (worker, _) = world.worker("w", &[Do::Hang]);
    let id = world.enqueue("test", 1).await;
    let work = world.step(&worker);
    let watch = async {
        let running = world.until(id, |task| task.progress.get() == 50).await;
        assert_eq!(running.lease.as_ref().unwrap().worker.as_str(), "w");
        for _ in 0..5 {
            // Another worker finds nothing, although several leases would be over by now.
            world.clock.move_by_ms(20_000);
            let until = world.clock.now().unix_micros() + 30_000_000;
            while world.expires_at(id).await < until {
                sleep(Duration::from_secs(1)).await;
            }
            let (other, script) = world.worker("other", &[]);
            assert!(!world.step(&other).await);
            assert_eq!(script.began.load(Ordering::SeqCst), 0);
        }
    };
    tokio::select! {
        _ = work => panic!("it never ends"),
        result = timeout(Duration::from_secs(200), watch) => result.expect("the lease is extended"),
    }
}

/// Work during which the worker cannot say that it lives.
struct Silent;

#[async_trait]
impl Work for Silent {
    fn kind(&self) -> &'static str {
        "silent"
    }

    fn lease(&self, usual: Duration) -> Duration {
        usual * 100
    }

    async fn run(&self, _: &Held<'_>) -> Result<JsonObject, TaskError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn work_that_lets_nobody_write_begins_with_a_longer_lease() {
    let world = World::new();
    let works: Vec<Box<dyn Work>> = vec![Box::new(Silent)];
    let worker = Worker::new(Arc::clone(&world.store), works, WorkerId::parse("w").unwrap(), LEASE);
    let id = world.enqueue("silent", 1).await;
    let begun = timeout(Duration::from_secs(1), world.step(&worker)).await;
    begun.expect_err("it never ends");
    let lease = (world.expires_at(id).await - world.clock.now().unix_micros()) / 1_000_000;
    assert_eq!(lease, 3_000);
}

#[tokio::test(start_paused = true)]
async fn what_failed_is_tried_again_later_each_time_after_longer_and_fails_in_the_end() {
    let world = World::new();
    let (worker, script) = world.worker("w", &[Do::FailForNow, Do::Panic, Do::FailForNow]);
    let id = world.enqueue("test", 3).await;
    let mut waited = Vec::new();
    for reason in ["no luck", "panicked"] {
        assert!(world.step(&worker).await);
        let waiting = world.task(id).await;
        assert_eq!(waiting.status, TaskStatus::Pending);
        assert!(waiting.error.as_deref().unwrap().contains(reason), "{waiting:?}");
        assert!(!world.step(&worker).await, "not at once");
        let wait = (waiting.available_at.unix_micros() - world.clock.now().unix_micros()) / 1_000;
        world.clock.move_by_ms(wait - 1);
        assert!(!world.step(&worker).await, "nor before its time");
        world.clock.move_by_ms(1);
        waited.push(wait);
    }
    // As `jittered` has it.
    assert!((2_500..=5_000).contains(&waited[0]) && (5_000..=10_000).contains(&waited[1]), "{waited:?}");
    assert!(world.step(&worker).await);
    let failed = world.task(id).await;
    assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 3));
    assert_eq!((failed.error.as_deref(), script.began.load(Ordering::SeqCst)), (Some("no luck"), 3));
    assert!(!world.step(&worker).await);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_succeed_is_not_tried_again() {
    let world = World::new();
    let (worker, _) = world.worker("w", &[Do::FailForGood]);
    let id = world.enqueue("test", 3).await;
    world.step(&worker).await;
    let failed = world.task(id).await;
    assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 1));
    assert_eq!(failed.error.as_deref(), Some("never"));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_task_is_left_and_the_worker_goes_on() {
    let world = World::new();
    let (worker, script) = world.worker("w", &[Do::Hang]);
    let id = world.enqueue("test", 3).await;
    let cancel = async {
        world.until(id, |task| task.status == TaskStatus::Running).await;
        world.store.processing_tasks().cancel(id).await.unwrap();
    };
    let work = timeout(LEASE, world.step(&worker));
    let (worked, ()) = tokio::join!(work, cancel);
    assert!(worked.expect("it notices within its lease"));
    let cancelled = world.task(id).await;
    assert_eq!((cancelled.status, cancelled.error.as_deref()), (TaskStatus::Cancelled, None));
    let next = world.enqueue("test", 1).await;
    world.step(&worker).await;
    assert_eq!(world.task(next).await.status, TaskStatus::Succeeded);
    assert_eq!(script.began.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn the_task_of_a_killed_worker_is_taken_over_when_its_lease_is_over() {
    let world = World::new();
    let ((killed, _), (other, script)) = (world.worker("killed", &[Do::Hang]), world.worker("other", &[]));
    let id = world.enqueue("test", 3).await;
    tokio::select! {
        _ = world.step(&killed) => panic!("it never ends"),
        _ = world.until(id, |task| task.progress.get() == 50) => (), // and so it is dropped, as at SIGKILL
    }
    world.clock.move_by_ms(29_999);
    assert!(!world.step(&other).await, "it may be alive");
    world.clock.move_by_ms(1);
    assert!(world.step(&other).await);
    let done = world.task(id).await;
    assert_eq!(
        (done.status, done.attempts, script.began.load(Ordering::SeqCst)),
        (TaskStatus::Succeeded, 2, 1)
    );
}

#[tokio::test(start_paused = true)]
async fn a_worker_whose_lease_was_taken_over_speaks_for_the_task_no_more() {
    let world = World::new();
    let ((slow, _), (other, _)) = (world.worker("slow", &[Do::Hang]), world.worker("other", &[Do::Hang]));
    let id = world.enqueue("test", 3).await;
    let take_over = async {
        world.until(id, |task| task.status == TaskStatus::Running).await;
        world.clock.move_by_ms(30_000);
        let _ = timeout(Duration::from_secs(300), world.step(&other)).await;
    };
    let (worked, ()) = tokio::join!(timeout(LEASE, world.step(&slow)), take_over);
    assert!(worked.expect("it notices within its lease"));
    let task = world.task(id).await;
    assert_eq!((task.status, task.attempts, task.error.as_deref()), (TaskStatus::Running, 2, None));
    assert_eq!(task.lease.as_ref().unwrap().worker.as_str(), "other");
}

#[tokio::test(start_paused = true)]
async fn what_is_unfinished_is_handed_back_when_the_workers_are_stopped() {
    let world = World::new();
    let (worker, _) = world.worker("w", &[Do::Hang]);
    let id = world.enqueue("test", 3).await;
    let (stop, stopped) = watch::channel(false);
    let workers = Workers { stop, running: vec![tokio::spawn(async move { worker.run(stopped).await })] };
    world.until(id, |task| task.progress.get() == 50).await;
    workers.stop(Duration::from_secs(10)).await;
    let back = world.task(id).await;
    assert_eq!((back.status, back.available_at), (TaskStatus::Pending, world.clock.now()));
    assert!(back.error.as_deref().unwrap().contains("asked to stop"), "{back:?}");
    let (other, _) = world.worker("other", &[]);
    assert!(world.step(&other).await, "at once");
    let done = world.task(id).await;
    assert_eq!((done.status, done.attempts, &done.error), (TaskStatus::Succeeded, 2, &None));
}

#[tokio::test(start_paused = true)]
async fn a_worker_waits_while_the_store_gives_no_task() {
    let world = World::new();
    let (worker, _) = world.worker("w", &[]);
    world.store.close().await.unwrap();
    let stopped = world.stop.subscribe();
    assert!(worker.step(&mut stopped.clone()).await.is_err());
    let running = tokio::spawn(async move { worker.run(stopped).await });
    sleep(Duration::from_secs(60)).await;
    assert!(!running.is_finished(), "it goes on asking");
    world.stop.send_replace(true);
    timeout(Duration::from_secs(1), running).await.expect("it ends when it is asked to").unwrap();
}

// The works of the program.

fn all_of(world: &World, folder: Option<&std::path::Path>) -> Worker {
    let database = Arc::new(Opened::from(Arc::clone(&world.store)));
    let options = WorkerOptions { export_dir: folder.map(Into::into), ..WorkerOptions::default() };
    let name = WorkerId::parse("w").unwrap();
    Worker::new(Arc::clone(&world.store), works(&database, &options), name, LEASE)
}

/// What comes of a task of this store when this work is done for it.
async fn result_of(work: &dyn Work, store: &dyn Store, id: ProcessingTaskId) -> JsonObject {
    let worker = WorkerId::parse("w").unwrap();
    let request = ClaimRequest { worker: worker.clone(), kinds: None, lease_ms: 30_000, only: Some(id) };
    let task = store.processing_tasks().claim(&request).await.unwrap().unwrap();
    let claimed = Claimed::of(&task, LEASE).unwrap();
    work.run(&Held { store, task: &task.entity, claimed: &claimed, worker: &worker }).await.unwrap()
}

fn archive(videos: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..videos {
        let document = json!({"id": format!("video-{n:05}"), "title": "T"});
        std::fs::write(folder.path().join(format!("{n}.info.json")), document.to_string()).unwrap();
    }
    folder
}

fn an_import(of: &std::path::Path) -> ImportJob {
    ImportJob { paths: vec![of.to_owned()], reread: false, forget_vanished: false }
}

fn an_export(file: &str, overwrite: bool) -> ExportJob {
    ExportJob { file: FileName::parse(file).unwrap(), overwrite }
}

#[tokio::test]
async fn an_import_is_done_and_one_of_a_folder_that_is_not_there_fails_for_good() {
    let (world, archive) = (World::new(), archive(120));
    let worker = all_of(&world, None);
    let id = world.ask(&an_import(archive.path())).await;
    assert!(world.step(&worker).await);
    let done = world.task(id).await;
    assert_eq!((done.status, done.progress.get()), (TaskStatus::Succeeded, 100));
    assert_eq!(world.store.videos().count(&VideoFilter::default()).await.unwrap(), 120);

    let missing = world.ask(&an_import(&archive.path().join("nothing"))).await;
    let unread = world.enqueue("import", 5).await;
    while world.step(&worker).await {}
    for (id, says) in [(missing, "nothing"), (unread, "payload")] {
        let failed = world.task(id).await;
        assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 1));
        assert!(failed.error.as_deref().unwrap().contains(says), "{failed:?}");
    }
}

#[tokio::test]
async fn an_export_is_what_the_catalogue_held_and_overwrites_only_if_that_was_said() {
    let (world, archive, folder) = (World::new(), archive(30), tempfile::tempdir().unwrap());
    let worker = all_of(&world, Some(folder.path()));
    world.ask(&an_import(archive.path())).await;
    world.step(&worker).await;
    let id = world.ask(&an_export("all.ndjson.zst", false)).await;
    std::fs::write(folder.path().join(format!(".tubeatlas-{id}-x.partial")), "of a killed worker").unwrap();
    assert!(world.step(&worker).await);
    assert_eq!(world.task(id).await.status, TaskStatus::Succeeded);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert_eq!(names, ["all.ndjson.zst"]);
    let file = crate::transfer::file::OnDisk::new(folder.path().join("all.ndjson.zst")).unwrap();
    let summary = file.summary(|_| ()).unwrap();
    assert_eq!((summary.counts["video"], summary.counts["processing_task"]), (30, 2));

    // What is told of it is what it is.
    let database = Arc::new(Opened::from(Arc::clone(&world.store)));
    let exports = super::export::Exports { database, folder: folder.path().to_owned() };
    let id = world.ask(&an_export("again.ndjson", false)).await;
    let result = result_of(&exports, world.store.as_ref(), id).await;
    let file = crate::transfer::file::OnDisk::new(folder.path().join("again.ndjson")).unwrap();
    let summary = file.summary(|_| ()).unwrap();
    let told = json!({"bytes": file.bytes().unwrap(), "counts": summary.counts, "sha256": summary.sha256});
    assert_eq!(Value::Object(result.into_map()), told);

    let before = std::fs::read(folder.path().join("all.ndjson.zst")).unwrap();
    let refused = world.ask(&an_export("all.ndjson.zst", false)).await;
    world.step(&worker).await;
    let failed = world.task(refused).await;
    assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 1));
    assert!(failed.error.as_deref().unwrap().contains("is there already"), "{failed:?}");
    let now = || std::fs::read(folder.path().join("all.ndjson.zst")).unwrap();
    assert!(now() == before);
    let overwritten = world.ask(&an_export("all.ndjson.zst", true)).await;
    world.step(&worker).await;
    assert_eq!(world.task(overwritten).await.status, TaskStatus::Succeeded);
    assert!(now() != before, "the tasks are others");
}

#[tokio::test]
async fn a_file_that_a_killed_attempt_has_put_into_place_is_taken_as_it_is() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let worker = all_of(&world, Some(folder.path()));
    let id = world.ask(&an_export("all.ndjson", false)).await;
    // Killed between putting the file there and noting that it is done.
    let request = ClaimRequest { worker: worker.name.clone(), kinds: None, lease_ms: 30_000, only: Some(id) };
    world.store.processing_tasks().claim(&request).await.unwrap().unwrap();
    let place = folder.path().join("all.ndjson");
    let to = crate::transfer::file::Written::begin(&place, false, "").unwrap();
    crate::transfer::file::write(world.store.as_ref(), to, &|_| ()).await.unwrap();
    let before = std::fs::read(&place).unwrap();
    world.clock.move_by_ms(30_000);
    assert!(world.step(&worker).await);
    let done = world.task(id).await;
    assert_eq!((done.status, done.attempts), (TaskStatus::Succeeded, 2));
    assert!(std::fs::read(&place).unwrap() == before);
}

#[tokio::test]
async fn an_export_into_a_folder_that_is_gone_is_tried_again() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let worker = all_of(&world, Some(&folder.path().join("gone")));
    let id = world.ask(&an_export("all.ndjson", false)).await;
    world.step(&worker).await;
    let waiting = world.task(id).await;
    assert_eq!(waiting.status, TaskStatus::Pending);
    assert!(waiting.error.as_deref().unwrap().contains("cannot be written"), "{waiting:?}");
}

#[tokio::test]
async fn exports_are_left_to_workers_with_a_folder_for_them() {
    let world = World::new();
    let id = world.ask(&an_export("all.ndjson", false)).await;
    assert!(!world.step(&all_of(&world, None)).await);
    assert_eq!(world.task(id).await.status, TaskStatus::Pending);
}

#[tokio::test]
async fn no_payload_leads_out_of_the_folder() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    std::fs::create_dir(folder.path().join("in")).unwrap();
    let worker = all_of(&world, Some(&folder.path().join("in")));
    for name in ["../out.ndjson", "/tmp/out.ndjson", ".ndjson"] {
        let task = an_export("x.ndjson", true)
            .task(ProcessingTaskId::new(UuidV7Generator.new_id()), world.clock.now());
        let payload = json!({"file": name, "overwrite": true});
        let task = NewTask { payload: object(payload), ..task.unwrap() };
        world.store.processing_tasks().enqueue(&task).await.unwrap();
        world.step(&worker).await;
        let failed = world.task(task.id).await;
        assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 1), "{name}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[tokio::test]
async fn a_store_without_an_index_of_its_own_refuses_to_build_it_anew() {
    let world = World::new();
    let id = world.ask(&ReindexJob {}).await;
    world.step(&all_of(&world, None)).await;
    let failed = world.task(id).await;
    assert_eq!((failed.status, failed.attempts), (TaskStatus::Failed, 1));
    assert!(failed.error.as_deref().unwrap().contains("not supported"), "{failed:?}");
}

#[tokio::test]
async fn the_index_of_sqlite_is_built_anew_under_a_long_lease() {
    let folder = tempfile::tempdir().unwrap();
    let url = DatabaseUrl::SqliteFile(folder.path().join("a.db"));
    let settings = DatabaseSettings { url, ..DatabaseSettings::default() };
    let database = Arc::new(wiring::open(&settings, Missing::Create).await.unwrap());
    let store = Arc::clone(database.store());
    let now = wiring::clock().now();
    let task = ReindexJob {}.task(ProcessingTaskId::new(UuidV7Generator.new_id()), now).unwrap();
    store.processing_tasks().enqueue(&task).await.unwrap();
    assert!(database.can_reindex());
    let works = works(&database, &WorkerOptions::default());
    let reindexing = works.iter().find(|work| work.kind() == "reindex").unwrap();
    assert_eq!(reindexing.lease(LEASE), Duration::from_secs(3_600));
    store.videos().create(&tubeatlas_contract::fixtures::a_video()).await.unwrap();
    let result = result_of(reindexing.as_ref(), store.as_ref(), task.id).await;
    assert_eq!((&result["videos"], &result["transcripts"]), (&json!(1), &json!(0)));

    let task = ReindexJob {}.task(ProcessingTaskId::new(UuidV7Generator.new_id()), now).unwrap();
    store.processing_tasks().enqueue(&task).await.unwrap();
    let worker = Worker::new(Arc::clone(&store), works, WorkerId::parse("w").unwrap(), LEASE);
    assert!(worker.step(&mut watch::channel(false).1).await.unwrap());
    let page = PageRequest::default();
    let tasks = store.processing_tasks().list(&ProcessingTaskFilter::default(), &page).await.unwrap();
    let done = tasks.items.iter().find(|it| it.entity.id == task.id).unwrap();
    assert_eq!(done.entity.status, TaskStatus::Succeeded, "{done:?}");
    store.close().await.unwrap();
}

#[test]
fn what_a_store_says_tells_whether_to_try_again() {
    let of = |error: Error| TaskError::from(error);
    let ended = Error::NotFound { entity: tubeatlas_domain::EntityKind::ProcessingTask, key: "x".into() };
    assert!(matches!(of(ended), TaskError::Ended(_)));
    assert!(matches!(of(Error::Conflict(Conflict::Serialization)), TaskError::Failed { may_pass: true, .. }));
    assert!(matches!(of(Error::Unsupported { what: "x" }), TaskError::Failed { may_pass: false, .. }));
}
