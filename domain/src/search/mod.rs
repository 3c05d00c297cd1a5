//! (stub until the branch `search` lands)
use crate::Cue;
/// stub
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchQuery;
/// stub
pub fn find_in_text(_: &str, _: &SearchQuery) -> Vec<(usize, usize)> { Vec::new() }
/// stub
pub fn find_cues(_: &[Cue], _: &SearchQuery, _: usize) {}
