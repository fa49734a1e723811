//! Names to addresses, through the guard: a connection is only tried to an address that was judged here.
//!
//! The HTTP client does not ask a resolver about hosts that are addresses already; [`super::request`] judges those.

use std::error::Error;
use std::fmt;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use model::Network;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;

use super::guard::permitted;

/// LIMIT: addresses of one name that are tried; a real service has a handful.
const ADDRESSES_MAX: usize = 16;
/// LIMIT: lookups of one destination at once. A lookup cannot be stopped and holds one of the process's blocking threads
/// until the system gives up, so a dead name server must not collect them all.
const LOOKUPS_MAX: usize = 4;
/// LIMIT: the wait for one lookup; less than the time for a connection, so that a silent name server is told apart.
const LOOKUP_TIMEOUT: Duration = Duration::from_secs(4);

/// Why a name led to no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It has none, or the name server did not answer.
    NoAddress,
    /// It has only such as the destination may not reach.
    Forbidden,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAddress => "the name does not resolve",
            Self::Forbidden => "the name resolves to addresses that the destination may not reach",
        })
    }
}

impl Error for Refusal {}

/// The resolver of one client.
#[derive(Debug)]
pub(super) struct GuardedResolver {
    allow: Arc<[Network]>,
    lookups: Arc<Semaphore>,
}

impl GuardedResolver {
    pub(super) fn new(allow: &[Network]) -> Self {
        Self { allow: Arc::from(allow), lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)) }
    }
}

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (allow, lookups) = (Arc::clone(&self.allow), Arc::clone(&self.lookups));
        Box::pin(async move {
            let found = tokio::time::timeout(LOOKUP_TIMEOUT, look_up(name.as_str().to_owned(), lookups)).await;
            let addresses = judge(found.unwrap_or_default(), &allow)?;
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Asks the system. The permit goes with the thread and not with the waiting, which may be given up earlier.
async fn look_up(name: String, lookups: Arc<Semaphore>) -> Vec<SocketAddr> {
    let Ok(permit) = lookups.acquire_owned().await else {
        return Vec::new();
    };
    let lookup = tokio::task::spawn_blocking(move || {
        let found = (name.as_str(), 0).to_socket_addrs().map(|found| found.take(ADDRESSES_MAX).collect());
        drop(permit);
        found
    });
    match lookup.await {
        Ok(Ok(found)) => found,
        Ok(Err(_)) | Err(_) => Vec::new(),
    }
}

/// Leaves only what may be reached.
fn judge(found: Vec<SocketAddr>, allow: &[Network]) -> Result<Vec<SocketAddr>, Refusal> {
    if found.is_empty() {
        return Err(Refusal::NoAddress);
    }
    let open: Vec<SocketAddr> = found.into_iter().filter(|address| permitted(address.ip(), allow)).collect();
    if open.is_empty() { Err(Refusal::Forbidden) } else { Ok(open) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_may_be_reached_is_left() {
        let check = |found: &[&str], allow: &[&str], expected: Result<&[&str], Refusal>| {
            let addresses = |texts: &[&str]| -> Vec<SocketAddr> { texts.iter().map(|text| text.parse().unwrap()).collect() };
            let allow: Vec<Network> = allow.iter().map(|text| Network { address: text.parse().unwrap(), bits: 8 }).collect();
            assert_eq!(judge(addresses(found), &allow), expected.map(addresses), "{found:?}");
        };
        check(&[], &[], Err(Refusal::NoAddress));
        check(&["127.0.0.1:0", "[::1]:0"], &[], Err(Refusal::Forbidden));
        check(&["8.8.8.8:0"], &[], Ok(&["8.8.8.8:0"]));
        check(&["10.0.0.1:0", "8.8.8.8:0", "[fd00::1]:0"], &[], Ok(&["8.8.8.8:0"]));
        check(&["10.0.0.1:0", "8.8.8.8:0"], &["10.0.0.0"], Ok(&["10.0.0.1:0", "8.8.8.8:0"]));
    }
}
