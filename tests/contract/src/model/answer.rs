//! Answers, in a form in which those of the model and those of a store can be compared.

use std::collections::BTreeMap;
use std::fmt::{Debug, Write};

use tubeatlas_domain::{
    Channel, KnowledgeGraph, KnowledgeGraphSummary, LeaseToken, MediaFile, Playlist, PlaylistSummary,
    ProcessingTask, SourceFile, Transcript, TranscriptSummary, Video,
};
use tubeatlas_ports::{Conflict, Error, Page, Result, Revision, SearchHit, Stored, Upserted};
use uuid::Uuid;

/// An answer: all that is in it as text, but for what each store chooses by itself, which stands beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) text: String,
    pub(super) revisions: Vec<Revision>,
    pub(super) tokens: Vec<LeaseToken>,
    /// A unit of work gave way to others.
    pub(super) gave_way: bool,
}

impl Answer {
    pub(super) fn of(what: &impl Show) -> Self {
        let mut answer = Self::default();
        what.show(&mut answer);
        answer
    }

    /// Something that the sequence itself says.
    pub(super) fn said(text: &str) -> Self {
        Self { text: text.to_owned(), ..Self::default() }
    }

    /// Another part of the same answer.
    pub(super) fn and(&mut self, what: &impl Show) {
        self.say("; ");
        what.show(self);
    }

    fn say(&mut self, text: &str) {
        self.text.push_str(text);
    }

    fn debug(&mut self, what: &impl Debug) {
        // Writing to a text does not fail.
        let _ = write!(self.text, "{what:?}");
    }
}

/// What can be part of an answer.
pub(super) trait Show {
    fn show(&self, answer: &mut Answer);
}

macro_rules! shown_as_it_is {
    ($($type:ty)*) => {
        $(impl Show for $type {
            fn show(&self, answer: &mut Answer) {
                answer.debug(self);
            }
        })*
    };
}

shown_as_it_is! {
    () bool u64
    Channel Video Transcript TranscriptSummary KnowledgeGraph KnowledgeGraphSummary MediaFile Playlist PlaylistSummary SearchHit SourceFile
}

impl Show for ProcessingTask {
    fn show(&self, answer: &mut Answer) {
        let mut fields = self.clone().into_fields();
        if let Some(lease) = &mut fields.lease {
            answer.tokens.push(std::mem::replace(&mut lease.token, LeaseToken::new(Uuid::nil())));
        }
        answer.debug(&fields);
    }
}

impl<E: Show> Show for Stored<E> {
    fn show(&self, answer: &mut Answer) {
        let Self { entity, created_at, updated_at, revision, deleted_at } = self;
        entity.show(answer);
        answer.revisions.push(*revision);
        answer.say(" created ");
        answer.debug(created_at);
        answer.say(" updated ");
        answer.debug(updated_at);
        answer.say(" deleted ");
        answer.debug(deleted_at);
    }
}

impl<T: Show> Show for Option<T> {
    fn show(&self, answer: &mut Answer) {
        match self {
            Some(value) => value.show(answer),
            None => answer.say("nothing"),
        }
    }
}

impl<T: Show> Show for Vec<T> {
    fn show(&self, answer: &mut Answer) {
        answer.say("[");
        for value in self {
            value.show(answer);
            answer.say(", ");
        }
        answer.say("]");
    }
}

impl<T: Show> Show for Page<T> {
    fn show(&self, answer: &mut Answer) {
        self.items.show(answer);
        answer.say(if self.next.is_some() { " and more" } else { " and no more" });
    }
}

impl<E: Show> Show for Upserted<E> {
    fn show(&self, answer: &mut Answer) {
        answer.say(match self {
            Self::Created(_) => "Created ",
            Self::Updated(_) => "Updated ",
            Self::Unchanged(_) => "Unchanged ",
            Self::LeftDeleted => "LeftDeleted ",
        });
        if let Some(stored) = self.stored() {
            stored.show(answer);
        }
    }
}

/// Errors by variant and fields, but for texts that are each adapter's own.
impl Show for Error {
    fn show(&self, answer: &mut Answer) {
        match self {
            Self::Invalid(error) => {
                answer.say("Invalid: ");
                answer.say(error.field());
            }
            Self::ReadOnly { .. } => answer.say("ReadOnly"),
            Self::Closed { .. } => answer.say("Closed"),
            Self::Unsupported { .. } => answer.say("Unsupported"),
            Self::Conflict(Conflict::Revision { entity, key, expected, actual }) => {
                answer.revisions.extend([*expected, *actual]);
                answer.say("Conflict::Revision of ");
                answer.debug(&(entity, key));
            }
            Self::Conflict(Conflict::Serialization) => {
                answer.gave_way = true;
                answer.debug(self);
            }
            // The rest is compared whole; what the model never answers is a difference in any case.
            _ => answer.debug(self),
        }
    }
}

impl<T: Show> Show for Result<T> {
    fn show(&self, answer: &mut Answer) {
        match self {
            Ok(value) => value.show(answer),
            Err(error) => {
                answer.say("refused: ");
                error.show(answer);
            }
        }
    }
}

/// Which revision and which token of a store is which of the model.
#[derive(Debug, Clone, Default)]
pub(super) struct Links {
    revisions: BTreeMap<Revision, Revision>,
    tokens: BTreeMap<LeaseToken, LeaseToken>,
}

/// How an answer differs: what was expected, and what was observed.
pub(super) type Difference = (String, String);

impl Links {
    /// That a store answered what the model did: the same, and revisions in the same order.
    pub(super) fn agree(&mut self, expected: &Answer, observed: &Answer) -> Result<(), Difference> {
        if expected.text != observed.text
            || expected.revisions.len() != observed.revisions.len()
            || expected.tokens.len() != observed.tokens.len()
        {
            return Err((expected.text.clone(), observed.text.clone()));
        }
        let revisions = expected.revisions.iter().zip(&observed.revisions);
        revisions.into_iter().try_for_each(|(model, store)| self.link_revision(*model, *store))?;
        let tokens = expected.tokens.iter().zip(&observed.tokens);
        tokens.into_iter().try_for_each(|(model, store)| self.link_token(*model, *store))
    }

    fn link_revision(&mut self, model: Revision, store: Revision) -> Result<(), Difference> {
        if let Some(known) = self.revisions.get(&model) {
            return match *known == store {
                true => Ok(()),
                false => Err((format!("the unchanged revision {known}"), format!("revision {store}"))),
            };
        }
        let before = self.revisions.range(..model).next_back();
        let after = self.revisions.range(model..).next();
        if let Some((_, before)) = before.filter(|(_, before)| **before >= store) {
            let expected = format!("a revision larger than {before}, which an earlier change has");
            return Err((expected, format!("revision {store}")));
        }
        if let Some((_, after)) = after.filter(|(_, after)| **after <= store) {
            let expected = format!("a revision smaller than {after}, which a later change has");
            return Err((expected, format!("revision {store}")));
        }
        self.revisions.insert(model, store);
        Ok(())
    }

    fn link_token(&mut self, model: LeaseToken, store: LeaseToken) -> Result<(), Difference> {
        let known = self.tokens.get(&model).copied();
        let fits = match known {
            Some(known) => known == store,
            None => !self.tokens.values().any(|other| *other == store),
        };
        if !fits {
            let expected = known.map_or("a new token".to_owned(), |known| format!("the token {known}"));
            return Err((expected, format!("the token {store}")));
        }
        self.tokens.insert(model, store);
        Ok(())
    }
}
