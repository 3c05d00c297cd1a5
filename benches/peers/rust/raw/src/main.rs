//! Raw rusqlite, synchronous, cached statements: the practical limit. `--threads 2` for the reading workloads.
use peers_common::{self as pc, Cfg, H, R, data::*, *};
use rusqlite::Connection;
#[path = "../../rsql.rs"]
mod rsql;
#[path = "../../rts.rs"]
mod rts;
use rts::{get_ts, put_ts};

fn main() {
    let c = Cfg::parse();
    let open = || {
        let k = Connection::open(&c.db).unwrap();
        k.execute_batch(&c.pragmas()).unwrap();
        k
    };
    let (n, t, nv) = (c.load().0, c.threads, c.videos);
    let mut first = open();
    (vid(0), video(0, 0));
    match c.workload.as_str() {
        "w1" => first.execute_batch(SCHEMA).unwrap(),
        "w10" => first.execute_batch(TASKS).unwrap(),
        _ => {}
    }
    let warm = || {
        let k = open();
        for j in 0..400 {
            rsql::get(&k, &vid(j % nv)).unwrap();
        }
        k
    };
    let get = |k: &Connection, i: u64| -> R<u64> { Ok(rsql::get(k, &vid(i))?.ok_or("gone")?.h()) };
    macro_rules! go {
        (|$k:ident, $j:ident| $e:expr) => {
            drive_sync(n, t, || {
                #[allow(unused_mut)]
                let mut $k = warm();
                move |$j| -> R<u64> { $e }
            })
        };
    }
    let m = match c.workload.as_str() {
        "w1" => {
            let mut all = Meas::default();
            for b in 0..n {
                let v: Vec<Video> = (b * 1000..(b + 1) * 1000).map(|i| video(i, 0)).collect();
                let (k, v) = (std::sync::Mutex::new(&mut first), &v);
                all.absorb(drive_sync(1, 1, || {
                    |_| {
                        rsql::insert_all(*k.lock().unwrap(), v)?;
                        Ok(1000)
                    }
                }));
            }
            all
        }
        "w2" => go!(|k, j| get(&k, get_w2(j, nv))),
        "w3" => go!(|k, j| get(&k, get_w3(j, nv))),
        "w4" => go!(|k, j| {
            rsql::insert_tx(&mut k, &video(nv + j, 0))?;
            Ok(1)
        }),
        "w5" => go!(|k, j| Ok(check_rows(&rsql::list(&k, &channel(chan_w5(j)))?))),
        "w6" => go!(|k, j| {
            rsql::upsert(&k, &video(up_w6(j, nv), 1))?;
            Ok(1)
        }),
        "w7" => go!(|k, j| if is_up(j) {
            rsql::upsert(&k, &video(up_w7(j, nv), 2))?;
            Ok(1)
        } else {
            Ok(rsql::get(&k, &vid(get_w7(j, nv)))?.is_some() as u64)
        }),
        "w8" => go!(|k, _j| Ok(check_rows(&rsql::page(&k, 100, nv as i64 - 100)?))),
        "w8k" => {
            // keyset: the cursor is the last row of the page before
            let last = rsql::page(&first, 1, nv as i64 - 101).unwrap()[0].published_at;
            go!(|k, _j| {
                let mut s = k.prepare_cached(concat!(
                    "SELECT ",
                    pc::cols!(),
                    " FROM videos WHERE published_at > ?1 ORDER BY published_at LIMIT 100"
                ))?;
                Ok(check_rows(
                    &s.query_map([put_ts(last)], rsql::row)?.collect::<rusqlite::Result<Vec<_>>>()?,
                ))
            })
        }
        "w9a" => go!(|k, j| {
            rsql::transcript(&k, &pc::data::transcript(j))?;
            Ok(1)
        }),
        "w9b" => go!(|k, j| Ok(check_hits(&rsql::search(&k, &query(j))?))),
        "w10" => go!(|k, _j| Ok(check_id(&rsql::claim(&k)?.ok_or("no task")?))),
        w => panic!("unknown workload {w}"),
    };
    m.report(if t > 1 { "raw-2t" } else { "raw" }, &c, &rsql::version(&first).unwrap(), t);
}
