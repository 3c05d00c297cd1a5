//! Deterministic data set; the same arithmetic is in data.py.
use chrono::{DateTime, NaiveDateTime};
use std::{fmt::Write, sync::OnceLock};

pub type Ts = NaiveDateTime;
const SEED: u64 = 0x5EED_CAFE_F00D_1234;
const ALPHA: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const CATS: [&str; 10] =
    ["Music", "Education", "Gaming", "News", "Science", "Film", "Sports", "Comedy", "Travel", "Howto"];
const T0: i64 = 1_420_070_400;

pub fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9E3779B97F4A7C15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D049BB133111EB);
    x ^ (x >> 31)
}
fn rnd(i: u64, k: u64) -> u64 {
    mix(SEED ^ i.wrapping_mul(64).wrapping_add(k))
}
pub fn skew(r: u64, n: u64) -> u64 {
    let u = r & 0xFFFF_FFFF;
    ((((u * u) >> 32) * u) >> 32) * n >> 32
}

struct Vocab {
    words: Vec<String>,
    text: String,
}
fn vocab() -> &'static Vocab {
    static V: OnceLock<Vocab> = OnceLock::new();
    V.get_or_init(|| {
        let syl: Vec<String> = "bcdfghjklmnprstvwxyz"
            .chars()
            .flat_map(|c| "aeiou".chars().map(move |v| format!("{c}{v}")))
            .collect();
        let words: Vec<String> = (0..5000usize)
            .map(|k| {
                let p = k * 37 % 10000;
                format!("{}{}{}", syl[p / 100], syl[p % 100], syl[k % 100])
            })
            .collect();
        let text = (0..160_000u64)
            .map(|i| words[skew(mix(i ^ 0x7E57), 5000) as usize].as_str())
            .collect::<Vec<_>>()
            .join(" ");
        Vocab { words, text }
    })
}
pub fn vid(i: u64) -> String {
    let v = mix(i ^ 0x1D1D);
    (0..11).map(|j| ALPHA[((v >> (6 * j)) & 63) as usize] as char).collect()
}
pub fn channel(c: u64) -> String {
    format!("UC{c:022}")
}
pub fn published_at(i: u64) -> Ts {
    dt(published(i))
}
fn published(i: u64) -> i64 {
    T0 + (i * 7919 % 200_003 * 1500) as i64
}
pub fn dt(s: i64) -> Ts {
    DateTime::from_timestamp(s, 0).unwrap().naive_utc()
}

