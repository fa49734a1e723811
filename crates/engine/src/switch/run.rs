//! The commands of this room: read, decide, commit, and let this node's board know at once; other nodes learn it with
//! their next heartbeat.

use std::sync::Arc;

use super::decide::{self, Way};
use crate::board::Board;
use crate::book::Book;
use crate::ports::Ledger;
use crate::rules::asked::{Asked, NotDone};
use crate::rules::names::{Names, Object};

/// The switches of a product.
#[derive(Clone, Debug)]
pub struct Switches {
    /// Where they are stored.
    pub ledger: Arc<dyn Ledger>,
    /// What can be switched.
    pub book: Arc<Book>,
    /// What this node honours.
    pub board: Arc<Board>,
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Switched {
    /// What was asked about.
    pub object: Object,
    /// Whether it was turned, or stood so already.
    pub effect: Effect,
    /// One sentence for people.
    pub sentence: String,
}

/// Whether anything changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It was turned.
    Turned,
    /// It stood so already.
    None,
}

impl Switches {
    /// Pauses or resumes a source, a flow or a destination. `Unknown` for what the present policy does not have.
    pub async fn turn(&self, object: Object, way: Way, asked: &Asked) -> Result<Switched, NotDone> {
        asked.check()?;
        let names = Names::of(&self.book.current());
        let text = object.to_string();
        let stored = self.ledger.switches().await?.into_iter().find(|(known, _)| *known == text).map(|(_, switch)| switch);
        let turned = decide::turn(&names, stored.as_ref(), (&object, way), asked)?;
        let effect = match turned.batch {
            None => Effect::None,
            Some(batch) => {
                self.ledger.commit(batch).await?;
                Effect::Turned
            }
        };
        let switches = self.ledger.switches().await?;
        self.board.switches.learn(switches);
        Ok(Switched { object, effect, sentence: turned.sentence })
    }
}
