//! (under construction)
mod cue;
pub use cue::Cue;
