//! The web interface in a real browser; see README.md beside this file.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests fail by panicking")]

mod axe;
mod site;
mod webdriver;

use std::time::Duration;

use serde_json::json;
use tubeatlas_domain::{
    JsonObject, NewTask, ProcessingTask, ProcessingTaskId, Progress, TaskKind, TaskStatus, Video,
    VideoFields, VideoId, WorkerId,
};
use tubeatlas_ports::{ClaimRequest, PageRequest, ProcessingTaskFilter, Stored, Visibility};

use site::{PLAYABLE, Site};
use webdriver::{Browser, key};

/// Every view, by name.
const VIEWS: [(&str, &str); 12] = [
    ("newest", "#/"),
    ("search", "#/?q=dough"),
    ("search-nothing", "#/?q=quasar"),
    ("video", "#/video/Dumpling-01?language=en&q=dough&t=19.5"),
    ("video-player", "#/video/telescope_1?language=en"),
    ("channels", "#/channels"),
    ("channel", "#/channel/UCharbourKitchen-sample1"),
    ("playlists", "#/playlists"),
    ("playlist", "#/playlist/PLnightfall-winter-sky"),
    ("tasks", "#/tasks"),
    ("import", "#/import"),
    ("health", "#/health"),
];

const READY: &str = "!document.getElementById('main').hasAttribute('aria-busy') && document.querySelector('main h1, main .failure')";

/// Opens a view anew, and waits until it is shown.
fn visit(browser: &Browser, site: &Site, view: &str) {
    browser.open("about:blank");
    browser.open(&format!("{}{view}", site.url));
    browser.until(READY);
}

/// The console has nothing to say: no fault, nothing that the policy forbids. What the service refused may be there.
fn assert_calm(browser: &Browser) {
    let loud = browser.console().into_iter().filter(|entry| {
        let is_refusal = entry["source"] == "network" && !entry["message"].as_str().unwrap().contains("ERR_");
        ["SEVERE", "WARNING"].contains(&entry["level"].as_str().unwrap()) && !is_refusal
    });
    let loud: Vec<_> = loud.collect();
    assert!(loud.is_empty(), "{loud:#?}");
}

fn set_scheme(browser: &Browser, scheme: &str) {
    let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
    browser.chromium("Emulation.setEmulatedMedia", &json!({"features": features}));
}

fn task(site: &Site, kind: &str, target: &str) -> ProcessingTaskId {
    let id = ProcessingTaskId::new(tubeatlas::wiring::ids().new_id());
    let task = NewTask {
        id,
        kind: TaskKind::parse(kind).unwrap(),
        target: Some(target.to_owned()),
        payload: JsonObject::default(),
        max_attempts: 3,
        available_at: tubeatlas::wiring::clock().now(),
    };
    site.run(site.store.processing_tasks().enqueue(&task)).unwrap();
    id
}

fn claim(site: &Site, kind: &str) -> Stored<ProcessingTask> {
    let request = ClaimRequest {
        kinds: Some(vec![TaskKind::parse(kind).unwrap()]),
        worker: WorkerId::parse("worker-1").unwrap(),
        lease_ms: 600_000,
        only: None,
    };
    site.run(site.store.processing_tasks().claim(&request)).unwrap().expect("there is a task")
}

fn status_of(site: &Site, id: ProcessingTaskId) -> TaskStatus {
    site.run(site.store.processing_tasks().get(&id, Visibility::Live)).unwrap().unwrap().status
}

