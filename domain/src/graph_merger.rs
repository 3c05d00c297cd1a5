//! [`GraphMerger`]: one graph out of what several models, files or videos said.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use unicode_normalization::UnicodeNormalization;

use crate::error::ValidationError;
use crate::search::normalised;
use crate::video::MAX_LABEL_BYTES;
use crate::{GraphEntity, GraphRelation, MAX_GRAPH_NAME_BYTES, validate};

/// The signs that make another name of the same letters: C, C++ and C# are three languages, 5 and 5 % two amounts.
const SIGNS: [char; 7] = ['+', '#', '%', '$', '€', '£', '¥'];

/// A name as it is compared with others: its words as search [normalises](normalised) them, so that case, width,
/// accents and punctuation do not count (`Co-Pilot` is `co pilot`, `WORKS_AT` is `works at`), and its signs `+ # % $ € £ ¥`.
/// A name without any of these, as an emoji, is compared as it stands.
///
/// ```
/// use tubeatlas_domain::graph_key;
///
/// assert_eq!(graph_key("São-Paulo"), graph_key("SAO PAULO"));
/// assert_ne!(graph_key("C++"), graph_key("C#"));
/// ```
#[must_use]
pub fn graph_key(name: &str) -> String {
    let mut key = normalised(name);
    let signs: String = name.nfkc().filter(|c| SIGNS.contains(c)).collect();
    if !signs.is_empty() {
        key = format!("{key} {signs}");
    }
    if key.is_empty() { name.trim().to_owned() } else { key }
}

/// Puts entities and relations together so that each is there once.
///
/// Names that have the same [`graph_key`] are one entity, under the spelling that came first; so are predicates between the
/// same two entities. An entity's kind is the first that was told. The order is that in which things came, so that
/// the same input makes the same graph.
#[derive(Debug, Clone, Default)]
pub struct GraphMerger {
    entities: Vec<GraphEntity>,
    relations: Vec<GraphRelation>,
    places: HashMap<String, usize>,
    known: HashSet<(usize, String, usize)>,
    spellings: BTreeMap<String, BTreeSet<String>>,
    repeated: u64,
}

impl GraphMerger {
    /// Adds an entity.
    ///
    /// # Errors
    /// If its name (field `name`) or kind (`kind`) is none that a graph can hold; nothing is added then.
    pub fn add_entity(&mut self, entity: &GraphEntity) -> Result<(), ValidationError> {
        check("name", entity)?;
        self.place(entity);
        Ok(())
    }

    /// Adds a relation, and the entities at its ends.
    ///
    /// # Errors
    /// If one of the three (fields `subject`, `predicate`, `object`) is none that a graph can hold; nothing is added then.
    pub fn add_relation(
        &mut self,
        subject: &GraphEntity,
        predicate: &str,
        object: &GraphEntity,
    ) -> Result<(), ValidationError> {
        check("subject", subject)?;
        validate::non_empty_text("predicate", predicate.trim(), MAX_GRAPH_NAME_BYTES)?;
        check("object", object)?;
        let (subject, object) = (self.place(subject), self.place(object));
        if self.known.insert((subject, graph_key(predicate), object)) {
            self.relations.push(GraphRelation {
                subject: self.entities[subject].name.clone(),
                predicate: predicate.trim().to_owned(),
                object: self.entities[object].name.clone(),
            });
        } else {
            self.repeated += 1;
        }
        Ok(())
    }

    fn place(&mut self, entity: &GraphEntity) -> usize {
        let name = entity.name.trim();
        let kind = entity.kind.as_deref().map(str::trim).filter(|kind| !kind.is_empty());
        let place = *self.places.entry(graph_key(name)).or_insert(self.entities.len());
        match self.entities.get_mut(place) {
            None => self.entities.push(GraphEntity { name: name.to_owned(), kind: kind.map(str::to_owned) }),
            Some(known) => {
                if known.kind.is_none() {
                    known.kind = kind.map(str::to_owned);
                }
                if known.name != name {
                    self.spellings.entry(known.name.clone()).or_default().insert(name.to_owned());
                }
            }
        }
        place
    }

