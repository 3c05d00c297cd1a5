//! Command line, measurement and the workload driver shared by the Rust peers.
pub mod data;
pub mod pg;
use data::*;
pub use data::{H, Transcript, Ts, Video};
use std::{future::Future, sync::Arc, sync::Barrier, time::Instant};

pub type R<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

pub const SCHEMA: &str = include_str!("../../../schema.sql");
pub const TASKS: &str = include_str!("../../../tasks.sql");
pub const TASK_NOW: i64 = 1_800_000_000;

#[macro_export]
macro_rules! cols { () => { "id, channel_id, title, description, published_at, duration_seconds, view_count, like_count, dislike_count, comment_count, category_id, category_name, tags, thumbnail_url, created_at, updated_at" }; }
#[macro_export]
macro_rules! insert_sql {
    () => {
        concat!(
            "INSERT INTO videos (",
            $crate::cols!(),
            ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
        )
    };
}
#[macro_export]
macro_rules! upsert_sql { () => { concat!($crate::insert_sql!(), " ON CONFLICT (id) DO UPDATE SET channel_id = excluded.channel_id, title = excluded.title, description = excluded.description, published_at = excluded.published_at, duration_seconds = excluded.duration_seconds, view_count = excluded.view_count, like_count = excluded.like_count, dislike_count = excluded.dislike_count, comment_count = excluded.comment_count, category_id = excluded.category_id, category_name = excluded.category_name, tags = excluded.tags, thumbnail_url = excluded.thumbnail_url, updated_at = excluded.updated_at") }; }
#[macro_export]
macro_rules! get_sql {
    () => {
        concat!("SELECT ", $crate::cols!(), " FROM videos WHERE id = ?1")
    };
}
#[macro_export]
macro_rules! list_sql {
    () => {
        concat!(
            "SELECT ",
            $crate::cols!(),
            " FROM videos WHERE channel_id = ?1 ORDER BY published_at DESC LIMIT 50"
        )
    };
}
#[macro_export]
macro_rules! page_sql {
    () => {
        concat!("SELECT ", $crate::cols!(), " FROM videos ORDER BY published_at LIMIT ?1 OFFSET ?2")
    };
}
pub const TRANSCRIPT_SQL: &str = "INSERT INTO transcripts (video_id, language, content, kind, created_at, updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
pub const SEARCH_SQL: &str = "SELECT t.video_id AS video_id, bm25(transcripts_fts) AS score FROM transcripts_fts JOIN transcripts t ON t.rowid = transcripts_fts.rowid WHERE transcripts_fts MATCH ?1 ORDER BY rank LIMIT 20";
pub const CLAIM_SQL: &str = "UPDATE processing_tasks SET status = 'running', started_at = ?1 WHERE id = (SELECT id FROM processing_tasks WHERE status = 'pending' ORDER BY created_at LIMIT 1) RETURNING id, task_type, target_id, status, progress_percent, error_message, created_at, started_at, completed_at";

#[derive(Clone, Debug)]
pub struct Cfg {
    pub workload: String,
    pub db: String,
    pub full: bool,
    pub n: Option<u64>,
    pub tasks: Option<usize>,
    pub videos: u64,
    pub pool: Option<usize>,
    pub threads: usize,
}
impl Cfg {
    pub fn parse() -> Cfg {
        let mut c = Cfg {
            workload: String::new(),
            db: String::new(),
            full: false,
            n: None,
            tasks: None,
            videos: 100_000,
            pool: None,
            threads: 1,
        };
        let mut a = std::env::args().skip(1);
        while let Some(k) = a.next() {
            let v = a.next().expect("value");
            match k.as_str() {
                "--workload" => c.workload = v,
                "--db" => c.db = v,
                "--sync" => c.full = v == "full",
                "--n" => c.n = Some(v.parse().unwrap()),
                "--tasks" => c.tasks = Some(v.parse().unwrap()),
                "--videos" => c.videos = v.parse().unwrap(),
                "--pool" => c.pool = Some(v.parse().unwrap()),
                "--threads" => c.threads = v.parse().unwrap(),
                _ => panic!("unknown option {k}"),
            }
        }
        c
    }
    pub fn sync_sql(&self) -> &'static str {
        if self.full { "FULL" } else { "NORMAL" }
    }
    /// PEERS_PRAGMAS adds to them (raw, probe, diesel-async, deadpool-sqlite): for experiments
    pub fn pragmas(&self) -> String {
        let more = std::env::var("PEERS_PRAGMAS").unwrap_or_default();
        format!(
            "PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = {}; PRAGMA foreign_keys = ON; {more}",
            self.sync_sql()
        )
    }
    /// (operations, concurrent callers) of the workload
    pub fn load(&self) -> (u64, usize) {
        let (n, t) = match self.workload.as_str() {
            "w1" => (self.videos / 1000, 1),
            "w2" => (20_000, 1),
            "w3" => (100_000, 50),
            "w4" => (10_000, 50),
            "w5" => (5_000, 8),
            "w6" => (10_000, 8),
            "w7" => (50_000, 50),
            "w8" | "w8k" => (200, 1),
            "w9a" => (5_000, 1),
            "w9b" => (1_000, 1),
            "w10" => (10_000, 8),
            w => panic!("unknown workload {w}"),
        };
        (self.n.unwrap_or(n), self.tasks.unwrap_or(t))
    }
}

