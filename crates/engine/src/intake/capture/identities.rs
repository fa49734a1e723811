//! Which ids are there and which are known, by ranges: ids are read only where the counts differ. Pure.

use std::collections::BTreeSet;

use model::limit::CAPTURE_IDS_MAX;

/// LIMIT: ids of one range; reading them all costs Odoo a tenth of a second.
pub(super) const RANGE: u64 = CAPTURE_IDS_MAX as u64;
/// LIMIT: ranges of one look. With the tail, which says whether that was all, a look is as many small reads and one more.
const RANGES: u64 = 20;

/// Where ids end: Odoo keeps them as 32-bit integers, and its database refuses to compare them with more.
const END: u64 = i32::MAX.unsigned_abs() as u64;

/// The ranges of a look from an id on; the last one goes to the end of all ids.
pub(super) fn ranges(from: u64) -> Vec<(u64, u64)> {
    let ends = (0..=RANGES).map(|index| {
        let to = if index == RANGES { END } else { from + (index + 1) * RANGE };
        (from + index * RANGE, to)
    });
    ends.filter(|(from, _)| *from < END).map(|(from, to)| (from, to.min(END))).collect()
}

/// All ids.
pub(super) const ALL: (u64, u64) = (0, END);

/// What the counts of a look say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Compared {
    /// Ranges in which there are not as many as are known.
    pub(super) differ: Vec<(u64, u64)>,
    /// Ranges in which there are any, or are known.
    pub(super) within: Vec<(u64, u64)>,
    /// Where the next look begins, where this was not all.
    pub(super) next: Option<u64>,
}

/// Compares the counts there with those that are known, range by range.
pub(super) fn compare(ranges: &[(u64, u64)], there: &[u64], known: &[u64]) -> Compared {
    let pairs = || ranges.iter().zip(there.iter().zip(known));
    let tail = pairs().next_back();
    let next = tail.filter(|(_, (there, known))| **there + **known > 0).map(|(range, _)| range.0);
    let within = || pairs().take(ranges.len().saturating_sub(1));
    let differ = within().filter(|(_, (there, known))| there != known).map(|(range, _)| *range).collect();
    let within = within().filter(|(_, (there, known))| **there + **known > 0).map(|(range, _)| *range).collect();
    Compared { differ, within, next }
}

/// Ids that are on one side only.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Apart {
    /// Known, and not shown any more.
    pub(super) missing: Vec<u64>,
    /// Shown, and not known.
    pub(super) unknown: Vec<u64>,
}

impl Apart {
    /// How many.
    pub(super) fn len(&self) -> usize {
        self.missing.len() + self.unknown.len()
    }

    /// These as well.
    pub(super) fn append(&mut self, other: Self) {
        self.missing.extend(other.missing);
        self.unknown.extend(other.unknown);
    }

    /// Leaves at most so many, and answers how many of each kind went.
    pub(super) fn cut(&mut self, most: usize) -> (usize, usize) {
        let all = (self.missing.len(), self.unknown.len());
        self.missing.truncate(most);
        self.unknown.truncate(most - self.missing.len());
        (all.0 - self.missing.len(), all.1 - self.unknown.len())
    }
}

/// The ids that are on one side only.
pub(super) fn apart(there: &[u64], known: &[u64]) -> Apart {
    let (there, known): (BTreeSet<u64>, BTreeSet<u64>) = (there.iter().copied().collect(), known.iter().copied().collect());
    Apart { missing: known.difference(&there).copied().collect(), unknown: there.difference(&known).copied().collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_look_ends_where_nothing_is_beyond() {
        let ranges = ranges(0);
        assert_eq!((ranges.len(), ranges[0], ranges[20].0), (21, (0, 10_000), 200_000));
        let mut there = vec![0; 21];
        let mut known = vec![0; 21];
        there[0] = 5;
        known[0] = 5;
        known[3] = 1;
        let (first, differs) = ((0, 10_000), (30_000, 40_000));
        let expected = Compared { differ: vec![differs], within: vec![first, differs], next: None };
        assert_eq!(compare(&ranges, &there, &known), expected);
        known[20] = 1;
        assert_eq!(compare(&ranges, &there, &known).next, Some(200_000));
    }

    #[test]
    fn what_is_on_one_side_only_is_found() {
        assert_eq!(apart(&[1, 3, 4], &[1, 2, 4]), Apart { missing: vec![2], unknown: vec![3] });
        assert_eq!(apart(&[], &[]), Apart::default());
        let mut apart = apart(&[7, 8, 9], &[1, 2]);
        assert_eq!((apart.cut(3), &apart), ((0, 2), &Apart { missing: vec![1, 2], unknown: vec![7] }));
        assert_eq!((apart.cut(1), &apart), ((1, 1), &Apart { missing: vec![1], unknown: vec![] }));
    }
}
