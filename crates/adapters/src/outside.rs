//! The outside as one port: HTTP destinations, and commands to Odoo. Which one a message is for stands in the message.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use engine::ports::{Clock, Message, Outbound, Sent};

use crate::http::Http;
use crate::odoo::Commands;

/// Everything that deliveries are sent to. One for the process: it holds the connection pools.
#[derive(Debug)]
pub struct Outside {
    http: Http,
    odoo: Commands,
}

impl Outside {
    /// With no connection yet. The clock measures the timeouts.
    pub fn new(clock: &Arc<dyn Clock>) -> Self {
        Self { http: Http::new(Arc::clone(clock)), odoo: Commands::new(Arc::clone(clock)) }
    }
}

impl Outbound for Outside {
    fn send<'a>(&'a self, message: &'a Message) -> Pin<Box<dyn Future<Output = Sent> + Send + 'a>> {
        match &message.errand {
            None => self.http.send(message),
            Some(errand) => Box::pin(self.odoo.run(message, errand)),
        }
    }
}
