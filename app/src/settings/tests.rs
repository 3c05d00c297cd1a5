use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

fn toml(content: &str) -> Option<(PathBuf, String)> {
    Some(("some.toml".into(), content.to_owned()))
}

/// Of nothing.
const DIGEST: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn refusal(sources: &Sources) -> String {
    let error = Settings::resolve(sources).unwrap_err();
    crate::error::chain(&error)
}

#[test]
fn without_any_source_the_defaults_hold() {
    let settings = Settings::resolve(&Sources::default()).unwrap();
    assert_eq!(settings.database, DatabaseSettings::default());
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((settings.log, settings.media_roots, settings.import_roots), (None, vec![], vec![]));
    assert_eq!(settings.export_dir, None);
    assert_eq!(settings.serve, ServeSettings::default());
}

#[test]
fn every_setting_can_be_given_in_the_environment_and_in_toml() {
    let from_environment = Sources {
        environment: environment(&[
            ("TUBEATLAS_DATABASE_URL", "sqlite:///a/b.db"),
            ("TUBEATLAS_DATABASE_POOL_SIZE", "3"),
            ("TUBEATLAS_DATABASE_MAX_OVERFLOW", "0"),
            ("TUBEATLAS_DATABASE_ACQUIRE_TIMEOUT", "0.5"),
            ("TUBEATLAS_DATABASE_CONNECT_TIMEOUT", "1.5"),
            ("TUBEATLAS_DATABASE_STATEMENT_TIMEOUT", "4"),
            ("TUBEATLAS_DATABASE_RECYCLE", "5"),
            ("TUBEATLAS_DATABASE_APPLICATION_NAME", "worker 1"),
            ("TUBEATLAS_DATABASE_BUSY_TIMEOUT", "70"),
            ("TUBEATLAS_DATABASE_JOURNAL_MODE", "DELETE"),
            ("TUBEATLAS_DATABASE_SYNCHRONOUS", "full"),
            ("TUBEATLAS_DATABASE_FOREIGN_KEYS", "off"),
            ("TUBEATLAS_DATABASE_WAL_LIMIT", "2"),
            ("TUBEATLAS_DATABASE_PRE_PING", "false"),
            ("TUBEATLAS_DATABASE_ECHO", "1"),
            ("TUBEATLAS_DATABASE_UNIT_OF_WORK_TIMEOUT", "9"),
            ("TUBEATLAS_LISTEN", "[::1]:0"),
            ("TUBEATLAS_LOG", "tubeatlas=debug"),
            (
                "TUBEATLAS_SERVE_TOKENS",
                format!("me:read:{DIGEST},you@work:write:{}", "0".repeat(64)).as_str(),
            ),
            ("TUBEATLAS_SERVE_ALLOWED_HOSTS", "atlas.example, other.example"),
            ("TUBEATLAS_SERVE_ALLOWED_ORIGINS", "https://atlas.example"),
            ("TUBEATLAS_SERVE_TLS_CERT", "/a/cert.pem"),
            ("TUBEATLAS_SERVE_TLS_KEY", "/a/key.pem"),
            ("TUBEATLAS_SERVE_BEHIND_PROXY", "on"),
            ("TUBEATLAS_SERVE_MAX_CONNECTIONS", "1"),
            ("TUBEATLAS_SERVE_MAX_IN_FLIGHT", "2"),
            ("TUBEATLAS_SERVE_MAX_HEAD_BYTES", "3000"),
            ("TUBEATLAS_SERVE_MAX_HEADERS", "40"),
            ("TUBEATLAS_SERVE_MAX_URI_BYTES", "500"),
            ("TUBEATLAS_SERVE_MAX_BODY_BYTES", "6000"),
            ("TUBEATLAS_SERVE_HEADER_TIMEOUT", "7"),
            ("TUBEATLAS_SERVE_IDLE_TIMEOUT", "8"),
            ("TUBEATLAS_SERVE_BODY_TIMEOUT", "9"),
            ("TUBEATLAS_SERVE_REQUEST_TIMEOUT", "10"),
            ("TUBEATLAS_SERVE_WRITE_TIMEOUT", "11"),
            ("TUBEATLAS_SERVE_SHUTDOWN_TIMEOUT", "12"),
            ("TUBEATLAS_SERVE_MAX_FAILED_TOKENS", "13"),
            ("TUBEATLAS_MEDIA_ROOTS", "/media/a:b c"),
            ("TUBEATLAS_IMPORT_ROOTS", "/archive"),
            ("TUBEATLAS_EXPORT_DIR", "/exports"),
            ("HOME", "/nobody"),
        ]),
        ..Sources::default()
    };
    let expected = Settings {
        database: DatabaseSettings {
            url: DatabaseUrl::SqliteFile("/a/b.db".into()),
            pool_size: 3,
            max_overflow: 0,
            acquire_timeout: Duration::from_millis(500),
            connect_timeout: Duration::from_millis(1_500),
            statement_timeout: Duration::from_secs(4),
            recycle: Duration::from_secs(5),
            application_name: "worker 1".into(),
            busy_timeout: Duration::from_millis(70),
            journal_mode: JournalMode::Delete,
            synchronous: Synchronous::Full,
            foreign_keys: false,
            wal_limit: 2 * 1024 * 1024,
            pre_ping: false,
            echo: true,
            unit_of_work_timeout: Duration::from_secs(9),
        },
        listen: "[::1]:0".parse().unwrap(),
        serve: ServeSettings {
            tokens: vec![
                format!("me:read:{DIGEST}").parse().unwrap(),
                format!("you@work:write:{}", "0".repeat(64)).parse().unwrap(),
            ],
            hosts: vec!["atlas.example".parse().unwrap(), "other.example".parse().unwrap()],
            origins: vec!["https://atlas.example".parse().unwrap()],
            tls: Some(TlsFiles { certificate: "/a/cert.pem".into(), key: "/a/key.pem".into() }),
            behind_proxy: true,
            limits: Limits {
                max_connections: 1,
                max_in_flight: 2,
                max_head_bytes: 3_000,
                max_headers: 40,
                max_uri_bytes: 500,
                max_body_bytes: 6_000,
                header_timeout: Duration::from_secs(7),
                idle_timeout: Duration::from_secs(8),
                body_timeout: Duration::from_secs(9),
                request_timeout: Duration::from_secs(10),
                write_timeout: Duration::from_secs(11),
                shutdown_timeout: Duration::from_secs(12),
                max_failed_tokens: 13,
            },
        },
        log: Some("tubeatlas=debug".into()),
        media_roots: vec!["/media/a".into(), "b c".into()],
        import_roots: vec!["/archive".into()],
        export_dir: Some("/exports".into()),
    };
    assert_eq!(Settings::resolve(&from_environment).unwrap(), expected);
    let from_toml = Sources {
        toml: toml(
            r#"
            listen = "[::1]:0"
            log = "tubeatlas=debug"
            media_roots = ["/media/a", "b c"]
            import_roots = ["/archive"]
            export_dir = "/exports"
            [database]
            url = "sqlite:///a/b.db"
            pool_size = 3
            max_overflow = 0
            acquire_timeout = 0.5
            connect_timeout = 1.5
            statement_timeout = 4
            recycle = 5
            application_name = "worker 1"
            busy_timeout = 70
            journal_mode = "delete"
            synchronous = "full"
            foreign_keys = false
            wal_limit = 2
            pre_ping = false
            echo = true
            unit_of_work_timeout = 9
            [serve]
            allowed_hosts = ["atlas.example", "other.example"]
            allowed_origins = "https://atlas.example"
            tls_cert = "/a/cert.pem"
            tls_key = "/a/key.pem"
            behind_proxy = true
            max_connections = 1
            max_in_flight = 2
            max_head_bytes = 3000
            max_headers = 40
            max_uri_bytes = 500
            max_body_bytes = 6000
            header_timeout = 7
            idle_timeout = 8
            body_timeout = 9
            request_timeout = 10
            write_timeout = 11
            shutdown_timeout = 12
            max_failed_tokens = 13
            [[serve.tokens]]
            name = "me"
            scope = "read"
            sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
            [[serve.tokens]]
            sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
            scope = "write"
            name = "you@work"
            "#,
        ),
        ..Sources::default()
    };
    assert_eq!(Settings::resolve(&from_toml).unwrap(), expected);
}

