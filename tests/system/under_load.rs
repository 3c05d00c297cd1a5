//! The service is asked to end while clients write: what was acknowledged is there, and it ends in time.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use crate::service::Service;
use crate::support::Sandbox;

const CLIENTS: usize = 4;

/// What the service has for requests under way, and then for its store.
const DEADLINE: Duration = Duration::from_secs(20);

/// Writes channels one after the other on one connection, and tells the id of each that was acknowledged, until the
/// service closes the connection.
fn write_until_closed(
    address: &str,
    client: usize,
    acknowledged: &mpsc::Sender<String>,
) -> std::io::Result<()> {
    let mut stream = BufReader::new(TcpStream::connect(address)?);
    for n in 0.. {
        let id = format!("UC-{client}-{n}");
        let body = format!("{{\"id\": \"{id}\", \"title\": \"Channel {n}\"}}");
        let length = body.len();
        write!(
            stream.get_mut(),
            "PUT /api/v1/channels/{id} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        )?;
        let mut status = String::new();
        if stream.read_line(&mut status)? == 0 {
            return Ok(());
        }
        let (mut length, mut line) = (0, String::new());
        loop {
            line.clear();
            stream.read_line(&mut line)?;
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" || line.is_empty() {
                break;
            }
        }
        // The head alone says that it was done.
        if status.starts_with("HTTP/1.1 201 ") || status.starts_with("HTTP/1.1 200 ") {
            acknowledged.send(id).unwrap();
        } else {
            assert!(status.starts_with("HTTP/1.1 503 ") || status.is_empty(), "{status}");
        }
        stream.read_exact(&mut vec![0; length])?;
    }
    Ok(())
}

/// `TUBEATLAS_SIGTERMS` says how often; 3 times otherwise.
#[test]
fn what_was_acknowledged_before_the_end_is_there() {
    let times = std::env::var("TUBEATLAS_SIGTERMS").map_or(3, |times| times.parse().unwrap());
    let (mut written, mut slowest) = (0, Duration::ZERO);
    for time in 0..times {
        let sandbox = Sandbox::new();
        let mut service = Service::start(&sandbox, &[]);
        let (acknowledged, heard) = mpsc::channel();
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (address, acknowledged) = (service.address.clone(), acknowledged.clone());
                // A connection that is closed or reset is the end of it.
                std::thread::spawn(move || drop(write_until_closed(&address, client, &acknowledged)))
            })
            .collect();
        drop(acknowledged);
        // At another moment each time: the first with nothing written, then behind some more.
        let mut acknowledged: Vec<String> = heard.iter().take(time * 7 % 200).collect();
        let asked = Instant::now();
        service.signal("-TERM");
        let status = service.child.wait().unwrap();
        let took = asked.elapsed();
        assert_eq!(status.code(), Some(0));
        assert!(took < DEADLINE, "it took {took:?}");
        for client in clients {
            client.join().unwrap();
        }
        acknowledged.extend(heard);
        let list =
            sandbox.json(&["channels", "list", "--limit", "1000", "--order", "id"]).ended_with(0).json();
        let there: Vec<&str> =
            list["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
        let is_whole = list["next_cursor"].is_null();
        for id in &acknowledged {
            let found = there.contains(&id.as_str())
                || (!is_whole && sandbox.run(&["channels", "show", id]).code == 0);
            assert!(found, "{id} was acknowledged and is not there");
        }
        // Each client has at most one write under way of which it did not hear.
        assert!(
            !is_whole || there.len() <= acknowledged.len() + CLIENTS,
            "{} {}",
            there.len(),
            acknowledged.len()
        );
        sandbox.run(&["db", "verify"]).ended_with(0);
        (written, slowest) = (written + acknowledged.len(), slowest.max(took));
    }
    eprintln!("{times} times, {written} writes acknowledged, the slowest end took {slowest:?}");
}
