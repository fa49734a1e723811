//! A policy that is applied between the look of a retry and its commit: the retry is decided anew on what is in force then.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use engine::delivery::command::Wish;
use engine::delivery::operate::Operate;
use engine::ports::{Answer, Hint, Journal, Ledger, Mark, Usage};
use engine::rules::asked::NotDone;
use engine::rules::overtaken::Newer;
use model::account::Census;
use model::{Appended, Batch, EventId, NewEntry, Offset, Partition, Position, Record, Timestamp};

use crate::judged::{application, one, without_wms};
use crate::world::{End, World};

/// A journal at whose next look for a record something is committed to the ledger.
#[derive(Debug)]
struct Interposed {
    inner: Arc<dyn Journal>,
    ledger: Arc<dyn Ledger>,
    then: Mutex<Option<Batch>>,
    was_asked: AtomicBool,
}

impl Journal for Interposed {
    fn get(&self, position: Position) -> Answer<'_, Option<Arc<Record>>> {
        Box::pin(async move {
            self.was_asked.store(true, Ordering::Relaxed);
            let then = self.then.lock().unwrap().take();
            if let Some(batch) = then {
                self.ledger.commit(batch).await?;
            }
            self.inner.get(position).await
        })
    }

    fn append(&self, entries: Vec<NewEntry>) -> Answer<'_, Vec<Appended>> {
        self.inner.append(entries)
    }

    fn trim(&self, partition: Partition, to: Offset, keep: Vec<Offset>, as_of: Mark) -> Answer<'_, Offset> {
        self.inner.trim(partition, to, keep, as_of)
    }

    fn forget_emitted(&self, before: Timestamp) -> Answer<'_, u64> {
        self.inner.forget_emitted(before)
    }

    fn release(&self, partition: Partition, offsets: Vec<Offset>, as_of: Mark) -> Answer<'_, u64> {
        self.inner.release(partition, offsets, as_of)
    }

    fn read(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.inner.read(partition, after, records)
    }

    fn find(&self, event: EventId) -> Answer<'_, Option<Arc<Record>>> {
        self.inner.find(event)
    }

    fn recent(&self, before: Option<Position>, records: usize) -> Answer<'_, Vec<Arc<Record>>> {
        self.inner.recent(before, records)
    }

    fn partitions(&self) -> Vec<Partition> {
        self.inner.partitions()
    }

    fn head(&self, partition: Partition) -> Answer<'_, Offset> {
        self.inner.head(partition)
    }

    fn census(&self, cursors: Vec<(Partition, Offset)>) -> Answer<'_, Census> {
        self.inner.census(cursors)
    }

    fn changed(&self) -> Hint {
        self.inner.changed()
    }

    fn kept(&self, partition: Partition, after: Offset, records: usize) -> Answer<'_, Vec<Offset>> {
        self.inner.kept(partition, after, records)
    }

    fn keep(&self, partition: Partition, offsets: Vec<Offset>) -> Answer<'_, Vec<Offset>> {
        self.inner.keep(partition, offsets)
    }

    fn forget_keys(&self) -> Answer<'_, u64> {
        self.inner.forget_keys()
    }

    fn usage(&self) -> Answer<'_, Usage> {
        self.inner.usage()
    }
}

#[tokio::test]
async fn a_retry_that_an_application_overtakes_is_decided_anew() {
    for (files, word) in [(without_wms(), "dead_lettered"), (one_with_other_words(), "waiting")] {
        let mut world = World::new(&one()).await;
        let id = world.accept(1, "a").await;
        world.attempt(End::Dead).await;
        let (_, batch) = application(&world, &files).await;
        let (inner, ledger) = (Arc::clone(&world.journal), Arc::clone(&world.ledger));
        let journal =
            Arc::new(Interposed { inner, ledger, then: Mutex::new(Some(batch)), was_asked: AtomicBool::new(false) });
        let operate = Operate { journal: journal.clone(), ..world.operate() };
        let told = operate.one(id, Wish::Retry(Newer::Stays), None, &world.asked()).await;
        assert!(journal.was_asked.load(Ordering::Relaxed) && journal.then.lock().unwrap().is_none());
        assert_eq!(world.delivery(id).await.state.word(), word, "{told:?}");
        match word {
            "waiting" => assert!(told.is_ok(), "{told:?}"),
            _ => {
                assert!(
                    matches!(&told, Err(NotDone::Refused(why)) if why.contains("not in the present policy")),
                    "{told:?}"
                );
            }
        }
    }
}

fn one_with_other_words() -> Vec<policy::SourceFile> {
    crate::judged::summed_up(one(), "other words")
}
