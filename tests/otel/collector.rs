//! A collector: a server on this machine that takes what OTLP sends over HTTP, in protobuf.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, Sender};

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;

/// What was sent at once.
pub(crate) struct Sent {
    /// The first line and the headers, in lower case.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

pub(crate) struct Collector {
    pub(crate) url: String,
    sent: Receiver<Sent>,
}

impl Collector {
    /// Takes all that is sent, and answers so.
    pub(crate) fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, sent) = mpsc::channel();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let sender = sender.clone();
                std::thread::spawn(move || take(stream.unwrap(), status, &sender));
            }
        });
        Self { url, sent }
    }

    /// All that was sent until now.
    pub(crate) fn sent(&self) -> Vec<Sent> {
        self.sent.try_iter().collect()
    }
}

/// The requests of one connection, one after the other.
fn take(stream: TcpStream, status: &str, sender: &Sender<Sent>) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if reader.read_line(&mut head).unwrap_or(0) == 0 {
                return;
            }
        }
        let head = head.to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).unwrap();
        // Before it is answered, so that it is there when the program has ended.
        sender.send(Sent { head, body }).unwrap();
        let answer =
            format!("HTTP/1.1 {status}\r\nContent-Type: application/x-protobuf\r\nContent-Length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
    }
}

/// The attributes of the program, and its spans.
pub(crate) fn spans(sent: &[Sent]) -> (BTreeMap<String, String>, Vec<Span>) {
    let (mut program, mut spans) = (BTreeMap::new(), Vec::new());
    for one in sent {
        for traces in ExportTraceServiceRequest::decode(one.body.as_slice()).unwrap().resource_spans {
            program.extend(attributes(&traces.resource.unwrap().attributes));
            spans.extend(traces.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    }
    (program, spans)
}

pub(crate) fn attributes(given: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |value: &Value| match value {
        Value::StringValue(text) => text.clone(),
        Value::IntValue(number) => number.to_string(),
        other => format!("{other:?}"),
    };
    let value = |it: &KeyValue| text(it.value.as_ref().unwrap().value.as_ref().unwrap());
    given.iter().map(|it| (it.key.clone(), value(it))).collect()
}
