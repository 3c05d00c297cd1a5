//! Clients that want to keep others out: they say nothing, or never end. Another one is answered all the while.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::service::Service;
use crate::support::Sandbox;

/// Sends `begin`, and then `more` until the service takes no more or `bytes` were sent. Answers how many were.
fn send(address: &str, begin: &str, more: &[u8], bytes: u64) -> u64 {
    let Ok(mut stream) = TcpStream::connect(address) else { return 0 };
    if stream.write_all(begin.as_bytes()).is_err() {
        return 0;
    }
    let mut sent = 0;
    while sent < bytes && stream.write_all(more).is_ok() {
        sent += u64::try_from(more.len()).unwrap();
    }
    let _ = stream.read(&mut [0; 64]);
    sent
}

/// `TUBEATLAS_SILENT_CLIENTS` says how many say nothing (more than 900 need `ulimit -n`), and has the others wait for less
/// than 100 ms; otherwise 200, for which the service has 20 places, and no clock decides.
#[test]
fn hostile_clients_keep_nobody_out() {
    const LARGE: u64 = 10_000_000_000;
    let asked: Option<usize> = std::env::var("TUBEATLAS_SILENT_CLIENTS").ok().map(|it| it.parse().unwrap());
    let sandbox = Sandbox::new();
    sandbox.import_samples();
    let mut command = Service::command(&sandbox, &[]);
    if asked.is_none() {
        command.env("TUBEATLAS_SERVE_MAX_CONNECTIONS", "20");
    }
    let service = Service::spawn(&mut command);
    let over = Arc::new(AtomicBool::new(false));
    let largest = Arc::new(AtomicU64::new(0));
    // One sends a body without an end, one 100,000 headers, again and again.
    let chunk = [b"10000\r\n".as_slice(), &[b'x'; 0x10000], b"\r\n"].concat();
    let head = "POST /api/v1/channels HTTP/1.1\r\nHost: localhost\r\n";
    let endless = (format!("{head}Transfer-Encoding: chunked\r\n\r\n"), chunk, LARGE);
    let headers = ("GET / HTTP/1.1\r\nHost: localhost\r\n".to_owned(), b"X: y\r\n".to_vec(), 600_000);
    let hostile: Vec<_> = [endless, headers]
        .into_iter()
        .map(|(begin, more, bytes)| {
            let (address, over, largest) = (service.address.clone(), Arc::clone(&over), Arc::clone(&largest));
            thread::spawn(move || {
                while !over.load(Ordering::SeqCst) {
                    largest.fetch_max(send(&address, &begin, &more, bytes), Ordering::SeqCst);
                }
            })
        })
        .collect();

    let (mut silent, mut times) = (Vec::new(), Vec::new());
    let healthy = |times: &mut Vec<Duration>| {
        let begun = Instant::now();
        assert_eq!(service.get("/api/v1/videos/Dumpling-01").0, 200);
        times.push(begun.elapsed());
    };
    for n in 0..asked.unwrap_or(200) {
        silent.push(service.connect(if n % 2 == 0 { "" } else { "GET / HTTP/1.1\r\nHost" }));
        if n % 10 == 0 {
            healthy(&mut times);
        }
    }
    for _ in 0..1_000 {
        healthy(&mut times);
    }
    over.store(true, Ordering::SeqCst);
    for hostile in hostile {
        hostile.join().unwrap();
    }
    let largest = largest.load(Ordering::SeqCst);
    assert!(largest < LARGE / 10, "{largest} bytes of a body were taken");
    times.sort();
    let (p50, p99, max) = (times[times.len() / 2], times[times.len() * 99 / 100], times[times.len() - 1]);
    let status = std::fs::read_to_string(format!("/proc/{}/status", service.child.id())).unwrap();
    let peak = status.lines().find(|line| line.starts_with("VmHWM")).unwrap();
    eprintln!(
        "{} requests: p50 {p50:?}, p99 {p99:?}, max {max:?}; {largest} bytes of a body; {peak}",
        times.len()
    );
    if asked.is_some() {
        assert!(p99 < Duration::from_millis(100), "p99 {p99:?}");
    }
}