    /// The entities, each once.
    pub fn entities(&self) -> &[GraphEntity] {
        &self.entities
    }

    /// The relations, each once.
    pub fn relations(&self) -> &[GraphRelation] {
        &self.relations
    }

    /// The other spellings of names that became one entity, by the name that was kept.
    pub fn spellings(&self) -> &BTreeMap<String, BTreeSet<String>> {
        &self.spellings
    }

    /// How many relations were added that were there already.
    pub fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Entities and relations, as the fields of a graph.
    pub fn into_parts(self) -> (Vec<GraphEntity>, Vec<GraphRelation>) {
        (self.entities, self.relations)
    }
}

fn check(field: &str, entity: &GraphEntity) -> Result<(), ValidationError> {
    validate::non_empty_text(field, entity.name.trim(), MAX_GRAPH_NAME_BYTES)?;
    validate::optional_text("kind", entity.kind.as_deref(), MAX_LABEL_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entity(name: &str) -> GraphEntity {
        GraphEntity { name: name.into(), kind: None }
    }

    fn names(merger: &GraphMerger) -> Vec<&str> {
        merger.entities().iter().map(|it| it.name.as_str()).collect()
    }

    #[test]
    fn names_that_readers_take_for_one_are_one() {
        for same in [
            ["MIT", "mit"],
            ["São Paulo", "SAO PAULO"],
            ["Co-Pilot", "co pilot"],
            ["ＧＰＴ", "gpt"],
            ["WORKS_AT", "works at"],
            ["Straße", "STRASSE"],
            ["C＋＋", "c++"],
            [" 🙂 ", "🙂"],
        ] {
            assert_eq!(graph_key(same[0]), graph_key(same[1]), "{same:?}");
        }
        for other in [["C", "C++"], ["C++", "C#"], ["5", "5%"], ["🙂", "🙁"], ["15", "1.5"], ["が", "か"]]
        {
            assert_ne!(graph_key(other[0]), graph_key(other[1]), "{other:?}");
        }
    }

    #[test]
    fn everything_is_there_once_and_the_first_spelling_stays() {
        let mut merger = GraphMerger::default();
        merger.add_relation(&entity("Ann"), "works at", &entity(" MIT ")).unwrap();
        merger.add_relation(&entity("ANN"), "WORKS_AT", &entity("mit")).unwrap();
        merger.add_relation(&entity("MIT"), "employs", &entity("Ann")).unwrap();
        let of_a_kind = |kind: &str| GraphEntity { name: "ann".into(), kind: Some(kind.into()) };
        merger.add_entity(&of_a_kind(" ")).unwrap();
        merger.add_entity(&of_a_kind("person")).unwrap();
        merger.add_entity(&of_a_kind("robot")).unwrap();
        assert_eq!(names(&merger), ["Ann", "MIT"]);
        assert_eq!(merger.entities()[0].kind.as_deref(), Some("person"));
        let relations: Vec<_> = merger.relations().iter().map(|it| it.predicate.as_str()).collect();
        assert_eq!((relations, merger.repeated()), (vec!["works at", "employs"], 1));
        let spellings: Vec<_> = merger.spellings()["Ann"].iter().map(String::as_str).collect();
        assert_eq!(spellings, ["ANN", "ann"]);
    }

    #[test]
    fn what_is_refused_adds_nothing() {
        let mut merger = GraphMerger::default();
        let long = "x".repeat(MAX_GRAPH_NAME_BYTES + 1);
        for (subject, predicate, object, field) in [
            ("", "is", "b", "subject"),
            ("a", " ", "b", "predicate"),
            ("a", "is", "b\0", "object"),
            ("a", "is", long.as_str(), "object"),
        ] {
            let error = merger.add_relation(&entity(subject), predicate, &entity(object)).unwrap_err();
            assert_eq!(error.field(), field);
        }
        assert_eq!(merger.add_entity(&entity(" ")).unwrap_err().field(), "name");
        assert!(merger.entities().is_empty() && merger.relations().is_empty());
    }
}
