//! The service that the browser meets, in the process of the test, so that the test can let things happen behind it.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tubeatlas::http::access::{Access, Scope, Token};
use tubeatlas::http::{MediaAccess, Service};
use tubeatlas::import::{ImportOptions, import};
use tubeatlas::settings::{DatabaseSettings, DatabaseUrl, ServeSettings};
use tubeatlas::wiring::{self, Missing, Opened};
use tubeatlas::worker::{WorkerOptions, Workers};
use tubeatlas_domain::{MediaFile, MediaFileFields, MediaFileId, VideoId, WorkerId};
use tubeatlas_ports::Store;

/// The video of the samples whose media file lies with the service.
pub(crate) const PLAYABLE: &str = "telescope_1";

pub(crate) struct Site {
    pub(crate) url: String,
    pub(crate) store: Arc<dyn Store>,
    database: Arc<Opened>,
    runtime: Runtime,
    media: TempDir,
}

impl Site {
    /// With the sample archive, and a media file of one of its videos.
    pub(crate) fn start() -> Self {
        Self::with(|router| router)
    }

    /// The same for those who have the token that comes with it.
    pub(crate) fn with_token() -> (Self, String) {
        let (secret, token) = Token::generate("browser", Scope::Write).unwrap();
        let settings = ServeSettings { tokens: vec![token], ..ServeSettings::default() };
        (Self::with(|router| Access::new(&settings).around(router)), secret.secret().to_owned())
    }

    /// Where the media file is, and archives may be imported from.
    pub(crate) fn folder(&self) -> &Path {
        self.media.path()
    }

    /// Lets a worker do what is asked for.
    pub(crate) fn work(&self) -> Workers {
        self.run(async { Workers::start(&self.database, 1, &WorkerOptions::default()).unwrap() })
    }

    fn with(layered: impl FnOnce(Router) -> Router) -> Self {
        let runtime = Runtime::new().unwrap();
        let media = tempfile::tempdir().unwrap();
        let file = media.path().join("telescope.wav");
        fs::write(&file, wav(90)).unwrap();
        let root = fs::canonicalize(media.path()).unwrap();
        let access = MediaAccess::new(&[media.path().to_owned()], wiring::clock()).unwrap();
        let (url, database) = runtime.block_on(async {
            let settings = DatabaseSettings { url: DatabaseUrl::Memory, ..DatabaseSettings::default() };
            let database = Arc::new(wiring::open(&settings, Missing::Create).await.unwrap());
            let store = database.store();
            let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../app/samples/archive");
            let options = ImportOptions::new(WorkerId::parse("test").unwrap(), "the samples");
            let (ids, clock) = (wiring::ids(), wiring::clock());
            let archive = wiring::archive(vec![samples]);
            import(&archive, store.as_ref(), (ids.as_ref(), clock.as_ref()), &options, &|_| {})
                .await
                .unwrap();

            let (id, video) = (MediaFileId::new(ids.new_id()), VideoId::parse(PLAYABLE).unwrap());
            let fields = MediaFileFields::new(id, video, file.to_str().unwrap());
            store.media_files().create(&MediaFile::new(fields).unwrap()).await.unwrap();

            let service = Service::new(store.clone()).with_media(access).with_import_roots(vec![root]);
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let url = format!("http://{}/", listener.local_addr().unwrap());
            let router = layered(service.router());
            tokio::spawn(async move { axum::serve(listener, router).await });
            (url, database)
        });
        Self { url, store: database.store().clone(), database, runtime, media }
    }

    /// Lets something happen in the store.
    pub(crate) fn run<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }
}

/// A file of that many seconds in which a tone is to be heard: mono, 8,000 samples a second of one byte.
fn wav(seconds: u32) -> Vec<u8> {
    const RATE: u32 = 8_000;
    let length = RATE * seconds;
    let mut file = Vec::new();
    file.extend(b"RIFF");
    file.extend((36 + length).to_le_bytes());
    file.extend(b"WAVEfmt ");
    file.extend(16_u32.to_le_bytes());
    file.extend(1_u16.to_le_bytes()); // PCM
    file.extend(1_u16.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend(RATE.to_le_bytes());
    file.extend(1_u16.to_le_bytes());
    file.extend(8_u16.to_le_bytes());
    file.extend(b"data");
    file.extend(length.to_le_bytes());
    // A square of 200 Hz.
    file.extend((0..length).map(|sample| if sample % 40 < 20 { 120_u8 } else { 136 }));
    file
}