#[test]
fn what_is_typed_is_found_and_leads_to_the_moment() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    visit(&browser, &site, "");
    browser.click("#query");
    browser.keys("dough res");
    browser.keys("t");
    browser.until("location.hash === '#/?q=dough+rest'");
    let marked =
        "[...document.querySelectorAll('.hit mark')].map((mark) => mark.textContent.toLowerCase()).join(' ')";
    assert!(
        browser
            .until(&format!("document.querySelector('.hit') && {marked}"))
            .as_str()
            .unwrap()
            .contains("dough")
    );
    browser.until("document.getElementById('announcer').textContent.includes('Found')");
    assert_eq!(browser.text(".hit .facts a"), "Harbour Kitchen");

    browser.click(".hit .cue");
    browser.until(READY);
    let current = "document.querySelector('.cues .cue[aria-current=true]')";
    let text = browser.until(&format!("{current}?.textContent"));
    assert!(text.as_str().unwrap().contains("dough rest"), "{text}");
    assert_eq!(browser.run(&format!("return document.activeElement === {current}")), true);
    // No file is here: the cue leads to the site, at that second.
    let address = browser.run(&format!("return {current}.href"));
    assert_eq!(address, "https://videos.example/watch?v=Dumpling-01&t=19s");
    assert_eq!(browser.until("document.querySelector('#matches')?.innerText"), "2 places");

    browser.run("history.back()");
    browser
        .until("document.querySelector('#query')?.value === 'dough rest' && document.querySelector('.hit')");
    assert_calm(&browser);
}

#[test]
fn a_query_that_is_none_yet_is_explained_where_it_is_typed() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    visit(&browser, &site, "");
    browser.click("#query");
    browser.keys("-tea");
    let said = browser.until(
        "document.querySelector('#query[aria-invalid]') && document.querySelector('#outcome').innerText",
    );
    assert!(said.as_str().unwrap().contains("only says what to leave out"), "{said}");
    browser.keys(" dough");
    browser.until("!document.querySelector('#query[aria-invalid]') && document.querySelector('.hit')");
    assert_calm(&browser);
}

#[test]
fn the_transcript_follows_the_player_and_the_player_a_click() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    visit(&browser, &site, &format!("#/video/{PLAYABLE}?language=en"));
    browser.until("document.querySelector('audio')?.readyState >= 1");
    let cues = "document.querySelectorAll('.cues .cue')";
    let start = browser.run(&format!("return {cues}[4].querySelector('time').dateTime.slice(2, -1)"));
    let start: f64 = start.as_str().unwrap().parse().unwrap();
    browser.click(".cues li:nth-child(5) .cue");
    browser.until(&format!("Math.abs(document.querySelector('audio').currentTime - {start}) < 5 && !document.querySelector('audio').paused"));
    browser.until(&format!("{cues}[4].hasAttribute('aria-current')"));
    assert!(browser.run("return location.hash").as_str().unwrap().contains("t="));

    // The player goes on by itself: to the sixth, and elsewhere if somebody moves it.
    browser
        .until(&format!("{cues}[5].hasAttribute('aria-current') && !{cues}[4].hasAttribute('aria-current')"));
    browser.run("document.querySelector('audio').pause(); document.querySelector('audio').currentTime = 0.5");
    browser.until(&format!("{cues}[0].hasAttribute('aria-current')"));
    assert_eq!(browser.run("return document.querySelectorAll('.cues .cue[aria-current]').length"), 1);
    assert_calm(&browser);
}

#[test]
fn a_link_into_a_video_that_is_here_waits_at_its_moment() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    visit(&browser, &site, &format!("#/video/{PLAYABLE}?language=en&t=9.76"));
    browser.until("Math.abs(document.querySelector('audio')?.currentTime - 9.76) < 0.1");
    assert_eq!(browser.run("return document.querySelector('audio').paused"), true);
    assert!(browser.text(".cue[aria-current]").contains("0:09"));
    assert_calm(&browser);
}