/// Declares a struct with the 16 columns, `From<Video>` and the checksum: each peer puts its own derives on it.
#[macro_export]
macro_rules! video_struct {
    ($(#[$m:meta])* $name:ident) => {
        $(#[$m])*
        pub struct $name {
            pub id: String, pub channel_id: String, pub title: String, pub description: Option<String>, pub published_at: $crate::Ts,
            pub duration_seconds: i64, pub view_count: i64, pub like_count: i64, pub dislike_count: i64, pub comment_count: i64,
            pub category_id: String, pub category_name: String, pub tags: String, pub thumbnail_url: String,
            pub created_at: $crate::Ts, pub updated_at: $crate::Ts,
        }
        $crate::video_impl!($name);
    };
}
#[macro_export]
macro_rules! video_impl {
    ($name:path) => {
        impl $crate::H for $name {
            fn h(&self) -> u64 {
                let b8 = $crate::data::b8;
                let s = |t: $crate::Ts| t.and_utc().timestamp() as u64;
                let c = self.channel_id.as_bytes();
                [
                    b8(&c[c.len().saturating_sub(8)..]),
                    self.title.len() as u64,
                    b8(self.title.as_bytes()),
                    self.description.as_ref().map_or(0, |d| d.len() as u64 + 1),
                    s(self.published_at),
                    self.duration_seconds as u64,
                    self.view_count as u64,
                    self.like_count as u64,
                    self.dislike_count as u64,
                    self.comment_count as u64,
                    self.category_id.len() as u64,
                    self.category_name.len() as u64,
                    self.tags.len() as u64,
                    b8(self.tags.as_bytes()),
                    self.thumbnail_url.len() as u64,
                    s(self.created_at),
                    s(self.updated_at),
                ]
                .iter()
                .fold(b8(self.id.as_bytes()), |a, x| a.wrapping_mul(31).wrapping_add(*x))
            }
        }
    };
}
#[macro_export]
macro_rules! video_move {
    ($v:expr => $($t:tt)+) => {{ let v = $v; $($t)+ { id: v.id, channel_id: v.channel_id, title: v.title, description: v.description,
        published_at: v.published_at, duration_seconds: v.duration_seconds, view_count: v.view_count, like_count: v.like_count,
        dislike_count: v.dislike_count, comment_count: v.comment_count, category_id: v.category_id, category_name: v.category_name,
        tags: v.tags, thumbnail_url: v.thumbnail_url, created_at: v.created_at, updated_at: v.updated_at } }};
}
pub fn b8(s: &[u8]) -> u64 {
    let mut b = [0u8; 8];
    let n = s.len().min(8);
    b[..n].copy_from_slice(&s[..n]);
    u64::from_le_bytes(b)
}
pub trait H {
    fn h(&self) -> u64;
}
video_struct!(
    #[derive(Clone, Debug)]
    Video
);

pub fn video(i: u64, version: u64) -> Video {
    let (r0, r1, r2) = (rnd(i, 0), rnd(i, 1), rnd(i, 2));
    let v = vocab();
    let cut = |off: u64, len: u64| v.text[off as usize..(off + len) as usize].to_string();
    let mut title = cut((r0 >> 40) % 1_000_000, 20 + (r0 >> 32) % 50);
    if version > 0 {
        write!(title, " v{version}").unwrap();
    }
    let p = published(i);
    let views = ((r2 >> 13) % 10_000_000) as i64;
    let w = ((r2 >> 32) % 4990) as usize;
    let cat = ((r2 >> 50) % 10) as usize;
    let id = vid(i);
    Video {
        channel_id: channel(skew(r0, 1000)),
        title,
        description: (r1 & 15 != 0).then(|| cut((r1 >> 16) % 1_000_000, 200 + (r1 >> 4) % 800)),
        published_at: dt(p),
        duration_seconds: 30 + (r2 % 7200) as i64,
        view_count: views + 1000 * version as i64,
        like_count: views / 50,
        dislike_count: views / 900,
        comment_count: views / 300,
        category_id: (cat + 1).to_string(),
        category_name: CATS[cat].into(),
        tags: format!(
            "[{}]",
            v.words[w..w + 3 + ((r1 >> 60) % 6) as usize]
                .iter()
                .map(|t| format!("\"{t}\""))
                .collect::<Vec<_>>()
                .join(",")
        ),
        thumbnail_url: format!("https://i.ytimg.com/vi/{id}/hqdefault.jpg"),
        created_at: dt(p + 86400),
        updated_at: dt(p + 86400 + 3600 * version as i64),
        id,
    }
}

#[derive(Clone, Debug)]
pub struct Transcript {
    pub video_id: String,
    pub language: String,
    pub content: String,
    pub kind: String,
    pub created_at: Ts,
    pub updated_at: Ts,
}
pub fn transcript(i: u64) -> Transcript {
    let parts: Vec<&str> = (0..8)
        .map(|j| {
            let r = rnd(1 << 40 | i, j);
            let o = ((r >> 20) % 1_000_000) as usize;
            &vocab().text[o..o + 700 + (r % 600) as usize]
        })
        .collect();
    let t = dt(T0 + i as i64);
    Transcript {
        video_id: vid(i),
        language: "en".into(),
        content: parts.join("\n"),
        kind: if i % 3 > 0 { "auto" } else { "manual" }.into(),
        created_at: t,
        updated_at: t,
    }
}
pub fn query(q: u64) -> String {
    let (r, w) = (rnd(1 << 41, q), &vocab().words);
    format!("{} {}", w[20 + (r % 480) as usize], w[20 + ((r >> 20) % 1980) as usize])
}
