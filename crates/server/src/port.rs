//! Taking a port: exactly the one that was asked for, or the next free one when nobody asked.

use std::net::{IpAddr, SocketAddr};

use tokio::net::TcpListener;

use crate::settings::{Identity, Listen, OpenOnLoopback, Settings};

/// LIMIT: ports that are tried when the default one is taken.
const TRIES: u16 = 50;

/// A port cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum NoPort {
    /// The operating system says no.
    #[error("cannot listen on {0}: {1}; choose another with --listen, or port 0 for any")]
    Refused(SocketAddr, std::io::Error),
    /// Beyond this machine without knowing callers.
    #[error(
        "{0} can be reached from other machines, and nothing says how callers are known: set identity = \"tokens\" in the settings file"
    )]
    Open(SocketAddr),
    /// The demo world, beyond this machine.
    #[error(
        "{0} can be reached from other machines, and the demo world asks nobody who they are: it is for this machine only; listen on 127.0.0.1, or begin a project with `crossdock init`"
    )]
    Demo(SocketAddr),
}

/// Listens as the settings say. Beyond loopback only where callers are known by configuration.
pub async fn listen(settings: &Settings) -> Result<TcpListener, NoPort> {
    match settings.listen {
        Listen::Exactly(address) => {
            check(settings, address)?;
            TcpListener::bind(address).await.map_err(|error| NoPort::Refused(address, error))
        }
        Listen::Default(address) => {
            let mut refused = None;
            for port in address.port()..address.port().saturating_add(TRIES) {
                let address = SocketAddr::new(address.ip(), port);
                match TcpListener::bind(address).await {
                    Ok(listener) => return Ok(listener),
                    Err(error) => refused = Some(NoPort::Refused(address, error)),
                }
            }
            Err(refused.unwrap_or(NoPort::Open(address)))
        }
    }
}

fn check(settings: &Settings, address: SocketAddr) -> Result<(), NoPort> {
    let local = match address.ip() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip.is_loopback(),
    };
    match (settings.open_on_loopback, settings.identity) {
        _ if local => Ok(()),
        (OpenOnLoopback::Yes, _) => Err(NoPort::Demo(address)),
        (OpenOnLoopback::No, Some(Identity::Tokens)) => Ok(()),
        (OpenOnLoopback::No, None) => Err(NoPort::Open(address)),
    }
}
