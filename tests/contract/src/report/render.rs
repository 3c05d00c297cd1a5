//! The forms of a [`Report`]: JSON, JUnit XML, a table in Markdown, and a badge.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::json;

use super::{CaseResult, Report, Status};
use crate::{AREAS, Strength};

impl Report {
    /// The whole report as JSON: `{"schema_version": 1, …, "cases": [{"id", "status", "message", …}, …]}`.
    pub fn to_json(&self) -> String {
        // A struct of texts and numbers always has a JSON form.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The report as JUnit XML: an area is a suite, a case a test. What was left out or is not applicable is
    /// `skipped`.
    pub fn to_junit(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let totals = self.totals;
        let name = escaped(&format!("tubeatlas contract {} on {}", self.contract, self.adapter));
        let counts = |cases: usize, fail: usize, error: usize, skipped: usize| {
            format!("tests=\"{cases}\" failures=\"{fail}\" errors=\"{error}\" skipped=\"{skipped}\"")
        };
        let all = counts(totals.cases, totals.fail, totals.error, totals.skip + totals.not_applicable);
        xml += &format!("<testsuites name=\"{name}\" {all}>\n");
        for (area, _) in AREAS {
            let cases: Vec<_> = self.cases.iter().filter(|case| case.area == *area).collect();
            let count = |status| self.count(area, status);
            let skipped = count(Status::Skip) + count(Status::NotApplicable);
            let of_area = counts(cases.len(), count(Status::Fail), count(Status::Error), skipped);
            xml += &format!("  <testsuite name=\"{area}\" {of_area}>\n");
            for case in cases {
                xml += &junit_case(case);
            }
            xml += "  </testsuite>\n";
        }
        xml + "</testsuites>\n"
    }

    /// The report as Markdown: how many rules of each area and strength hold, what does not, what was not tried, and
    /// the figures that rules noted.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# The contract on `{}`\n\n", self.adapter);
        let totals = self.totals;
        text += &format!(
            "Contract {}, seed {}: **{}**. {} cases (a rule on a runtime): {} passed, {} failed, {} skipped, \
             {} not applicable, {} could not be tried.\n\n",
            self.contract,
            self.seed,
            if self.passed() { "passed" } else { "not passed" },
            totals.cases,
            totals.pass,
            totals.fail,
            totals.skip,
            totals.not_applicable,
            totals.error,
        );
        text += "| area | must | should | stochastic | cases | pass | fail | skip | n.a. | error | ms |\n";
        text += "|---|---|---|---|---|---|---|---|---|---|---|\n";
        for (area, _) in AREAS {
            let cases: Vec<_> = self.cases.iter().filter(|case| case.area == *area).collect();
            let rules = |strength| {
                let of_strength = cases.iter().filter(|case| case.strength == strength);
                of_strength.map(|case| &case.id).collect::<BTreeSet<_>>().len()
            };
            let (must, should) = (rules(Strength::Must), rules(Strength::Should));
            let stochastic = rules(Strength::Stochastic);
            text += &format!(
                "| {} | {must} | {should} | {stochastic} | {} |",
                area.replace('_', " "),
                cases.len()
            );
            for status in [Status::Pass, Status::Fail, Status::Skip, Status::NotApplicable, Status::Error] {
                text += &format!(" {} |", self.count(area, status));
            }
            text += &format!(" {} |\n", cases.iter().map(|case| case.duration_ms).sum::<u64>());
        }
        let bad = |case: &&CaseResult| matches!(case.status, Status::Fail | Status::Error);
        for case in self.cases.iter().filter(bad) {
            let message = case.message.as_deref().unwrap_or_default();
            let _ = write!(text, "\n## {} {} ({})\n\n", case.id, case.status, case.flavour);
            text += &message.lines().map(|line| format!("    {line}\n")).collect::<String>();
        }
        text += &self.untried();
        for (area, _) in AREAS {
            text += &figures(area, &self.cases);
        }
        text
    }

    fn untried(&self) -> String {
        let mut text = String::new();
        for case in &self.cases {
            if let (Status::Skip | Status::NotApplicable, Some(reason)) = (case.status, &case.message) {
                text += &format!("- {} ({}): {}, {reason}\n", case.id, case.flavour, case.status);
            }
        }
        if text.is_empty() { text } else { format!("\n## What was not tried\n\n{text}") }
    }

    /// A badge, as the JSON that badge services take.
    pub fn to_badge(&self) -> String {
        let totals = self.totals;
        let (message, color) = match self.passed() {
            true if totals.skip == 0 => {
                (format!("{} of {} passed", totals.pass, totals.cases), "brightgreen")
            }
            true => (format!("{} passed, {} skipped", totals.pass, totals.skip), "yellow"),
            false => (format!("{} failed", totals.fail + totals.error), "red"),
        };
        let label = format!("tubeatlas contract {}", self.contract);
        format!("{}\n", json!({ "schemaVersion": 1, "label": label, "message": message, "color": color }))
    }
}