#[test]
fn media_roots_are_folders() {
    let roots = |sources: Sources| Settings::resolve(&sources).unwrap().media_roots;
    let toml_and = |flags: Flags| Sources { flags, toml: toml("media_roots = '/c'"), ..Sources::default() };
    assert_eq!(roots(toml_and(Flags::default())), [PathBuf::from("/c")]);
    let flags = Flags { media_roots: vec!["/a".into(), "/b".into()], ..Flags::default() };
    assert_eq!(roots(toml_and(flags)), [PathBuf::from("/a"), PathBuf::from("/b")]);
    for (content, problem) in [
        ("media_roots = [1]", "media_roots in some.toml: is a list of what is no text"),
        ("media_roots = ['/a:b']", "has a path with a colon"),
        ("media_roots = '/a::/b'", "give paths of folders"),
        ("media_roots = []", "is empty"),
        ("listen = ['/a']", "is a array"),
    ] {
        let text = refusal(&Sources { toml: toml(content), ..Sources::default() });
        assert!(text.contains(problem), "{content}: {text}");
    }
}

#[test]
fn flags_come_before_the_environment_before_dotenv_before_toml() {
    let url = |sources: &Sources| Settings::resolve(sources).unwrap().database.url.to_string();
    let mut sources = Sources { toml: toml("[database]\nurl = 'sqlite://toml.db'"), ..Sources::default() };
    assert_eq!(url(&sources), "sqlite://toml.db");
    sources.dotenv = Some("OTHER=1\nTUBEATLAS_DATABASE_URL=sqlite://dotenv.db\n".into());
    assert_eq!(url(&sources), "sqlite://dotenv.db");
    sources.environment = environment(&[("TUBEATLAS_DATABASE_URL", "sqlite://environment.db")]);
    assert_eq!(url(&sources), "sqlite://environment.db");
    sources.flags.database = Some("memory:".into());
    assert_eq!(url(&sources), "memory:");
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let variables = environment(&[("TUBEATLAS_DATABASE_POOLSIZE", "3")]);
    let text = refusal(&Sources { environment: variables, ..Sources::default() });
    assert!(text.contains("no setting TUBEATLAS_DATABASE_POOLSIZE"), "{text}");
    assert!(text.contains("TUBEATLAS_DATABASE_POOL_SIZE"), "{text}");

    let text = refusal(&Sources { dotenv: Some("TUBEATLAS_X=1".into()), ..Sources::default() });
    assert!(text.contains("no setting TUBEATLAS_X in .env"), "{text}");

    for (content, name) in [
        ("[database]\npoolsize = 3", "database.poolsize in some.toml"),
        ("colour = true", "colour in some.toml"),
        ("[service]\nport = 1", "service in some.toml"),
        ("[serve]\nport = 1", "serve.port in some.toml"),
        ("[[serve.tokens]]\ntoken = 1", "serve.tokens.token in some.toml"),
    ] {
        let text = refusal(&Sources { toml: toml(content), ..Sources::default() });
        assert!(text.contains(&format!("no setting {name}")), "{text}");
    }
}