#[test]
fn tasks_are_shown_as_they_go_on_and_can_be_cancelled() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    let worked = task(&site, "transcribe", "video/one");
    let unwanted = task(&site, "index", "video/two");
    visit(&browser, &site, "#/tasks");
    let card = |id: ProcessingTaskId| format!(".task[data-id='{id}']");
    let pill =
        |id, text: &str| format!("document.querySelector(\"{} .pill\")?.innerText === '{text}'", card(id));
    browser.until(&pill(worked, "Waiting"));

    let claimed = claim(&site, "transcribe");
    browser.until(&pill(worked, "Running"));
    let token = claimed.lease.as_ref().unwrap().token;
    for percent in [17, 63] {
        site.run(site.store.processing_tasks().report(worked, token, Progress::new(percent).unwrap()))
            .unwrap();
        browser.until(&format!("document.querySelector(\"{} progress\").value === {percent}", card(worked)));
    }
    browser.screenshot("task-running");
    site.run(site.store.processing_tasks().complete(worked, token)).unwrap();
    browser.until(&pill(worked, "Done"));

    browser.click(&format!("{} button", card(unwanted)));
    browser.until(&pill(unwanted, "Cancelled"));
    assert_eq!(status_of(&site, unwanted), TaskStatus::Cancelled);
    // The focus went on to what can be done next.
    assert_eq!(browser.run("return document.activeElement.innerText"), "Try again");
    browser.keys(key::ENTER);
    browser.until(&pill(unwanted, "Waiting"));
    assert_eq!(status_of(&site, unwanted), TaskStatus::Pending);

    // One that comes while the page is open.
    let late = task(&site, "index", "video/three");
    browser.until(&pill(late, "Waiting"));
    assert_calm(&browser);
}

#[test]
fn an_import_is_asked_for_and_followed() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    visit(&browser, &site, "#/import");
    browser.click("#folder");
    browser.keys(&format!("{}/nowhere", key::END));
    browser.keys(key::ENTER);
    assert!(browser.text("#folder-problem").contains("is not below a folder"));
    assert_eq!(browser.run("return document.querySelector('#folder').getAttribute('aria-invalid')"), "true");

    visit(&browser, &site, "#/import");
    browser.click("form button.primary");
    browser.until("document.querySelector('.task .pill')?.innerText === 'Waiting'");
    let claimed = claim(&site, "import");
    let token = claimed.lease.as_ref().unwrap().token;
    browser.until("document.querySelector('.task .pill').innerText === 'Running'");
    site.run(site.store.processing_tasks().complete(claimed.id, token)).unwrap();
    browser.until("document.querySelector('.task .pill').innerText === 'Done'");
    assert_calm(&browser);
}

#[test]
fn what_is_imported_can_be_found() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    let document = r#"{"id": "Brewing-001", "title": "Brewing tea on a ferry"}"#;
    std::fs::write(site.folder().join("Brewing-001.info.json"), document).unwrap();
    let folder = site.folder().canonicalize().unwrap();
    visit(&browser, &site, "#/import");
    assert_eq!(browser.run("return document.querySelector('#folder').value"), folder.to_str().unwrap());
    let workers = site.work();
    browser.click("form button.primary");
    browser.until("document.querySelector('.task .pill')?.innerText === 'Done'");
    browser.screenshot("import-done");

    visit(&browser, &site, "#/?q=ferry");
    browser.until("document.querySelector('.hit')?.innerText.includes('Brewing tea on a ferry')");
    // What did not change is not read again, unless that is asked for.
    for reread in [false, true] {
        visit(&browser, &site, "#/import");
        if reread {
            browser.click("#reread");
        }
        browser.click("form button.primary");
        browser.until("document.querySelector('.task .pill')?.innerText === 'Done'");
        let filter = ProcessingTaskFilter::default();
        let tasks = site.run(site.store.processing_tasks().list(&filter, &PageRequest::default())).unwrap();
        assert_eq!(tasks.items[0].payload.get("reread"), Some(&json!(reread)));
    }
    site.run(workers.stop(Duration::from_secs(10)));
    assert_calm(&browser);
}

