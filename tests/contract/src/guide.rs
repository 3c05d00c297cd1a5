#![doc = include_str!("../docs/writing-an-adapter.md")]

#[cfg(test)]
mod tests {
    use crate::{Capability, RULES};

    const GUIDE: &str = include_str!("../docs/writing-an-adapter.md");

    /// What stands between back-ticks.
    fn quoted() -> impl Iterator<Item = &'static str> {
        GUIDE.split('`').skip(1).step_by(2)
    }

    /// A later block of the guide uses the code of an earlier one from a file of its own.
    #[test]
    fn the_repository_that_is_not_written_yet_is_the_same_in_both_places() {
        assert!(GUIDE.contains(include_str!("../docs/not_yet.rs")));
    }

    #[test]
    fn it_names_the_version_that_it_is_published_with() {
        let version = env!("CARGO_PKG_VERSION").rsplit_once('.').unwrap().0;
        for name in ["tubeatlas-domain", "tubeatlas-ports", "tubeatlas-contract"] {
            let line = format!("{name} = \"{version}\"");
            assert!(GUIDE.contains(&line), "{line}");
        }
    }

    #[test]
    fn the_parts_of_test_names_that_it_gives_select_rules() {
        let parts: Vec<_> =
            quoted().filter(|text| text.starts_with("must_") || text.starts_with('_')).collect();
        for part in &parts {
            let name = part.split(' ').next().unwrap().trim_end_matches('…');
            assert!(RULES.iter().any(|rule| rule.name().contains(name)), "{part}");
        }
        for rule in RULES.iter().filter(|rule| rule.area() != "capabilities") {
            let id = rule.id().to_lowercase();
            let area = format!("_{}_", &id[..3]);
            assert!(
                parts.iter().any(|part| part.contains(&area[1..])),
                "the guide leaves out {}",
                rule.area()
            );
        }
    }

    #[test]
    fn it_names_every_capability() {
        for capability in Capability::ALL {
            assert!(quoted().any(|text| text == capability.to_string()), "{capability}");
        }
    }
}