/// Targets of operation `j`, the same in data.py.
pub fn get_w2(j: u64, nv: u64) -> u64 {
    mix(j ^ 0xA2_0000_0000) % nv
}
pub fn get_w3(j: u64, nv: u64) -> u64 {
    mix(j ^ 0xA3_0000_0000) % nv
}
pub fn chan_w5(j: u64) -> u64 {
    skew(mix(j ^ 0xA5_0000_0000), 1000)
}
pub fn up_w6(j: u64, nv: u64) -> u64 {
    (j * 7919 + 13) % nv
}
pub fn up_w7(j: u64, nv: u64) -> u64 {
    (j * 7919 + 50_021) % nv
}
pub fn is_up(j: u64) -> bool {
    mix(j ^ 0xA8_0000_0000) % 20 == 0
}
pub fn get_w7(j: u64, nv: u64) -> u64 {
    mix(j ^ 0xA7_0000_0000) % nv
}
pub fn check_rows<V: H>(v: &[V]) -> u64 {
    v.iter().enumerate().fold(0, |a, (k, r)| a.wrapping_add(r.h().wrapping_mul(k as u64 + 1)))
}
pub fn check_hits(v: &[(String, f64)]) -> u64 {
    v.iter().enumerate().fold(0, |a, (k, r)| a.wrapping_add(b8(r.0.as_bytes()).wrapping_mul(k as u64 + 1)))
}
pub fn check_id(id: &str) -> u64 {
    mix(b8(&id.as_bytes()[id.len() - 8..]))
}

#[derive(Default)]
pub struct Meas {
    lat: Vec<u64>,
    secs: f64,
    check: u64,
    errors: u64,
    error: String,
    cpu: f64,
    csw: f64,
}
/// VmHWM: getrusage's ru_maxrss would also count the parent's memory from before exec
fn peak_mb() -> f64 {
    let s = std::fs::read_to_string("/proc/self/status").unwrap();
    s.split("VmHWM:").nth(1).unwrap().split_whitespace().next().unwrap().parse::<f64>().unwrap() / 1024.0
}
fn usage() -> (f64, f64) {
    let mut u: libc::rusage = unsafe { std::mem::zeroed() };
    unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut u) };
    let t = |t: libc::timeval| t.tv_sec as f64 + t.tv_usec as f64 / 1e6;
    (t(u.ru_utime) + t(u.ru_stime), (u.ru_nvcsw + u.ru_nivcsw) as f64)
}
impl Meas {
    fn add(&mut self, m: Meas) {
        self.lat.extend(m.lat);
        self.check = self.check.wrapping_add(m.check);
        self.errors += m.errors;
        if self.error.is_empty() {
            self.error = m.error
        }
    }
    /// adds a run that came after this one
    pub fn absorb(&mut self, m: Meas) {
        (self.secs, self.cpu, self.csw) = (self.secs + m.secs, self.cpu + m.cpu, self.csw + m.csw);
        self.add(m);
    }
    fn op(&mut self, t: Instant, r: R<u64>) {
        self.lat.push(t.elapsed().as_nanos() as u64);
        match r {
            Ok(c) => self.check = self.check.wrapping_add(c),
            Err(e) => {
                self.errors += 1;
                if self.error.is_empty() {
                    self.error = e.to_string()
                }
            }
        }
    }
    fn close(&mut self, t: Instant, u: (f64, f64)) {
        self.secs = t.elapsed().as_secs_f64();
        let v = usage();
        self.cpu = v.0 - u.0;
        self.csw = v.1 - u.1;
    }
    /// `per`: rows per operation (1,000 in w1)
    pub fn report(mut self, peer: &str, c: &Cfg, sqlite: &str, pool: usize) {
        self.lat.sort_unstable();
        let n = self.lat.len();
        let p = |q: f64| self.lat[((n as f64 * q) as usize).min(n - 1)] as f64 / 1e3;
        let per = if c.workload == "w1" { 1000.0 } else { 1.0 };
        let ops = n as f64 * per;
        println!(
            "{{\"peer\":\"{peer}\",\"workload\":\"{}\",\"n\":{n},\"tasks\":{},\"secs\":{:.4},\"ops_s\":{:.1},\"p50_us\":{:.1},\"p99_us\":{:.1},\"rss_mb\":{:.1},\"cpu_us_op\":{:.2},\"csw_op\":{:.3},\"errors\":{},\"error\":{:?},\"check\":\"{:016x}\",\"sqlite\":\"{sqlite}\",\"pool\":{pool},\"sync\":\"{}\"}}",
            c.workload,
            c.load().1,
            self.secs,
            ops / self.secs,
            p(0.5),
            p(0.99),
            peak_mb(),
            self.cpu * 1e6 / ops,
            self.csw / ops,
            self.errors,
            self.error,
            self.check,
            c.sync_sql()
        );
    }
}

