//! Where a message goes: names and addresses, and those that the guard refuses.

use engine::ports::{Message, Outbound};
use model::outcome::TransportError;

use crate::servers::{Server, http, message, send};
use crate::{OK, accepted, unreached};

#[tokio::test]
async fn an_unknown_name_does_not_resolve() {
    assert_eq!(send("http://nobody.invalid/").await.outcome, unreached(TransportError::Resolve));
}

#[tokio::test]
async fn addresses_that_a_destination_may_not_reach_are_refused_however_they_are_written() {
    let server = Server::answering(OK).await;
    for host in [
        "127.0.0.1",
        "127.0.0.1.",
        "127.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "017700000001",
        "0177.0.0.1",
        "%31%32%37.0.0.1",
        "\u{ff11}\u{ff12}\u{ff17}.0.0.1",
        "0.0.0.0",
        "0",
        "[::]",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "localhost",
        "LOCALHOST",
        "user:secret@127.0.0.1",
    ] {
        let message = Message { allow: Vec::new(), ..message(&format!("http://{host}:{}/", server.address.port())) };
        assert_eq!(http().send(&message).await.outcome, unreached(TransportError::ForbiddenAddress), "{host}");
    }
    for url in
        ["https://127.0.0.1/", "http://169.254.169.254/latest/meta-data/", "http://10.0.0.1/", "http://[fd00:ec2::254]/"]
    {
        let message = Message { allow: Vec::new(), ..message(url) };
        assert_eq!(http().send(&message).await.outcome, unreached(TransportError::ForbiddenAddress), "{url}");
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_is_judged_by_the_list_of_its_own_message() {
    let server = Server::keeping_open(OK).await;
    let http = http();
    let open = message(&format!("http://localhost:{}/", server.address.port()));
    let closed = Message { allow: Vec::new(), ..open.clone() };
    assert_eq!(http.send(&open).await, accepted("ok", false));
    // A connection is waiting in the pool; it is not for this message.
    assert_eq!(http.send(&closed).await.outcome, unreached(TransportError::ForbiddenAddress));
    assert_eq!(http.send(&open).await, accepted("ok", false));
}
