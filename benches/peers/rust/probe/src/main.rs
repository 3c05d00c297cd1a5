//! Not a product: the design under test. One writer thread with group commit, N reader threads, one hop per operation (queue + oneshot),
//! cached statements. PROBE_INLINE=1: point reads run on the calling tokio worker over a thread-local connection, no hop.
use crossbeam_channel::{Receiver, Sender, unbounded};
use peers_common::{Cfg, Peer, R, Transcript, Video};
use rusqlite::Connection;
use std::cell::RefCell;
use tokio::sync::oneshot;
#[path = "../../rsql.rs"]
#[allow(dead_code)]
mod rsql;
#[path = "../../rts.rs"]
mod rts;
use rts::{get_ts, put_ts};

type Read = Box<dyn FnOnce(&Connection) + Send>;
/// Runs inside the writer's open transaction, says whether it worked, and leaves the reply to be given once that transaction is committed (or failed).
struct Write {
    job: Box<dyn FnOnce(&mut Connection) -> (bool, Reply) + Send>,
    /// several statements: a transaction of its own (a savepoint in a group costs a sub-journal)
    solo: bool,
}
type Reply = Box<dyn FnOnce(Option<String>)>;

#[derive(Clone)]
struct P {
    w: Sender<Write>,
    r: Sender<Read>,
    db: String,
    pragmas: String,
    inline: bool,
    readers: usize,
}
fn open(db: &str, pragmas: &str) -> Connection {
    let c = Connection::open(db).unwrap();
    c.execute_batch(pragmas).unwrap();
    c
}
fn writer(mut c: Connection, rx: Receiver<Write>, group: usize) {
    let mut next: Option<Write> = None;
    while let Some(w) = next.take().or_else(|| rx.recv().ok()) {
        let begun = c.execute_batch("BEGIN IMMEDIATE");
        let solo = w.solo;
        let (ok, reply) = (w.job)(&mut c);
        let mut done = vec![reply];
        while !solo && done.len() < group {
            match rx.try_recv() {
                Ok(j) if j.solo => {
                    next = Some(j);
                    break;
                }
                Ok(j) => done.push((j.job)(&mut c).1),
                Err(_) => break,
            }
        }
        let end = begun.and_then(|_| c.execute_batch(if solo && !ok { "ROLLBACK" } else { "COMMIT" }));
        for d in done {
            d(end.as_ref().err().map(|e| e.to_string()))
        }
    }
}
thread_local! { static LOCAL: RefCell<Option<Connection>> = const { RefCell::new(None) }; }
impl P {
    async fn read<T: Send + 'static>(
        &self,
        f: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> R<T> {
        let (tx, rx) = oneshot::channel();
        self.r
            .send(Box::new(move |c| {
                let _ = tx.send(f(c));
            }))
            .map_err(|_| "closed")?;
        Ok(rx.await??)
    }
    /// not solo: `f` is one statement, so a failure undoes itself and leaves the group intact
    async fn write<T: Send + 'static>(
        &self,
        solo: bool,
        f: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> R<T> {
        let (tx, rx) = oneshot::channel();
        let job: Box<dyn FnOnce(&mut Connection) -> (bool, Reply) + Send> = Box::new(move |c| {
            let r = f(c).map_err(|e| e.to_string());
            (
                r.is_ok(),
                Box::new(move |e| {
                    let _ = tx.send(match e {
                        Some(e) => Err(e),
                        None => r,
                    });
                }),
            )
        });
        self.w.send(Write { job, solo }).map_err(|_| "closed")?;
        Ok(rx.await??)
    }
    fn local<T>(&self, f: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> R<T> {
        LOCAL.with_borrow_mut(|c| Ok(f(c.get_or_insert_with(|| open(&self.db, &self.pragmas)))?))
    }
}
impl Peer for P {
    const NAME: &'static str = "probe";
    type V = Video;
    async fn open(c: &Cfg) -> R<P> {
        let ((w, wr), (r, rr)) = (unbounded(), unbounded::<Read>());
        let (db, pragmas, readers) = (c.db.clone(), c.pragmas(), c.pool.unwrap_or(2));
        let k = open(&db, &pragmas);
        let group = std::env::var("PROBE_GROUP").map_or(256, |g| g.parse().unwrap());
        std::thread::spawn(move || writer(k, wr, group));
        for _ in 0..readers {
            let (k, rr) = (open(&db, &pragmas), rr.clone());
            std::thread::spawn(move || {
                while let Ok(f) = rr.recv() {
                    f(&k)
                }
            });
        }
        Ok(P { w, r, db, pragmas, inline: std::env::var_os("PROBE_INLINE").is_some(), readers })
    }
    fn pool_size(&self) -> usize {
        self.readers
    }
    async fn version(&self) -> R<String> {
        self.read(|c| rsql::version(c)).await
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        self.write(true, move |c| c.execute_batch(sql)).await
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        self.write(true, move |c| {
            for v in &v {
                rsql::insert(c, v)?;
            }
            Ok(())
        })
        .await
    }
    async fn insert_tx(&self, v: Video) -> R<()> {
        self.write(false, move |c| rsql::insert(c, &v).map(drop)).await
    }
    async fn upsert(&self, v: Video) -> R<()> {
        self.write(false, move |c| rsql::upsert(c, &v).map(drop)).await
    }
    async fn get(&self, id: String) -> R<Option<Video>> {
        if self.inline {
            return self.local(|c| rsql::get(c, &id));
        }
        self.read(move |c| rsql::get(c, &id)).await
    }
    async fn list(&self, ch: String) -> R<Vec<Video>> {
        self.read(move |c| rsql::list(c, &ch)).await
    }
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Video>> {
        self.read(move |c| rsql::page(c, limit, offset)).await
    }
    async fn transcript(&self, t: Transcript) -> R<()> {
        self.write(false, move |c| rsql::transcript(c, &t).map(drop)).await
    }
    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        self.read(move |c| rsql::search(c, &q)).await
    }
    async fn claim(&self) -> R<Option<String>> {
        self.write(false, |c| rsql::claim(c)).await
    }
}
fn main() {
    peers_common::run::<P>()
}