/// Runs operations 0..n over `tasks` concurrent tasks.
pub async fn drive<F, Fut>(n: u64, tasks: usize, f: F) -> Meas
where
    F: Fn(u64) -> Fut + Clone + Send + 'static,
    Fut: Future<Output = R<u64>> + Send,
{
    let gate = Arc::new(tokio::sync::Barrier::new(tasks + 1));
    let hs: Vec<_> = (0..tasks as u64)
        .map(|t| {
            let (f, gate) = (f.clone(), gate.clone());
            tokio::spawn(async move {
                let mut m = Meas { lat: Vec::with_capacity((n as usize / tasks) + 1), ..Default::default() };
                gate.wait().await;
                for j in (t..n).step_by(tasks) {
                    let s = Instant::now();
                    let r = f(j).await;
                    m.op(s, r);
                }
                m
            })
        })
        .collect();
    let mut m = Meas::default();
    let u = usage();
    let t = Instant::now();
    gate.wait().await;
    let mut all = Vec::new();
    for h in hs {
        all.push(h.await.unwrap())
    }
    m.close(t, u);
    for x in all {
        m.add(x)
    }
    m
}
/// The same over OS threads: `make` builds each thread's own operation (with its own connection).
pub fn drive_sync<G: FnMut(u64) -> R<u64>>(n: u64, threads: usize, make: impl Fn() -> G + Sync) -> Meas {
    let (gate, end) = (Barrier::new(threads + 1), Barrier::new(threads + 1));
    std::thread::scope(|s| {
        let hs: Vec<_> = (0..threads as u64)
            .map(|t| {
                let (gate, end, make) = (&gate, &end, &make);
                s.spawn(move || {
                    let mut f = make();
                    let mut m =
                        Meas { lat: Vec::with_capacity(n as usize / threads + 1), ..Default::default() };
                    gate.wait();
                    for j in (t..n).step_by(threads) {
                        let s = Instant::now();
                        let r = f(j);
                        m.op(s, r);
                    }
                    end.wait();
                    m
                })
            })
            .collect();
        gate.wait();
        let (t, u) = (Instant::now(), usage());
        let mut m = Meas::default();
        end.wait();
        m.close(t, u);
        for h in hs {
            m.add(h.join().unwrap())
        }
        m
    })
}

