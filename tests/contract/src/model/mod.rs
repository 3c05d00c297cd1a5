//! A model of the whole catalogue, and sequences of calls that a store and the model answer in lockstep.
//!
//! The [`store::ModelStore`] is a store as well, made for being read and not for being fast: maps, and the
//! sentences of the ports as code. A [`sequence::Plan`] of calls over a handful of ids comes out of a seed; the
//! [`lockstep::Lockstep`] makes each call on both and compares the answers; what differs is made as short as it
//! can be by [`explore`].

mod answer;
mod call;
mod catalogue;
mod draws;
mod explore;
mod lockstep;
mod regressions;
mod sequence;
mod side;
mod store;
#[cfg(test)]
mod tests;
mod universe;

pub(crate) use draws::Focus;
pub(crate) use explore::explore;
