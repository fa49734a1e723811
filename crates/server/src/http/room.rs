//! Room for the bodies of requests that are being received or judged. It counts bytes that have arrived, not those that
//! a request promises: a promise costs its sender nothing.

use std::sync::atomic::{AtomicUsize, Ordering};

use model::limit::BODIES_BYTES_MAX;

/// The room of a process.
#[derive(Debug, Default)]
pub struct Room {
    taken: AtomicUsize,
}

/// What one request takes of it; given back when dropped.
#[derive(Debug)]
pub struct Held<'a> {
    room: &'a Room,
    bytes: usize,
}

/// There is no room for more now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom;

impl Room {
    /// Nothing yet, for one request.
    pub fn hold(&self) -> Held<'_> {
        Held { room: self, bytes: 0 }
    }
}

impl Held<'_> {
    /// Takes so many bytes more.
    pub fn take(&mut self, bytes: usize) -> Result<(), NoRoom> {
        let before = self.room.taken.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        if before.saturating_add(bytes) > BODIES_BYTES_MAX { Err(NoRoom) } else { Ok(()) }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.room.taken.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_back_can_be_taken_again() {
        let room = Room::default();
        let mut one = room.hold();
        assert_eq!(one.take(BODIES_BYTES_MAX), Ok(()));
        let mut other = room.hold();
        assert_eq!(other.take(1), Err(NoRoom));
        drop(one);
        assert_eq!(other.take(1), Ok(()));
        drop(other);
        assert_eq!(room.hold().take(BODIES_BYTES_MAX), Ok(()));
    }
}
