//! No credential is ever shown.

use tubeatlas_adapters_postgres::{DatabaseUrl, PostgresConfig};
use tubeatlas_postgres_cluster::Cluster;

use crate::support::{config, database, open};

const CANARY: &str = "c4nary-p4ssw0rd";

/// The text with the canary nowhere in it.
fn without_canary(text: String) -> String {
    assert!(!text.contains(CANARY) && !text.contains("c4nary"), "{text}");
    text
}

#[test]
fn a_configuration_shows_no_password() {
    for url in [
        format!("postgres://me:{CANARY}@localhost:1/db"),
        format!("postgres://localhost/db?user=me&password={CANARY}&sslmode=verify-full"),
    ] {
        let url = DatabaseUrl::parse(&url).unwrap();
        without_canary(format!("{url:?} {url:#?}"));
        let config = without_canary(format!("{:?}", PostgresConfig::new(url)));
        assert!(config.contains("localhost") && config.contains("me"), "{config}");
    }
}

#[test]
fn a_url_that_is_refused_is_not_repeated() {
    for url in [
        format!("mysql://me:{CANARY}@localhost/db"),
        format!("host=localhost password={CANARY} sslmode=require"),
        format!("postgres://me:{CANARY}@localhost:port/db"),
        format!("postgres://me:{CANARY}@localhost/db?connect_timeout=soon"),
        format!("postgres://me:{CANARY}@localhost/db?{CANARY}=1"),
        format!("postgres://me:{CANARY}@localhost/db?sslmode={CANARY}"),
        format!("postgres://me:{CANARY}@localhost/db?sslkey={CANARY}"),
        format!("postgres:///db?password={CANARY}"),
    ] {
        let refused = DatabaseUrl::parse(&url).unwrap_err();
        without_canary(format!("{refused} {refused:?} {}", refused.chain()));
    }
}

#[tokio::test]
async fn neither_errors_nor_a_store_show_the_password() {
    let database = database();
    let with_password = |url: &str| url.replace("postgres@", &format!("postgres:{CANARY}@"));
    let store = open(config(&with_password(database.url()))).await.unwrap();
    without_canary(format!("{store:?} {store:#?}"));
    let health = tubeatlas_ports::Store::health(&store).await.unwrap();
    without_canary(format!("{health:?}"));
    let elsewhere = Cluster::shared().unwrap().url("not_there");
    for url in [elsewhere, "postgres://postgres@127.0.0.1:1/db".to_owned()] {
        let error = open(config(&with_password(&url))).await.unwrap_err();
        without_canary(format!("{error} {error:?} {}", error.chain()));
    }
}
