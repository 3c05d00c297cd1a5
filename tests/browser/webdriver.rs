//! A small client of [WebDriver](https://www.w3.org/TR/webdriver2/), as much as these tests need: JSON over HTTP.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Once;

use data_encoding::BASE64;
use serde_json::{Value, json};
use tempfile::TempDir;

/// How long the browser may take until something is as it should be, in milliseconds. Far more than it needs: a test
/// that waits for that long has failed.
const PATIENCE_MS: u64 = 60_000;

/// The keys of a keyboard that are no characters.
pub(crate) mod key {
    pub(crate) const ENTER: &str = "\u{E007}";
    pub(crate) const TAB: &str = "\u{E004}";
    pub(crate) const END: &str = "\u{E010}";
    pub(crate) const HOME: &str = "\u{E011}";
    pub(crate) const DOWN: &str = "\u{E015}";
}

/// A browser of its own, with a profile of its own; it ends with the test.
pub(crate) struct Browser {
    driver: Child,
    address: String,
    session: String,
    _profile: TempDir,
}

impl Browser {
    /// Starts one; `None` if there is none on this machine, which is said once.
    ///
    /// # Panics
    /// If there is none, and `TUBEATLAS_TEST_BROWSER` is `required`; or if it does not start.
    pub(crate) fn start() -> Option<Self> {
        let (Some(chromium), Some(chromedriver)) = (program("chromium"), program("chromedriver")) else {
            missing("there is no `chromium` with `chromedriver` in PATH");
            return None;
        };
        let mut driver = Command::new(chromedriver)
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver starts");
        let said = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = said.map_while(Result::ok).find_map(|line| {
            let port = line.split_once("successfully on port ")?.1.trim_end_matches('.');
            port.parse::<u16>().ok()
        });
        let address = format!("127.0.0.1:{}", port.expect("chromedriver says its port"));
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
            "--mute-audio",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--autoplay-policy=no-user-gesture-required",
            "--hide-scrollbars",
            "--window-size=1280,900",
            &format!("--user-data-dir={}", profile.path().display()),
        ];
        let mut browser = Self { driver, address, session: String::new(), _profile: profile };
        let wanted = json!({"capabilities": {"alwaysMatch": {
            "goog:chromeOptions": {"binary": chromium, "args": arguments},
            "goog:loggingPrefs": {"browser": "ALL"},
            "timeouts": {"script": PATIENCE_MS, "pageLoad": PATIENCE_MS},
        }}});
        let session = browser.call("POST", "/session", &wanted);
        browser.session = format!("/session/{}", session["sessionId"].as_str().expect("a session"));
        Some(browser)
    }

    /// Goes to an address.
    pub(crate) fn open(&self, url: &str) {
        self.command("/url", &json!({"url": url}));
    }

    /// What a script returns.
    pub(crate) fn run(&self, script: &str) -> Value {
        self.command("/execute/sync", &json!({"script": script, "args": []}))
    }

    /// What an expression comes to as soon as that is neither null, false, 0 nor empty.
    ///
    /// # Panics
    /// If it does not, with what the page shows then.
    pub(crate) fn until(&self, expression: &str) -> Value {
        let script = format!(
            "const done = arguments[arguments.length - 1]; const end = Date.now() + {PATIENCE_MS} - 5000;
             (function look() {{
                const found = (() => {{ try {{ return {expression}; }} catch {{ return null; }} }})();
                if (found) done(found);
                else if (Date.now() > end) done({{late: document.body.innerText}});
                else setTimeout(look, 10);
             }})();"
        );
        let found = self.command("/execute/async", &json!({"script": script, "args": []}));
        assert!(
            found.get("late").is_none(),
            "{expression} did not come true; the page shows: {}",
            found["late"]
        );
        found
    }

    /// What a script hands to its last argument.
    pub(crate) fn run_async(&self, script: &str) -> Value {
        self.command("/execute/async", &json!({"script": script, "args": []}))
    }

    /// The text of the first element that matches, as it is shown.
    pub(crate) fn text(&self, selector: &str) -> String {
        let text = self.until(&format!("document.querySelector({selector:?})?.innerText"));
        text.as_str().unwrap().to_owned()
    }

    /// Clicks on the middle of the first element that matches, as a mouse does.
    pub(crate) fn click(&self, selector: &str) {
        self.until(&format!("document.querySelector({selector:?})"));
        let found = self.command("/element", &json!({"using": "css selector", "value": selector}));
        let id = found.as_object().unwrap().values().next().unwrap().as_str().unwrap();
        self.command(&format!("/element/{id}/click"), &json!({}));
    }

    /// Presses keys, one after the other.
    pub(crate) fn keys(&self, keys: &str) {
        let press =
            |key: char| [json!({"type": "keyDown", "value": key}), json!({"type": "keyUp", "value": key})];
        let actions: Vec<Value> = keys.chars().flat_map(press).collect();
        self.command(
            "/actions",
            &json!({"actions": [{"type": "key", "id": "keyboard", "actions": actions}]}),
        );
    }

    /// A command of Chromium's own protocol.
    pub(crate) fn chromium(&self, command: &str, parameters: &Value) -> Value {
        self.command("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// What the console says since it was asked last.
    pub(crate) fn console(&self) -> Vec<Value> {
        let log = self.command("/se/log", &json!({"type": "browser"}));
        log.as_array().unwrap().clone()
    }

    /// Keeps a picture of what is to be seen, in `target/browser-screenshots`.
    pub(crate) fn screenshot(&self, name: &str) {
        let picture = self.call("GET", &format!("{}/screenshot", self.session), &Value::Null);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("browser-screenshots");
        std::fs::create_dir_all(&folder).unwrap();
        let picture = BASE64.decode(picture.as_str().unwrap().as_bytes()).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), picture).unwrap();
    }

    fn command(&self, path: &str, body: &Value) -> Value {
        self.call("POST", &format!("{}{path}", self.session), body)
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let mut stream = TcpStream::connect(&self.address).expect("chromedriver listens");
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).unwrap();
            if line.trim().is_empty() {
                break;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut answer = vec![0; length];
        reader.read_exact(&mut answer).unwrap();
        let mut answer: Value = serde_json::from_slice(&answer).unwrap();
        let value = answer["value"].take();
        assert!(value.get("error").is_none_or(|error| !error.is_string()), "{path} {body}: {value:#}");
        value
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser goes with its session, also after a test that failed. The driver alone would leave it behind.
        let end = || self.call("DELETE", &self.session, &Value::Null);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(end));
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// Says once that something is not there, for which these tests do not run.
///
/// # Panics
/// If they have to.
pub(crate) fn missing(reason: &str) {
    static SAID: Once = Once::new();
    let required = std::env::var_os("TUBEATLAS_TEST_BROWSER").is_some_and(|value| value == "required");
    assert!(!required, "{reason}");
    // Not by a macro for printing, whose output a test that passes does not show.
    SAID.call_once(|| drop(writeln!(std::io::stderr(), "tests in a browser did not run: {reason}")));
}

fn program(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}