#[test]
fn what_is_malformed_is_refused_by_name_with_what_is_allowed() {
    for (variable, value, allowed) in [
        ("DATABASE_POOL_SIZE", "0", "from 1 to 1000"),
        ("DATABASE_POOL_SIZE", "many", "from 1 to 1000"),
        ("DATABASE_POOL_SIZE", "", "is empty"),
        ("DATABASE_ACQUIRE_TIMEOUT", "NaN", "give seconds"),
        ("DATABASE_ACQUIRE_TIMEOUT", "30s", "give seconds"),
        ("DATABASE_ACQUIRE_TIMEOUT", "-1", "give seconds"),
        ("DATABASE_MAX_OVERFLOW", "-1", "from 0 to 1000"),
        ("DATABASE_STATEMENT_TIMEOUT", "0", "give seconds"),
        ("DATABASE_APPLICATION_NAME", "wörker", "ASCII"),
        ("DATABASE_BUSY_TIMEOUT", "0.5", "milliseconds"),
        ("DATABASE_JOURNAL_MODE", "memory", "wal, delete, truncate, persist"),
        ("DATABASE_SYNCHRONOUS", "2", "off, normal, full, extra"),
        ("DATABASE_WAL_LIMIT", "0", "from 1 to 65536"),
        ("DATABASE_ECHO", "maybe", "on or off"),
        ("DATABASE_UNIT_OF_WORK_TIMEOUT", "0", "give seconds"),
        ("SERVE_TOKENS", "tat_pa55", "NAME:SCOPE:SHA256"),
        (
            "SERVE_TOKENS",
            format!("a:read:{DIGEST},a:write:{DIGEST}").as_str(),
            "two tokens of the name \"a\"",
        ),
        ("SERVE_ALLOWED_HOSTS", "a.example,", "give a name"),
        ("SERVE_ALLOWED_ORIGINS", "a.example", "give a site"),
        ("SERVE_TLS_CERT", "~/cert.pem", "only a shell"),
        ("SERVE_TLS_CERT", "cert.pem", "without serve.tls_key"),
        ("SERVE_TLS_KEY", "key.pem", "without serve.tls_cert"),
        ("SERVE_BEHIND_PROXY", "nginx", "on or off"),
        ("SERVE_MAX_CONNECTIONS", "0", "from 1 to 1000000"),
        ("SERVE_MAX_IN_FLIGHT", "0", "from 1 to 1000000"),
        ("SERVE_MAX_HEAD_BYTES", "100", "from 1024 to 1048576"),
        ("SERVE_MAX_HEADERS", "1", "from 10 to 10000"),
        ("SERVE_MAX_URI_BYTES", "66000", "from 256 to 65000"),
        ("SERVE_MAX_BODY_BYTES", "8M", "whole number"),
        ("SERVE_HEADER_TIMEOUT", "0", "give seconds"),
        ("SERVE_MAX_FAILED_TOKENS", "0", "from 1"),
        ("LISTEN", "8080", "an IP address and a port"),
        ("LOG", "a=b=c", "a filter"),
        ("DATABASE_URL", "tubeatlas.db", "sqlite://tubeatlas.db"),
        ("DATABASE_URL", "sqlite://", "names no file"),
        ("DATABASE_URL", "sqlite:x.db", "names no file"),
        ("DATABASE_URL", "sqlite://x.db?mode=ro", "parameters"),
        ("DATABASE_URL", "memory://x", "behind memory:"),
        ("DATABASE_URL", "mysql://x/y", "known are sqlite://"),
        ("DATABASE_URL", "postgres:x", "postgres://"),
        ("DATABASE_URL", "postgres:///atlas", "names no host"),
        ("DATABASE_URL", "postgres://db/atlas?sslmode=allow", "sslmode"),
    ] {
        let variable = format!("TUBEATLAS_{variable}");
        let sources = Sources { environment: environment(&[(&variable, value)]), ..Sources::default() };
        let text = refusal(&sources);
        assert!(text.starts_with(&format!("{variable}: ")) && text.contains(allowed), "{value}: {text}");
    }
    let text = refusal(&Sources { toml: toml("log = [1]"), ..Sources::default() });
    assert!(text.contains("log in some.toml: is a array"), "{text}");
}

