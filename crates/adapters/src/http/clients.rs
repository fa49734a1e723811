//! HTTP clients with their connection pools: one for each peer's name and list of networks that it may reach.
//!
//! INVARIANT: a pooled connection is only used by messages with the list under which it was judged.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use model::Network;
use reqwest::{Client, redirect, retry};

use super::resolve::GuardedResolver;

/// LIMIT: clients that are kept; the one unused for longest goes first. A project has tens of destinations.
const CLIENTS_MAX: usize = 256;
/// LIMIT: connections of one destination that wait for work.
const IDLE_CONNECTIONS_MAX: usize = 64;
/// LIMIT: how long they wait: less than the 5 s of the most impatient usual servers, because a request on a connection
/// that is just being closed is one of which nobody knows whether it arrived.
const IDLE_TIMEOUT: Duration = Duration::from_secs(4);
/// LIMIT: name lookup, TCP and TLS together. A message with a shorter timeout ends by that.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What a client is for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    name: String,
    allow: Vec<(IpAddr, u8)>,
    scheme: Scheme,
}

/// Whether the certificates of the system are needed; a machine may have none and still speak plain HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scheme {
    Plain,
    Tls,
}

/// All clients of the process.
#[derive(Debug)]
pub(crate) struct Clients {
    capacity: usize,
    shelf: Mutex<Shelf>,
}

#[derive(Debug, Default)]
struct Shelf {
    clients: BTreeMap<Key, Kept>,
    uses: u64,
}

#[derive(Debug)]
struct Kept {
    client: Client,
    last_use: u64,
}

impl Clients {
    pub(crate) fn new() -> Self {
        Self::holding(CLIENTS_MAX)
    }

    fn holding(capacity: usize) -> Self {
        Self { capacity, shelf: Mutex::default() }
    }

    /// The client for this purpose; built at its first use, which reads the system's certificates for TLS.
    ///
    /// It is built under the lock: first sends come in crowds, and they shall share one pool.
    pub(crate) fn get(&self, name: &str, allow: &[Network], scheme: Scheme) -> Result<Client, reqwest::Error> {
        let networks = allow.iter().map(|network| (network.address, network.bits)).collect();
        let key = Key { name: name.to_owned(), allow: networks, scheme };
        let mut shelf = self.shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.uses += 1;
        let last_use = shelf.uses;
        if let Some(kept) = shelf.clients.get_mut(&key) {
            kept.last_use = last_use;
            return Ok(kept.client.clone());
        }
        let client = build(allow, scheme)?;
        if shelf.clients.len() >= self.capacity {
            let stalest = shelf.clients.iter().min_by_key(|(_, kept)| kept.last_use).map(|(key, _)| key.clone());
            stalest.and_then(|key| shelf.clients.remove(&key));
        }
        shelf.clients.insert(key, Kept { client: client.clone(), last_use });
        Ok(client)
    }
}

fn build(allow: &[Network], scheme: Scheme) -> Result<Client, reqwest::Error> {
    install_crypto();
    let builder = Client::builder()
        .http1_only()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .referer(false)
        .dns_resolver(GuardedResolver::new(allow))
        .connect_timeout(CONNECT_TIMEOUT)
        .tcp_nodelay(true)
        .pool_max_idle_per_host(IDLE_CONNECTIONS_MAX)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .http1_max_headers(model::limit::HEADERS_MAX);
    match scheme {
        Scheme::Plain => builder.tls_certs_only([]).build(),
        Scheme::Tls => builder.build(),
    }
}

/// Names the process's cryptography once. Where another part was first, its choice stays.
fn install_crypto() {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    INSTALLED.get_or_init(|| rustls::crypto::aws_lc_rs::default_provider().install_default().is_ok());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(clients: &Clients, destination: &str, allow: &[Network]) {
        clients.get(destination, allow, Scheme::Plain).unwrap();
    }

    fn kept(clients: &Clients) -> Vec<String> {
        let shelf = clients.shelf.lock().unwrap();
        shelf.clients.keys().map(|key| format!("{}+{}", key.name, key.allow.len())).collect()
    }

    #[test]
    fn a_destination_has_one_client_per_list() {
        let clients = Clients::new();
        let network = Network { address: IpAddr::from([10, 0, 0, 0]), bits: 8 };
        for (name, allow) in [("wms", [].as_slice()), ("wms", &[network]), ("wms", &[]), ("erp", &[])] {
            get(&clients, name, allow);
        }
        assert_eq!(kept(&clients), ["erp+0", "wms+0", "wms+1"]);
    }

    #[test]
    fn the_client_unused_for_longest_goes_first() {
        let clients = Clients::holding(2);
        for name in ["a", "b", "a", "c"] {
            get(&clients, name, &[]);
        }
        assert_eq!(kept(&clients), ["a+0", "c+0"]);
    }
}
