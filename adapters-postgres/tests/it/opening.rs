//! Opening a store: migrations, and what stands in the way.

use std::time::Duration;

use tubeatlas_adapters_postgres::{DatabaseUrl, migrate, migration_status};
use tubeatlas_ports::{Error, Repositories, Store, Visibility};
use tubeatlas_postgres_cluster::Cluster;

use crate::support::{config, database, open, video};

#[tokio::test(flavor = "multi_thread")]
async fn many_may_open_an_empty_database_at_once() {
    let database = database();
    let opening = (0..8).map(|n| {
        let config = config(database.url());
        tokio::spawn(async move {
            let store = open(config).await.unwrap();
            store.videos().create(&video(&format!("v{n}"), "a title")).await.unwrap();
        })
    });
    for opened in opening.collect::<Vec<_>>() {
        opened.await.unwrap();
    }
    let store = open(config(database.url())).await.unwrap();
    assert_eq!(store.videos().count(&Default::default()).await.unwrap(), 8);
}

#[tokio::test]
async fn a_database_is_migrated_only_if_that_is_allowed() {
    let database = database();
    let mut unwilling = config(database.url());
    unwilling.migrate = false;
    let refused = open(unwilling.clone()).await.unwrap_err();
    assert!(
        matches!(&refused, Error::SchemaMismatch { message } if message.contains("db migrate")),
        "{refused}"
    );
    let status = migration_status(&unwilling).await.unwrap();
    assert!(status.applied.is_empty() && !status.pending.is_empty(), "{status:?}");
    assert_eq!(migrate(&unwilling).await.unwrap(), status.pending);
    assert_eq!(migrate(&unwilling).await.unwrap(), [""; 0]);
    open(unwilling).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_program_is_refused() {
    let database = database();
    migrate(&config(database.url())).await.unwrap();
    let client = postgres_client(database.url()).await;
    client.batch_execute("INSERT INTO __diesel_schema_migrations VALUES ('20990101000000')").await.unwrap();
    let refused = open(config(database.url())).await.unwrap_err();
    assert!(matches!(&refused, Error::SchemaMismatch { message } if message.contains("2099")), "{refused}");
}

/// A client of our own, beside the store's.
async fn postgres_client(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn refusal(url: &str) -> String {
    let mut config = config(url);
    config.connect_timeout = Duration::from_millis(300);
    match open(config).await {
        Err(error @ Error::Unavailable { .. }) => error.chain(),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_keeps_a_connection_from_being_made_is_said_with_what_to_do() {
    let cluster = Cluster::shared().unwrap();
    let nobody_there = refusal("postgres://postgres@127.0.0.1:1/db").await;
    assert!(nobody_there.contains("does it run"), "{nobody_there}");
    let no_database = refusal(&cluster.url("not_there")).await;
    assert!(no_database.contains("createdb"), "{no_database}");
    let no_user = refusal(&cluster.url("postgres").replace("postgres@", "nobody_here@")).await;
    assert!(no_user.contains("user name or the password"), "{no_user}");
    cluster.execute("CREATE ROLE limited LOGIN CONNECTION LIMIT 0").unwrap();
    let too_many = refusal(&cluster.url("postgres").replace("postgres@", "limited@")).await;
    assert!(too_many.contains("max_connections"), "{too_many}");
    // Somebody who accepts and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap();
    let slow = refusal(&format!("postgres://postgres@{address}/db?sslmode=disable")).await;
    assert!(slow.contains("has not answered within 300 ms"), "{slow}");
}

#[tokio::test]
async fn what_must_be_encrypted_is_not_sent_in_the_clear() {
    // The cluster speaks no TLS, and a Unix socket needs none: so over TCP, to somebody who declines.
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let declining = std::thread::spawn(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut asked = [0; 8];
        std::io::Read::read_exact(&mut client, &mut asked).unwrap();
        std::io::Write::write_all(&mut client, b"N").unwrap(); // no TLS here
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client, &mut rest);
        (asked, rest)
    });
    let refused = refusal(&format!("postgres://me:secret@{address}/db?sslmode=require")).await;
    assert!(refused.contains("TLS"), "{refused}");
    let (asked, rest) = declining.join().unwrap();
    assert_eq!((asked, rest), ([0, 0, 0, 8, 4, 210, 22, 47], Vec::new())); // SSLRequest, and nothing behind it
}

#[test]
fn an_sslmode_that_cannot_be_honoured_is_refused() {
    for url in ["postgres://h/d?sslmode=allow", "postgres://h/d?sslmode=", "postgres://h/d?sslcert=/a.pem"] {
        assert!(matches!(DatabaseUrl::parse(url), Err(Error::Invalid(_))), "{url}");
    }
    for mode in ["disable", "prefer", "require", "verify-ca", "verify-full"] {
        let url = DatabaseUrl::parse(&format!("postgres://h/d?sslmode={mode}&application_name=x")).unwrap();
        let shown = format!("{url:?}").to_lowercase().replace("verify", "verify-");
        assert!(shown.contains(mode), "{shown}");
    }
}

#[tokio::test]
async fn every_connection_has_its_settings() {
    let database = database();
    let mut config = config(database.url());
    config.application_name = "settings".to_owned();
    config.statement_timeout = Duration::from_millis(1_234);
    let store = open(config).await.unwrap();
    // Several units at once, so that there are several connections.
    let mut units = Vec::new();
    for _ in 0..5 {
        units.push(store.begin(tubeatlas_ports::Mode::ReadOnly).await.unwrap());
    }
    let backends = "SELECT state FROM pg_stat_activity WHERE application_name = 'settings'";
    let states = database.cluster().texts(backends).unwrap();
    assert_eq!(states, ["idle in transaction"; 5]);
    drop(units);
    assert!(!store.videos().exists(&video("v", "t").id, Visibility::Live).await.unwrap());
}
