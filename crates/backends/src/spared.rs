//! The latest records that somebody asked to be kept, so that a removal which was decided before that spares them.
//!
//! It lives as long as the process that removes: a removal that was decided in an earlier one never arrives.

use std::collections::{BTreeSet, VecDeque};

use engine::ports::Mark;
use model::limit::SPARED_MAX;
use model::{Offset, Partition, Position};

/// The latest records that are spared, in the order in which they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Spared {
    asked: u64,
    latest: VecDeque<Position>,
}

impl Spared {
    /// Now.
    pub(crate) const fn mark(&self) -> Mark {
        Mark(self.asked)
    }

    /// Spares a record from what was decided before.
    pub(crate) fn add(&mut self, position: Position) {
        self.asked += 1;
        self.latest.push_back(position);
        if self.latest.len() > SPARED_MAX {
            self.latest.pop_front();
        }
    }

    /// What is spared in a partition from a removal that was decided as of then; `None` where that is too long ago to tell.
    pub(crate) fn since(&self, as_of: Mark, partition: Partition) -> Option<BTreeSet<Offset>> {
        let newer = usize::try_from(self.asked.checked_sub(as_of.0)?).ok()?;
        let known = self.latest.len().checked_sub(newer)?;
        let inside = self.latest.iter().skip(known).filter(|at| at.partition == partition);
        Some(inside.map(|at| at.offset).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(partition: u16, offset: u64) -> Position {
        Position { partition: Partition(partition), offset: Offset(offset) }
    }

    #[test]
    fn what_was_asked_for_since_is_spared_and_nothing_else() {
        let mut spared = Spared::default();
        spared.add(at(0, 1));
        let then = spared.mark();
        spared.add(at(0, 7));
        spared.add(at(1, 8));
        let offsets = |mark, partition| spared.since(mark, Partition(partition)).map(Vec::from_iter);
        assert_eq!(offsets(Mark(0), 0), Some(vec![Offset(1), Offset(7)]));
        assert_eq!(offsets(then, 0), Some(vec![Offset(7)]));
        assert_eq!(offsets(then, 1), Some(vec![Offset(8)]));
        assert_eq!(offsets(spared.mark(), 0), Some(vec![]));
    }

    #[test]
    fn what_is_too_long_ago_or_of_another_life_is_not_told() {
        let mut spared = Spared::default();
        for offset in 0..=SPARED_MAX as u64 {
            spared.add(at(0, offset));
        }
        assert_eq!(spared.since(Mark(0), Partition(0)), None, "one more than it remembers");
        assert_eq!(spared.since(Mark(1), Partition(0)).map(|offsets| offsets.len()), Some(SPARED_MAX));
        assert_eq!(spared.since(Mark(u64::MAX), Partition(0)), None);
    }
}
