//! [`Operation`]: one call of one client, as it was recorded.

/// One call of one client.
#[derive(Debug, Clone)]
pub(crate) struct Operation<C, A> {
    /// The client's number.
    pub(crate) client: usize,
    /// What was asked.
    pub(crate) call: C,
    /// When it was made. Moments are numbers that no two events of a history share.
    pub(crate) made: u64,
    /// The answer, and when it came. None if the call was cancelled: nobody knows what became of it.
    pub(crate) answered: Option<(u64, A)>,
}

impl<C, A> Operation<C, A> {
    /// The answer, if there was one.
    pub(crate) fn answer(&self) -> Option<&A> {
        self.answered.as_ref().map(|(_, answer)| answer)
    }

    /// The end of its interval.
    pub(crate) fn end(&self) -> u64 {
        self.answered.as_ref().map_or(u64::MAX, |(end, _)| *end)
    }

    /// Whether there was a moment at which both were under way.
    pub(crate) fn overlaps<D, B>(&self, other: &Operation<D, B>) -> bool {
        self.made < other.end() && other.made < self.end()
    }
}

/// Orders a history by when its calls were made, as the checker and the reader want it.
pub(crate) fn sort<C, A>(history: &mut [Operation<C, A>]) {
    history.sort_by_key(|operation| operation.made);
}
