//! What the last previews of this process would have sent, so that an order on live keys sends what is left of it. Lost with
//! the process: then an order needs the very set that was previewed.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use model::Digest;
use model::limit::PREVIEWED_MAX;

/// A preview's digest and the marks of what it would have sent, in their order.
type Remembered = (Digest, Arc<[u64]>);

/// The last previews.
#[derive(Debug, Default)]
pub struct Previews {
    remembered: Mutex<VecDeque<Remembered>>,
}

impl Previews {
    /// Remembers a preview, and forgets the oldest above [`PREVIEWED_MAX`] marks; the last one stays, whatever its size.
    pub fn remember(&self, digest: Digest, marks: Vec<u64>) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.retain(|(other, _)| *other != digest);
        remembered.push_back((digest, Arc::from(marks)));
        // An empty one takes room too.
        let weight = |(_, marks): &Remembered| marks.len() + 1;
        while remembered.len() > 1 && remembered.iter().map(weight).sum::<usize>() > PREVIEWED_MAX {
            remembered.pop_front();
        }
    }

    /// The marks of a preview that is remembered.
    pub fn find(&self, digest: Digest) -> Option<Arc<[u64]>> {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        remembered.iter().find(|(other, _)| *other == digest).map(|(_, marks)| Arc::clone(marks))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_the_last_stays() {
        let (previews, digest) = (Previews::default(), |n: u8| Digest::of(&[n]));
        previews.remember(digest(1), vec![1, 2]);
        previews.remember(digest(2), vec![3]);
        assert_eq!(previews.find(digest(1)).as_deref(), Some(&[1, 2][..]));
        previews.remember(digest(3), vec![7; PREVIEWED_MAX + 1]);
        assert!(previews.find(digest(1)).is_none() && previews.find(digest(2)).is_none());
        assert!(previews.find(digest(3)).is_some());
    }
}