#[test]
fn no_refusal_shows_a_password() {
    let url = |text: &str| Sources {
        flags: Flags { database: Some(text.into()), ..Flags::default() },
        ..Sources::default()
    };
    let cases = [
        url("postgres://me:pa55@db.example:port/atlas"),
        url("postgres://me@db.example/atlas?pa55=1"),
        url("mysql://me:pa55@db.example/atlas"),
        url("me:pa55@db.example"),
        url("pa55@:x"),
        Sources { dotenv: Some("A=1\nsome pa55 = \"".into()), ..Sources::default() },
        Sources { toml: toml("[database]\nurl = \"postgres://me:pa55@db"), ..Sources::default() },
        Sources {
            environment: environment(&[("TUBEATLAS_SERVE_TOKENS", "me:read:pa55")]),
            ..Sources::default()
        },
        Sources {
            toml: toml("[[serve.tokens]]\nname = \"me\"\nscope = \"read\"\nsha256 = \"tat:pa55\""),
            ..Sources::default()
        },
    ];
    for sources in cases {
        let text = refusal(&sources);
        assert!(!text.contains("pa55"), "{text}");
    }
    let text = refusal(&url("mysql://me:pa55@db.example/atlas"));
    assert!(text.contains("\"mysql\"") && text.contains("db.example"), "{text}");
}

#[test]
fn a_url_of_postgres_is_shown_without_credentials_and_kept_with_them() {
    let text = "PostgreSQL://me:pa55@db1.example,db2.example:5433/atlas?sslmode=verify-full";
    let sources = Sources {
        flags: Flags { database: Some(text.into()), ..Flags::default() },
        environment: environment(&[("TUBEATLAS_DATABASE_POOL_SIZE", "0")]),
        ..Sources::default()
    };
    let database = Settings::resolve(&sources).unwrap().database;
    assert_eq!(database.pool_size, 0);
    assert_eq!(database.url.to_string(), "postgresql://***@db1.example,db2.example:5433/atlas?***");
    let debugged = format!("{database:?} {database:#?}");
    assert!(!debugged.contains("pa55") && debugged.contains("db2.example"), "{debugged}");
    match database.url {
        DatabaseUrl::Postgres(url) => assert!(url.secret().contains("me:pa55@db1.example")),
        other => panic!("{other:?}"),
    }
}
