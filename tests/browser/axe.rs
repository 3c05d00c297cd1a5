//! The rules of accessibility that a program can check: [axe-core](https://github.com/dequelabs/axe-core).

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::webdriver::{Browser, missing};

/// The program that checks; `None` if it was not installed, which is said once.
pub(crate) fn source() -> Option<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_modules/axe-core/axe.min.js");
    let source = fs::read_to_string(path).ok();
    if source.is_none() {
        missing("there is no axe-core; `npm ci --prefix tests/browser` installs it");
    }
    source
}

/// What of the page hinders people seriously, or wholly.
pub(crate) fn findings(browser: &Browser, source: &str) -> Vec<Value> {
    browser.run(source);
    let found = browser.run_async(
        "const done = arguments[arguments.length - 1];
         axe.run(document, {resultTypes: ['violations']}).then(({violations}) => done(violations.map((one) => ({
            rule: one.id, impact: one.impact, help: one.help,
            nodes: one.nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`),
         }))), (error) => done([{rule: 'axe itself', impact: 'critical', help: String(error)}]));",
    );
    let is_serious = |finding: &&Value| {
        ["serious", "critical"].contains(&finding["impact"].as_str().unwrap_or("critical"))
    };
    found.as_array().unwrap().iter().filter(is_serious).cloned().collect()
}
