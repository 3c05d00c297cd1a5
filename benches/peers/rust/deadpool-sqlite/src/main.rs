//! deadpool-sqlite: a pool of rusqlite connections, `interact` = one spawn_blocking per call.
use deadpool_sqlite::{Config, Hook, HookError, Pool, Runtime};
use peers_common::{Cfg, Peer, R, Transcript, Ts, Video};
#[path = "../../rsql.rs"]
mod rsql;
fn get_ts(r: &rusqlite::Row, i: usize) -> rusqlite::Result<Ts> {
    r.get(i)
}
fn put_ts(t: Ts) -> Ts {
    t
}

#[derive(Clone)]
struct P(Pool);
impl P {
    async fn call<T: Send + 'static>(
        &self,
        f: impl FnOnce(&mut rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> R<T> {
        Ok(self.0.get().await?.interact(f).await.map_err(|e| e.to_string())??)
    }
}
impl Peer for P {
    const NAME: &'static str = "deadpool-sqlite";
    type V = Video;
    async fn open(c: &Cfg) -> R<P> {
        let pragmas: &'static str = c.pragmas().leak();
        let mut b = Config::new(&c.db).builder(Runtime::Tokio1)?.post_create(Hook::async_fn(move |c, _| {
            Box::pin(async move {
                c.interact(|c| c.execute_batch(pragmas)).await.unwrap().map_err(HookError::Backend)
            })
        }));
        if let Some(n) = c.pool {
            b = b.max_size(n)
        }
        Ok(P(b.build()?))
    }
    fn pool_size(&self) -> usize {
        self.0.status().max_size
    }
    async fn version(&self) -> R<String> {
        self.call(|c| rsql::version(c)).await
    }
    async fn exec(&self, sql: &'static str) -> R<()> {
        self.call(move |c| c.execute_batch(sql)).await
    }
    async fn insert_all(&self, v: Vec<Video>) -> R<()> {
        self.call(move |c| rsql::insert_all(c, &v)).await
    }
    async fn insert_tx(&self, v: Video) -> R<()> {
        self.call(move |c| rsql::insert_tx(c, &v)).await
    }
    async fn upsert(&self, v: Video) -> R<()> {
        self.call(move |c| rsql::upsert(c, &v).map(drop)).await
    }
    async fn get(&self, id: String) -> R<Option<Video>> {
        self.call(move |c| rsql::get(c, &id)).await
    }
    async fn list(&self, ch: String) -> R<Vec<Video>> {
        self.call(move |c| rsql::list(c, &ch)).await
    }
    async fn page(&self, limit: i64, offset: i64) -> R<Vec<Video>> {
        self.call(move |c| rsql::page(c, limit, offset)).await
    }
    async fn transcript(&self, t: Transcript) -> R<()> {
        self.call(move |c| rsql::transcript(c, &t).map(drop)).await
    }
    async fn search(&self, q: String) -> R<Vec<(String, f64)>> {
        self.call(move |c| rsql::search(c, &q)).await
    }
    async fn claim(&self) -> R<Option<String>> {
        self.call(|c| rsql::claim(c)).await
    }
}
fn main() {
    peers_common::run::<P>()
}
