//! What one run of an import has heard of the channels.
//!
//! Each video's document repeats what was known of its channel when it was downloaded, and they differ. So that
//! the same archive always gives the same channel, and a second run changes nothing: of each field the first
//! document that has it counts, and what no document has stays as it is in the store.

use std::collections::{BTreeMap, HashMap};

use tubeatlas_domain::{Channel, ChannelFields, ChannelId};
use tubeatlas_ports::{Error, Repositories, Result, Stored, Upserted, Visibility};

use super::report::Counts;

/// What became of a channel in this run; what is further down outweighs what stands before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Outcome {
    Unchanged,
    Updated,
    Created,
}

/// A channel as this run has heard of it, and what became of it.
pub(super) type Heard = (ChannelFields, Outcome);

#[derive(Debug, Default)]
pub(super) struct Ledger(HashMap<ChannelId, Heard>);

impl Ledger {
    /// Writes what the run has heard of these channels, earlier batches included.
    pub(super) async fn write<'a>(
        &self,
        unit: &dyn Repositories,
        channels: impl Iterator<Item = &'a Channel>,
    ) -> Result<Vec<Heard>> {
        let mut heard: BTreeMap<ChannelId, ChannelFields> = BTreeMap::new();
        for channel in channels {
            let fields = heard.entry(channel.id.clone()).or_insert_with(|| {
                self.0.get(&channel.id).map_or_else(|| (**channel).clone(), |(fields, _)| fields.clone())
            });
            fill(fields, channel);
        }
        if heard.is_empty() {
            return Ok(Vec::new());
        }
        let ids: Vec<ChannelId> = heard.keys().cloned().collect();
        let stored = unit.channels().get_many(&ids, Visibility::WithDeleted).await?;
        let merged = heard.values().zip(&stored).map(|(heard, stored)| merged(heard, stored.as_ref()));
        let merged: Vec<Channel> = merged.collect::<Result<_>>()?;
        let upserted = unit.channels().upsert_many(&merged).await?;
        Ok(heard.into_values().zip(upserted.iter().map(outcome)).collect())
    }

    /// Notes what was committed.
    pub(super) fn book(&mut self, channels: Vec<Heard>) {
        for (fields, outcome) in channels {
            let before = self.0.get(&fields.id).map_or(Outcome::Unchanged, |(_, before)| *before);
            self.0.insert(fields.id.clone(), (fields, outcome.max(before)));
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let count = |wanted| self.0.values().filter(|(_, outcome)| *outcome == wanted).count() as u64;
        Counts {
            created: count(Outcome::Created),
            updated: count(Outcome::Updated),
            unchanged: count(Outcome::Unchanged),
        }
    }
}

fn merged(heard: &ChannelFields, stored: Option<&Stored<Channel>>) -> Result<Channel> {
    let mut fields = heard.clone();
    if let Some(stored) = stored {
        fill(&mut fields, stored);
    }
    Channel::new(fields).map_err(Error::Invalid)
}

/// Fills what is absent in `fields` from `other`.
fn fill(fields: &mut ChannelFields, other: &ChannelFields) {
    if fields.title.is_empty() {
        fields.title.clone_from(&other.title);
    }
    fields.handle = fields.handle.take().or_else(|| other.handle.clone());
    fields.url = fields.url.take().or_else(|| other.url.clone());
}

fn outcome(upserted: &Upserted<Channel>) -> Outcome {
    match upserted {
        Upserted::Created(_) => Outcome::Created,
        Upserted::Updated(_) => Outcome::Updated,
        Upserted::Unchanged(_) | Upserted::LeftDeleted => Outcome::Unchanged,
    }
}