/// The figures that the rules of an area noted.
fn figures(area: &str, cases: &[CaseResult]) -> String {
    let noted: Vec<_> = cases.iter().filter(|case| case.area == area && !case.notes.is_empty()).collect();
    let names: BTreeSet<_> = noted.iter().flat_map(|case| case.notes.keys()).collect();
    if names.is_empty() {
        return String::new();
    }
    let mut text = format!("\n## Figures: {}\n\n| rule | | runtime |", area.replace('_', " "));
    text += &names.iter().map(|name| format!(" {name} |")).collect::<String>();
    text += &format!("\n|---|---|---|{}\n", "---|".repeat(names.len()));
    for case in noted {
        let _ = write!(text, "| {} | {} | {} |", case.id, case.title, case.flavour);
        for name in &names {
            let value = case.notes.get(*name).map(String::as_str).unwrap_or_default();
            let _ = write!(text, " {} |", value.replace('|', "\\|").replace('\n', " "));
        }
        text.push('\n');
    }
    text
}

fn junit_case(case: &CaseResult) -> String {
    // Whole milliseconds, as the seconds with a fraction that the format asks for.
    let time = format!("{}.{:03}", case.duration_ms / 1_000, case.duration_ms % 1_000);
    let name = escaped(&case.name);
    let mut xml = format!("    <testcase classname=\"{}\" name=\"{name}\" time=\"{time}\"", case.flavour);
    let message = escaped(case.message.as_deref().unwrap_or_default());
    xml += &match case.status {
        Status::Pass => "/>\n".to_owned(),
        Status::Fail => format!(">\n      <failure>{message}</failure>\n    </testcase>\n"),
        Status::Error => format!(">\n      <error>{message}</error>\n    </testcase>\n"),
        status => format!(">\n      <skipped message=\"{status}: {message}\"/>\n    </testcase>\n"),
    };
    xml
}

/// A text for XML 1.0, which has no control characters but white space.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => xml += "&amp;",
            '<' => xml += "&lt;",
            '>' => xml += "&gt;",
            '"' => xml += "&quot;",
            '\n' => xml += "&#10;",
            '\t' => xml += "&#9;",
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => xml.push('\u{fffd}'),
            other => xml.push(other),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::a_report;

    #[test]
    fn json_says_all_and_stays_in_its_form() {
        let json: serde_json::Value = serde_json::from_str(&a_report().to_json()).unwrap();
        assert_eq!(json["schema_version"], 1);
        assert_eq!(json["totals"]["fail"], 1);
        let case = &json["cases"][0];
        assert_eq!((&case["id"], &case["status"]), (&json!("CHN-C-001"), &json!("pass")));
        assert_eq!((&case["runtime"], &case["strength"]), (&json!("current_thread"), &json!("must")));
        assert_eq!(case["notes"]["polls"], "3");
        assert_eq!(json["cases"][2]["status"], "not_applicable");
    }

    #[test]
    fn junit_is_well_formed_whatever_a_message_holds() {
        let xml = a_report().to_junit();
        let tree = roxmltree::Document::parse(&xml).unwrap();
        let suites = tree.root_element();
        assert_eq!((suites.attribute("tests"), suites.attribute("failures")), (Some("4"), Some("1")));
        let text = |tag| tree.descendants().find(|node| node.has_tag_name(tag)).unwrap();
        assert_eq!(text("failure").text(), Some("<&\"]]>\u{fffd}\nü"));
        assert_eq!(text("skipped").attribute("message"), Some("not applicable: no index"));
        assert_eq!(text("error").text(), Some("no server"));
    }

    #[test]
    fn markdown_shows_what_failed_what_was_not_tried_and_the_figures() {
        let text = a_report().to_markdown();
        for part in [
            "**not passed**",
            "| channels | 2 | 0 | 0 | 2 | 1 | 1 | 0 | 0 | 0 |",
            "## CHN-C-002 fail (multi_thread)",
            "- SEA-F-001 (current_thread): not applicable, no index",
            "| CHN-C-001 | Create stamps the clocks time | current_thread | 3 |",
        ] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }

    #[test]
    fn a_badge_is_green_only_for_all() {
        let mut report = a_report();
        assert!(report.to_badge().contains("\"2 failed\"") && report.to_badge().contains("\"red\""));
        (report.totals.fail, report.totals.error) = (0, 0);
        assert!(report.to_badge().contains("brightgreen"));
        report.totals.skip = 1;
        assert!(report.to_badge().contains("yellow"));
        report.totals.pass = 0;
        assert!(report.to_badge().contains("red"), "nothing tried is not green");
    }
}
