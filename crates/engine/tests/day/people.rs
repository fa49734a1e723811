//! What people do in a day: order a replay, end what waits for them; and what they see of it.

use std::sync::Arc;

use engine::delivery::command::Wish;
use engine::delivery::operate::{MANY_MAX, Operate};
use engine::intake::quarantine::{Quarantine, Which};
use engine::ports::{Clock, Journal};
use engine::replay::decide::Included;
use engine::replay::order::{Ordered, Replays, SeenPreview, Wanted};
use engine::replay::selection::Selection;
use engine::replay::step::Progress;
use engine::rules::asked::Asked;
use engine::rules::overtaken::Newer;
use model::limit::PAGE_ROWS_MAX;
use model::view::{DeliveryQuery, QuarantineQuery};
use model::{Delivery, Principal, QuarantineRow, Replay};

use crate::world::World;

impl World {
    fn asked(&self) -> Asked {
        Asked { by: Principal::new("ines"), why: "as the day says".to_owned(), at: self.clock.now() }
    }

    fn replays(&self) -> Replays {
        Replays {
            journal: self.journal.clone(),
            ledger: Arc::clone(&self.ledger),
            views: Arc::clone(&self.views),
            book: Arc::clone(&self.book),
            previews: Arc::default(),
        }
    }

    /// Orders a replay at so many members a second, after a look at its preview.
    pub(crate) async fn replay_of(&self, selection: Selection, pace_per_s: u32) -> Ordered {
        let (included, pace_per_s) = (Included::default(), Some(pace_per_s));
        let wanted = Wanted { selection, included, pace_per_s, canary: 0, stop_after: 0 };
        let preview = self.replays().preview(&wanted, self.clock.now()).await.expect("there is something to replay");
        let seen = SeenPreview { at: preview.at, digest: preview.digest };
        self.replays().order(&wanted, Some(seen), &self.asked()).await.expect("it is ordered")
    }

    /// The newest replay, and how far it is.
    pub(crate) async fn last_replay(&self) -> (Replay, Progress) {
        let newest = self.views.replays(None, 1).await.expect("the views answer").rows.pop().expect("one was ordered");
        self.replays().progress(newest.id).await.expect("it is known")
    }

    /// People end everything that waits for them: what is dead is cancelled, of what is kept a half is released.
    pub(crate) async fn settle_the_kept(&self) {
        let operate =
            Operate { journal: self.journal.clone(), ledger: Arc::clone(&self.ledger), book: Arc::clone(&self.book) };
        let open: Vec<_> = self.unfinished().await.into_iter().map(|delivery| delivery.id).collect();
        for some in open.chunks(MANY_MAX) {
            let ended = operate.many(some, Wish::Cancel, &self.asked()).await.expect("people may cancel");
            assert_eq!(ended.done, some.len(), "{}", ended.sentence);
        }
        let journal: Arc<dyn Journal> = self.journal.clone();
        let desk = Quarantine { journal, ledger: Arc::clone(&self.ledger), book: Arc::clone(&self.book) };
        for (n, row) in self.waiting_for_a_person().await.into_iter().enumerate() {
            let which = Which { event: row.event, version: None };
            let moved = if n % 2 == 0 {
                desk.close(which, &self.asked()).await
            } else {
                desk.release(which, Newer::GoesUnder, &self.asked()).await
            };
            moved.expect("people may settle it");
        }
    }

    /// Deliveries that are not final.
    pub(crate) async fn unfinished(&self) -> Vec<Delivery> {
        let states = ["waiting", "held", "dead_lettered"].map(str::to_owned).to_vec();
        let mut query = DeliveryQuery { states, limit: PAGE_ROWS_MAX, ..DeliveryQuery::default() };
        let mut open = Vec::new();
        loop {
            let page = self.views.deliveries(query.clone()).await.expect("the views answer");
            open.extend(page.rows);
            query.cursor = page.next;
            if query.cursor.is_none() {
                return open;
            }
        }
    }

    /// Events that wait for a person.
    pub(crate) async fn waiting_for_a_person(&self) -> Vec<QuarantineRow> {
        let query = QuarantineQuery { states: vec!["open".to_owned()], limit: PAGE_ROWS_MAX, ..QuarantineQuery::default() };
        self.views.quarantine(query).await.expect("the views answer").rows
    }
}
