//! The service ends when it is asked to, whoever is connected.

use std::net::TcpStream;

use crate::service::Service;
use crate::support::Sandbox;

/// Sockets that nobody uses, or that stopped in the middle of a request, are not waited for.
#[test]
fn silent_clients_do_not_hold_up_the_end() {
    let sandbox = Sandbox::new();
    let mut command = Service::command(&sandbox, &["--database", "memory:"]);
    command.env("TUBEATLAS_SERVE_HEADER_TIMEOUT", "600").env("TUBEATLAS_SERVE_SHUTDOWN_TIMEOUT", "600");
    let mut service = Service::spawn(&mut command);
    let _silent: Vec<TcpStream> =
        ["", "GET / HTTP/1.1\r\nHo", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"]
            .iter()
            .map(|begin| service.connect(begin))
            .collect();
    // Behind the others, so that they have been accepted.
    assert_eq!(service.get("/health").0, 200);
    service.signal("-TERM");
    assert_eq!(service.child.wait().unwrap().code(), Some(0));
}
