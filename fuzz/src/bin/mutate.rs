//! Runs the targets on mutated seeds, with a stable compiler and nothing but what `fuzz/seeds` holds:
//!
//! ```text
//! cargo run --release --no-default-features --bin mutate -- TARGET|all [--inputs N] [--seed S]
//! ```
//!
//! Each input follows from the seed and its number alone. On a failure both are printed, and the input is written
//! to `artifacts/TARGET/`, from where `cargo fuzz` or `--file` run it again. Times are those of the processor, so that what
//! else the machine does, and a run that is stopped for a while, do not count.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, fmt, fs, panic};

use fastrand::Rng;
use rustix::time::{ClockId, clock_gettime};
use tubeatlas_fuzz::TARGETS;

/// The longest input, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// After how many inputs a long run says how far it is.
const REPORT: u64 = 1_000_000;

/// What the formats are made of.
const TOKENS: [&str; 49] = [
    "\n",
    "\r",
    "\r\n",
    "\n\n",
    " ",
    "\0",
    "\u{feff}",
    "WEBVTT",
    "-->",
    "00:00:01.000 --> 00:00:02.000\n",
    "99:59:59,999",
    "NOTE",
    "STYLE",
    "Language: en\n",
    "<c>",
    "</c>",
    "<00:00:01.500>",
    "<v A>",
    "{\\an8}",
    "&amp;",
    "&#x110000;",
    "&lt;",
    "<br/>",
    "<p t=\"1\" d=\"1\">",
    "</p>",
    "<s t=\"1\">",
    "<p begin=\"1h\" dur=\"9f\">",
    "<!DOCTYPE",
    "<![CDATA[",
    "\"tStartMs\":",
    "\"segs\":[",
    "{\"utf8\":\"x\"}",
    "null",
    "NaN",
    "1e308",
    "-1",
    "18446744073709551616",
    "\\ud83d",
    "[",
    "{",
    "\"",
    "[dQw4w9WgXcQ]",
    " OR ",
    "*",
    "\"triples\":[",
    "\"nodes\":[",
    "\"relationships\":[",
    "\"subject\":",
    "\"id\":1,",
];

fn main() -> ExitCode {
    let mut names = Vec::new();
    let (mut inputs, mut seed, mut file) = (100_000_u64, 1_u64, None);
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut number = || arguments.next().and_then(|it| it.parse().ok());
        match argument.as_str() {
            "--inputs" => inputs = number().unwrap_or(inputs),
            "--seed" => seed = number().unwrap_or(seed),
            "--file" => file = arguments.next(),
            _ => names.push(argument),
        }
    }
    let all = names.iter().any(|name| name == "all");
    let targets: Vec<_> =
        TARGETS.iter().filter(|(name, _)| all || names.iter().any(|it| it == name)).collect();
    if targets.is_empty() {
        eprintln!("usage: mutate TARGET|all [--inputs N] [--seed S] [--file INPUT]");
        return ExitCode::from(2);
    }
    for (name, target) in targets {
        let one = |bytes: &[u8]| panic::catch_unwind(|| target(bytes)).is_ok();
        if let Some(path) = &file {
            let Ok(bytes) = fs::read(path) else { return ExitCode::from(2) };
            if !one(&bytes) {
                return ExitCode::FAILURE;
            }
            continue;
        }
        let seeds = seeds(name);
        if seeds.is_empty() {
            eprintln!("{name}: no seeds");
            return ExitCode::from(2);
        }
        let mut course = Course::new(name, seed);
        for number in 0..inputs {
            let mut random = Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number);
            let input = mutated(&seeds, &mut random);
            let began = processor_time();
            if !one(&input) {
                let path = folder("artifacts").join(name).join(format!("seed-{seed}-input-{number}"));
                let written = fs::create_dir_all(folder("artifacts").join(name))
                    .and_then(|()| fs::write(&path, &input));
                eprintln!("{name}: failed at --seed {seed}, input {number}: {} {written:?}", path.display());
                return ExitCode::FAILURE;
            }
            course.note(number, input.len(), processor_time().saturating_sub(began));
            if (number + 1) % REPORT == 0 && number + 1 < inputs {
                eprintln!("{course}");
            }
        }
        println!("{course}");
    }
    ExitCode::SUCCESS
}

/// What has come of the inputs so far.
struct Course {
    target: &'static str,
    seed: u64,
    began: Duration,
    inputs: u64,
    bytes: u64,
    /// How long the slowest one took, and its number.
    slowest: (Duration, u64),
}

impl Course {
    fn new(target: &'static str, seed: u64) -> Self {
        // The peak of the target before is not of this one. Where the system has no such file, it is.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Self { target, seed, began: processor_time(), inputs: 0, bytes: 0, slowest: (Duration::ZERO, 0) }
    }

    fn note(&mut self, number: u64, bytes: usize, took: Duration) {
        self.inputs += 1;
        self.bytes += bytes as u64;
        self.slowest = self.slowest.max((took, number));
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { target, seed, began, inputs, bytes, slowest: (took, number) } = self;
        let seconds = processor_time().saturating_sub(*began).as_secs_f64();
        write!(
            f,
            "{target}: {inputs} inputs of {} bytes on average from seed {seed} in {seconds:.1} s, {:.0} a second; \
             the slowest ({number}) took {} µs; at most {} of memory",
            bytes / (*inputs).max(1),
            *inputs as f64 / seconds.max(f64::EPSILON),
            took.as_micros(),
            peak_memory().unwrap_or_else(|| "an unknown amount".to_owned()),
        )
    }
}

/// How long the processor has worked for this thread.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.try_into().unwrap_or(0), time.tv_nsec.try_into().unwrap_or(0))
}

/// The most memory that the process has had at once, as Linux tells it.
fn peak_memory() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    Some(status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.trim().to_owned())
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// The seeds of a target, in byte order of their names.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder("seeds").join(target)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths.iter().filter_map(|path| fs::read(path).ok()).collect()
}

/// A seed with one to eight changes.
fn mutated(seeds: &[Vec<u8>], random: &mut Rng) -> Vec<u8> {
    let mut bytes = seeds[random.usize(..seeds.len())].clone();
    for _ in 0..random.usize(1..=8) {
        let start = random.usize(..=bytes.len());
        let end = (start + random.usize(..=32)).min(bytes.len());
        match random.u8(..8) {
            0 if start < bytes.len() => bytes[start] ^= 1 << random.u8(..8),
            1 if start < bytes.len() => bytes[start] = random.u8(..),
            2 => drop(bytes.drain(start..end)),
            3 => {
                let piece = bytes[start..end].repeat(random.usize(1..=8));
                drop(bytes.splice(start..start, piece));
            }
            4 | 5 => {
                let token = TOKENS[random.usize(..TOKENS.len())];
                drop(bytes.splice(start..end, token.bytes()));
            }
            6 => {
                let other = &seeds[random.usize(..seeds.len())];
                let from = random.usize(..=other.len());
                let to = (from + random.usize(..=256)).min(other.len());
                drop(bytes.splice(start..end, other[from..to].iter().copied()));
            }
            _ => bytes.truncate(start),
        }
        bytes.truncate(MAX_BYTES);
    }
    bytes
}