#[test]
fn the_explorer_asks_with_the_token_that_it_is_given() {
    let Some(browser) = Browser::start() else { return };
    let (site, token) = Site::with_token();
    browser.open(&format!("{}docs", site.url));
    // Whoever has no token can read what there is to ask, and is told that the answer needs one.
    let operation = ".opblock-get:has([data-path='/api/v1/channels'])";
    let answered = |status: &str| {
        browser.click(&format!("{operation} .execute"));
        let shown = format!("{operation} .live-responses-table tbody .response-col_status");
        browser.until(&format!("document.querySelector({shown:?})?.innerText.startsWith('{status}')"));
    };
    browser.click(&format!("{operation} .opblock-summary-control"));
    browser.click(&format!("{operation} .try-out__btn"));
    answered("401");

    browser.click(".auth-wrapper .authorize");
    browser.click(".modal-ux input");
    browser.keys(&token);
    browser.keys(key::ENTER);
    browser.until("document.querySelector('.modal-ux')?.innerText.includes('Logout')");
    browser.click(".modal-ux .btn-done");
    answered("200");
    let answer = format!("{operation} .live-responses-table");
    assert!(browser.text(&answer).contains("Harbour Kitchen"));
    browser.run(&format!("document.querySelector({answer:?}).scrollIntoView()"));
    browser.screenshot("explorer");
    assert_calm(&browser);
}

#[test]
fn the_keyboard_is_enough() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    visit(&browser, &site, "#/channels");
    // The first stop leads past the navigation.
    browser.keys(key::TAB);
    assert_eq!(browser.run("return document.activeElement.className"), "skip");
    browser.keys(key::ENTER);
    assert_eq!(browser.run("return document.activeElement.id"), "main");
    browser.keys(key::TAB);
    assert_eq!(browser.run("return document.activeElement.innerText"), "Harbour Kitchen");
    browser.keys(key::ENTER);
    browser.until(
        "document.activeElement.matches('h1') && document.activeElement.innerText === 'Harbour Kitchen'",
    );

    visit(&browser, &site, "");
    browser.keys(&[key::TAB, key::ENTER, key::TAB].concat());
    browser.keys("earlobe");
    browser.until("document.querySelectorAll('.hit').length === 1");
    browser.keys(key::DOWN);
    browser.keys(key::TAB);
    browser.keys(key::TAB);
    assert!(browser.run("return document.activeElement.className").as_str().unwrap().contains("cue"));
    browser.keys(key::ENTER);
    let focused = "document.activeElement.matches('.cues .cue') && document.activeElement.innerText";
    assert!(browser.until(focused).as_str().unwrap().contains("earlobe"));
    browser.keys(key::DOWN);
    assert!(browser.until(focused).as_str().unwrap().contains("damp cloth"));
    browser.keys(key::HOME);
    assert!(browser.until(focused).as_str().unwrap().contains("Welcome back"));
    // Of all cues, one is a stop of Tab.
    assert_eq!(browser.run("return document.querySelectorAll('.cues [tabindex=\"0\"]').length"), 1);

    visit(&browser, &site, &format!("#/video/{PLAYABLE}?language=en"));
    browser.until("document.querySelector('audio')?.readyState >= 1");
    browser.run("document.querySelector('.cues [tabindex=\"0\"]').focus()");
    browser.keys(&[key::DOWN, key::DOWN, key::ENTER].concat());
    browser.until("document.querySelector('audio').currentTime > 3 && document.querySelector('.cues li:nth-child(3) [aria-current]')");
    assert_calm(&browser);
}

#[test]
fn what_the_catalogue_says_is_text_and_nothing_else() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    let attack =
        "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script> dough";
    let id = VideoId::parse("</a><b>#?/%2F").unwrap();
    let mut fields = VideoFields::new(id.clone(), attack);
    fields.description = Some(format!("{attack} https://videos.example/\"onclick=alert(1)"));
    fields.tags = vec![attack.to_owned()];
    let video = Video::new(fields).unwrap();
    site.run(site.store.videos().create(&video)).unwrap();
    for view in ["#/", "#/?q=dough"] {
        visit(&browser, &site, view);
        browser.until("[...document.querySelectorAll('.item-title')].some((title) => title.textContent.startsWith('<img'))");
    }
    browser.click("a.item-title[href*='%3Cb%3E']");
    browser.until(
        "document.querySelector('h1')?.textContent.startsWith('<img') && document.querySelector('.tags')",
    );
    assert_eq!(browser.run("return document.querySelectorAll('main img, main script, main b').length"), 0);
    assert_ne!(browser.run("return document.title"), "taken");
    assert_calm(&browser);
    // The policy is there, and the log would show what it forbids.
    browser.run("const script = document.createElement('script'); script.textContent = 'document.title = \"taken\"'; document.body.append(script)");
    assert_ne!(browser.run("return document.title"), "taken");
    let said = browser.console();
    assert!(
        said.iter().any(|entry| entry["message"].as_str().unwrap().contains("Content Security Policy")),
        "{said:#?}"
    );
}

