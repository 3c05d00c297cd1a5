//! Clients that go away in the middle of a write, at any moment of it: it is done wholly or not at all, and no connection, of the
//! service or of its store, is lost with them.

use std::collections::BTreeMap;
use std::io::Read;
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::service::Service;
use crate::support::{Drawn, Sandbox};

/// The parts of a write, none of which may be there without the others.
const PARTS: usize = 40;

/// What has a length, so that nothing else is cut off.
fn request(line: &str, body: &Value) -> String {
    let body = body.to_string();
    let length = body.len();
    format!(
        "{line} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    )
}

/// New videos, in one batch.
fn batch(write: &str) -> String {
    let create = |part| json!({"op": "create", "entity": {"id": format!("{write}.{part}"), "title": ""}});
    let operations: Vec<Value> = (0..PARTS).map(create).collect();
    request("POST /api/v1/videos/_batch", &json!({ "operations": operations }))
}

/// Another transcript of a video, each cue of which says by whom it is.
fn transcript(write: &str) -> String {
    let cue = |part| json!({"start_ms": part * 1_000, "end_ms": part * 1_000 + 900, "text": write});
    let cues: Vec<Value> = (0..PARTS).map(cue).collect();
    request("PUT /api/v1/videos/first.0/transcripts/en", &json!({"kind": "manual", "cues": cues}))
}

/// How many connections of the store are in use.
fn in_use(service: &Service) -> u64 {
    let (status, health) = service.json("/health/db");
    assert_eq!(status, 200, "{health}");
    let details = health["details"].as_object().unwrap();
    let count = |end: &str| -> u64 {
        let (_, value) = details.iter().find(|(name, _)| name.ends_with(end)).unwrap();
        value.as_str().unwrap().parse().unwrap()
    };
    count("s_open") - count("s_idle")
}

/// The parts that are there of each write, by its name.
fn videos(service: &Service) -> BTreeMap<String, usize> {
    let (mut found, mut path) = (BTreeMap::new(), "/api/v1/videos?order=id&limit=1000".to_owned());
    loop {
        let (_, page) = service.json(&path);
        for video in page["items"].as_array().unwrap() {
            let (write, _) = video["id"].as_str().unwrap().split_once('.').unwrap();
            *found.entry(write.to_owned()).or_default() += 1;
        }
        let Some(cursor) = page["next_cursor"].as_str() else { return found };
        path = format!("/api/v1/videos?order=id&limit=1000&cursor={cursor}");
    }
}

/// The beginning of what is answered on a connection; nothing if nothing is.
fn status(mut stream: TcpStream) -> String {
    let mut status = [0; 12];
    stream
        .read_exact(&mut status)
        .map_or_else(|_| String::new(), |()| String::from_utf8(status.to_vec()).unwrap())
}

/// Writes that nobody disturbs, and how long the two kinds of them take.
fn undisturbed(service: &Service, name: &str) -> [Duration; 2] {
    [batch(name), transcript(name)].map(|request| {
        let begun = Instant::now();
        assert!(status(service.connect(&request)).starts_with("HTTP/1.1 20"), "{request}");
        begun.elapsed()
    })
}

/// Waits until the service does nothing, and has nothing of its store in use but what it had at rest.
fn wait_for_rest(service: &Service, at_rest: u64) {
    let patience = Instant::now() + Duration::from_secs(60);
    let alone = ["tubeatlas_http_requests_in_flight 1", "tubeatlas_http_connections 1"];
    loop {
        let (used, (_, _, metrics)) = (in_use(service), service.get("/metrics"));
        if used == at_rest && alone.iter().all(|line| metrics.lines().any(|it| it == *line)) {
            return;
        }
        assert!(Instant::now() < patience, "{used} in use, {at_rest} before; {metrics}");
    }
}

/// `TUBEATLAS_DISCONNECTS` says at how many moments, 20 otherwise; drawn with a seed.
fn clients_go_away(sandbox: &Sandbox) {
    const SEED: u64 = 7;
    let moments = std::env::var("TUBEATLAS_DISCONNECTS").map_or(20, |moments| moments.parse().unwrap());
    let mut command = Service::command(sandbox, &[]);
    // So few that each that is lost is missed at once.
    command.env("TUBEATLAS_DATABASE_POOL_SIZE", "2").env("TUBEATLAS_DATABASE_MAX_OVERFLOW", "0");
    let mut service = Service::spawn(command.env("TUBEATLAS_DATABASE_ACQUIRE_TIMEOUT", "5"));
    undisturbed(&service, "first");
    let usual = undisturbed(&service, "second");
    let at_rest = in_use(&service);

    let mut drawn = Drawn(SEED);
    // Those that were sent to their end, and of these those that were acknowledged, in their order.
    let (mut whole, mut acknowledged) = (vec![], vec!["first".to_owned(), "second".to_owned()]);
    for n in 0..moments {
        let (name, kind) = (format!("write{n}"), n % 2);
        let request = if kind == 0 { batch(&name) } else { transcript(&name) };
        let is_whole = n % 5 != 0;
        let stream =
            service.connect(if is_whole { &request } else { &request[..drawn.below(request.len())] });
        if n % 5 == 1 {
            let _ = stream.peek(&mut [0]);
        } else if is_whole {
            // Not to wait for anything: this is the moment.
            thread::sleep(usual[kind].mul_f64(1.25) * u32::try_from(drawn.below(1_000)).unwrap() / 1_000);
        }
        stream.set_nonblocking(true).unwrap();
        let answer = status(stream);
        assert!(answer.is_empty() || (is_whole && answer.starts_with("HTTP/1.1 20")), "{name}: {answer}");
        if !answer.is_empty() {
            acknowledged.push(name.clone());
        }
        if is_whole {
            whole.push(name);
        }
        assert_eq!(service.get("/api/v1/videos/first.0").0, 200, "another client");
    }
    wait_for_rest(&service, at_rest);
    assert_eq!(service.get("/health/ready").0, 200);

    let is_batch =
        |name: &&String| name.trim_start_matches("write").parse().is_ok_and(|n: usize| n.is_multiple_of(2));
    let there = videos(&service);
    for (name, parts) in &there {
        assert_eq!(*parts, PARTS, "of {name}, seed {SEED}");
        assert!(whole.contains(name) || acknowledged[..2].contains(name), "{name} was not sent to its end");
    }
    let lost: Vec<_> =
        acknowledged.iter().filter(is_batch).filter(|name| !there.contains_key(*name)).collect();
    assert!(lost.is_empty(), "{lost:?} were acknowledged, seed {SEED}");
    // A transcript takes the place of the one before.
    let (_, said) = service.json("/api/v1/videos/first.0/transcripts/en");
    let cues = said["cues"].as_array().unwrap();
    let word = cues[0]["text"].as_str().unwrap();
    assert!(cues.len() == PARTS && cues.iter().all(|cue| cue["text"] == word), "{said}");
    let last = acknowledged.iter().rfind(|name| !is_batch(name)).unwrap();
    assert!(word == last || !acknowledged.iter().any(|it| it == word), "{word}, and {last} was acknowledged");
    for name in &whole {
        let (_, found) = service.json(&format!("/api/v1/search?q={name}"));
        assert_eq!(found["hits"] != json!([]), name == word, "{name}; the transcript says {word}: {found}");
    }

    undisturbed(&service, "last");
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
    sandbox.run(&["db", "check"]).ended_with(0);
    let batches = whole.iter().filter(is_batch).count();
    let undone = whole.iter().filter(is_batch).filter(|name| !there.contains_key(*name)).count();
    eprintln!(
        "{moments} moments of writes of {usual:?}: {} were acknowledged; of {batches} batches that were sent to their end \
         {undone} were undone",
        acknowledged.len() - 2
    );
    assert!(moments <= 20 || undone > 0, "nobody went away in the middle of anything");
}

#[test]
fn a_write_whose_client_goes_away_is_done_wholly_or_not_at_all() {
    let sandbox = Sandbox::new();
    clients_go_away(&sandbox);
    sandbox.run(&["db", "verify"]).ended_with(0);
}

#[test]
fn so_it_is_on_postgres() {
    let Some((sandbox, _database)) = crate::postgres::sandbox() else { return };
    clients_go_away(&sandbox);
}