/// What an async peer implements; `run` does the rest.
pub trait Peer: Clone + Send + Sync + 'static {
    const NAME: &'static str;
    const SCHEMA: &'static str = SCHEMA;
    const TASKS: &'static str = TASKS;
    type V: H + Send;
    fn open(c: &Cfg) -> impl Future<Output = R<Self>> + Send;
    fn pool_size(&self) -> usize;
    fn version(&self) -> impl Future<Output = R<String>> + Send;
    /// several statements, for the schema and the task rows
    fn exec(&self, sql: &'static str) -> impl Future<Output = R<()>> + Send;
    fn insert_all(&self, v: Vec<Video>) -> impl Future<Output = R<()>> + Send;
    /// acquire, begin, insert, commit
    fn insert_tx(&self, v: Video) -> impl Future<Output = R<()>> + Send;
    fn upsert(&self, v: Video) -> impl Future<Output = R<()>> + Send;
    fn get(&self, id: String) -> impl Future<Output = R<Option<Self::V>>> + Send;
    fn list(&self, channel: String) -> impl Future<Output = R<Vec<Self::V>>> + Send;
    fn page(&self, limit: i64, offset: i64) -> impl Future<Output = R<Vec<Self::V>>> + Send;
    /// the page behind this time
    fn page_after(&self, _limit: i64, _after: Ts) -> impl Future<Output = R<Vec<Self::V>>> + Send {
        async { Err("pages by OFFSET alone".into()) }
    }
    fn transcript(&self, t: Transcript) -> impl Future<Output = R<()>> + Send;
    fn search(&self, q: String) -> impl Future<Output = R<Vec<(String, f64)>>> + Send;
    /// id of the claimed task
    fn claim(&self) -> impl Future<Output = R<Option<String>>> + Send;
}

pub fn run<P: Peer>() {
    let c = Cfg::parse();
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(async move {
        let p = P::open(&c).await.expect("open");
        let (n, tasks) = c.load();
        let nv = c.videos;
        vid(0);
        video(0, 0); // builds the vocabulary outside the timing
        match c.workload.as_str() {
            "w1" => p.exec(P::SCHEMA).await.expect("schema"),
            "w10" => p.exec(P::TASKS).await.expect("tasks"),
            _ => {}
        }
        if c.workload != "w1" {
            let q = p.clone(); // opens the pool's connections, fills the statement caches
            drive(40 * tasks as u64, tasks, move |j| {
                let q = q.clone();
                async move { Ok(q.get(vid(j % nv)).await?.expect("warm").h()) }
            })
            .await;
        }
        macro_rules! go {
            (|$p:ident, $j:ident| $e:expr) => {{
                let p = p.clone();
                drive(n, tasks, move |$j| {
                    let $p = p.clone();
                    async move { $e }
                })
                .await
            }};
        }
        let m = match c.workload.as_str() {
            "w1" => {
                // the rows of each batch are made outside the timed part
                let mut all = Meas::default();
                for b in 0..n {
                    let v: Arc<std::sync::Mutex<Option<Vec<Video>>>> =
                        Arc::new(Some((b * 1000..(b + 1) * 1000).map(|i| video(i, 0)).collect()).into());
                    let p = p.clone();
                    let m = drive(1, 1, move |_| {
                        let (p, v) = (p.clone(), v.lock().unwrap().take().unwrap());
                        async move {
                            p.insert_all(v).await?;
                            Ok(1000)
                        }
                    })
                    .await;
                    all.absorb(m);
                }
                all
            }
            "w2" => go!(|p, j| Ok(p.get(vid(get_w2(j, nv))).await?.ok_or("gone")?.h())),
            "w3" => go!(|p, j| Ok(p.get(vid(get_w3(j, nv))).await?.ok_or("gone")?.h())),
            "w4" => go!(|p, j| {
                p.insert_tx(video(nv + j, 0)).await?;
                Ok(1)
            }),
            "w5" => go!(|p, j| Ok(check_rows(&p.list(channel(chan_w5(j))).await?))),
            "w6" => go!(|p, j| {
                p.upsert(video(up_w6(j, nv), 1)).await?;
                Ok(1)
            }),
            "w7" => go!(|p, j| {
                if is_up(j) {
                    p.upsert(video(up_w7(j, nv), 2)).await?;
                    Ok(1)
                } else {
                    Ok(p.get(vid(get_w7(j, nv))).await?.is_some() as u64)
                }
            }),
            "w8" => go!(|p, _j| Ok(check_rows(&p.page(100, nv as i64 - 100).await?))),
            "w8k" => {
                let mut times: Vec<Ts> = (0..nv).map(published_at).collect();
                times.sort_unstable();
                let after = times[nv as usize - 101];
                go!(|p, _j| Ok(check_rows(&p.page_after(100, after).await?)))
            }
            "w9a" => go!(|p, j| {
                p.transcript(data::transcript(j)).await?;
                Ok(1)
            }),
            "w9b" => go!(|p, j| Ok(check_hits(&p.search(query(j)).await?))),
            "w10" => go!(|p, _j| Ok(check_id(&p.claim().await?.ok_or("no task")?))),
            w => panic!("unknown workload {w}"),
        };
        m.report(P::NAME, &c, &p.version().await.unwrap(), p.pool_size());
    });
}