#[test]
fn a_token_is_asked_for_once_and_kept_for_the_tab() {
    let Some(browser) = Browser::start() else { return };
    let (site, token) = Site::with_token();
    browser.open(&site.url);
    browser.until("document.querySelector('#sign-in[open]') && document.activeElement.id === 'token'");
    browser.screenshot("sign-in");
    browser.keys("tat_wrong");
    browser.keys(key::ENTER);
    browser.until("document.querySelector('#token-problem').innerText.includes('not known')");
    browser.keys(&token);
    browser.keys(key::ENTER);
    browser
        .until("document.querySelectorAll('.item').length > 3 && !document.querySelector('#sign-in[open]')");
    let kept = "return [Object.values(sessionStorage), Object.values(localStorage), document.cookie]";
    assert_eq!(browser.run(kept), json!([[token], [], ""]));
    // A player has no token, and plays.
    visit(&browser, &site, &format!("#/video/{PLAYABLE}?language=en"));
    browser.until("document.querySelector('audio')?.readyState >= 1");
    // Nor is it asked for again for what is live.
    visit(&browser, &site, "#/tasks");
    let id = task(&site, "index", "video/one");
    browser.until(&format!("document.querySelector(\".task[data-id='{id}']\")"));
    assert_calm(&browser);
}

#[test]
fn what_went_wrong_is_said_with_a_way_on() {
    let Some(browser) = Browser::start() else { return };
    let site = Site::start();
    for view in ["#/video/nothing", "#/channel/nothing", "#/playlist/nothing", "#/nothing"] {
        visit(&browser, &site, view);
        assert!(browser.text(".failure").contains("There is nothing here"), "{view}");
    }
    browser.screenshot("not-found");
    visit(&browser, &site, "");
    site.run(site.store.close()).unwrap();
    browser.click("#query");
    browser.keys("dough");
    assert!(browser.text(".failure").contains("shutting down"));
    assert!(browser.text(".failure button").contains("Try again"));
    assert_calm(&browser);
}

/// In the light and in the dark, on a desk and on a phone: nothing is cut off, nothing hinders; and the pictures for
/// people to look at.
#[test]
fn every_view_fits_and_can_be_read_by_all() {
    let (Some(browser), Some(axe)) = (Browser::start(), axe::source()) else { return };
    let site = Site::start();
    task(&site, "transcribe", "video/one");
    task(&site, "index", "video/two");
    let claimed = claim(&site, "transcribe");
    let token = claimed.lease.as_ref().unwrap().token;
    site.run(site.store.processing_tasks().report(claimed.id, token, Progress::new(40).unwrap())).unwrap();

    let mut problems = Vec::new();
    for (device, width, height, is_mobile) in [("desk", 1280, 900, false), ("phone", 360, 740, true)] {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_mobile});
        browser.chromium("Emulation.setDeviceMetricsOverride", &metrics);
        for scheme in ["light", "dark"] {
            set_scheme(&browser, scheme);
            for (name, view) in VIEWS {
                visit(&browser, &site, view);
                let at = format!("{name} on a {device} in the {scheme}");
                let wide = browser.run("return document.documentElement.scrollWidth").as_i64().unwrap();
                if wide > width {
                    problems.push(format!("{at}: {wide} pixels wide"));
                }
                let background = browser.run("return getComputedStyle(document.body).backgroundColor");
                let is_light = background.as_str().unwrap().starts_with("rgb(25");
                if is_light != (scheme == "light") {
                    problems.push(format!("{at}: the background is {background}"));
                }
                browser.screenshot(&format!("{name}-{device}-{scheme}"));
                problems
                    .extend(axe::findings(&browser, &axe).iter().map(|finding| format!("{at}: {finding:#}")));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_calm(&browser);
}
