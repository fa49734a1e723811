//! How a list entry gets its store: fresh, with a clock that the entry moves, and openable again.

use std::fmt;
use std::sync::Arc;

use engine::ports::{Answer, Clock, Journal, Ledger, Views};

use model::Timestamp;

use super::clock::ManualClock;
use super::sample::at;

/// Room for every entry but those about the budget.
const BUDGET_BYTES: u64 = 1024 * 1024 * 1024;

/// What a store is opened with.
#[derive(Clone, Debug)]
pub struct Opening {
    /// Where it takes the time from.
    pub clock: Arc<dyn Clock>,
    /// The journal's budget.
    pub budget_bytes: u64,
}

type Open<T> = Box<dyn Fn(Opening) -> Answer<'static, T> + Send + Sync>;

/// A journal under test. The first opening makes an empty one, each later one opens the same; nothing of the earlier
/// value lives when it is called.
pub struct JournalFixture {
    /// Its clock.
    pub clock: Arc<ManualClock>,
    journal: Option<Arc<dyn Journal>>,
    open: Open<Arc<dyn Journal>>,
}

/// A ledger and its views.
#[derive(Clone, Debug)]
pub struct LedgerStore {
    /// The ledger.
    pub ledger: Arc<dyn Ledger>,
    /// Its views.
    pub views: Arc<dyn Views>,
}

/// A ledger under test; as [`JournalFixture`].
pub struct LedgerFixture {
    /// Its clock.
    pub clock: Arc<ManualClock>,
    store: Option<LedgerStore>,
    open: Open<LedgerStore>,
}

impl JournalFixture {
    /// A fixture over a store that is opened by `open`.
    pub async fn new(open: impl Fn(Opening) -> Answer<'static, Arc<dyn Journal>> + Send + Sync + 'static) -> Self {
        let mut fixture = Self { clock: Arc::new(ManualClock::new(at(0))), journal: None, open: Box::new(open) };
        fixture.reopen().await;
        fixture
    }

    /// The journal.
    pub fn journal(&self) -> &dyn Journal {
        self.journal.as_deref().expect("it is open from its making on")
    }

    /// Closes it and opens it again.
    pub async fn reopen(&mut self) {
        self.reopen_with_budget(BUDGET_BYTES).await;
    }

    /// A restart soon after retention has looked at the keys, as it does each minute.
    pub async fn restart(&mut self) {
        self.journal().forget_keys().await.expect("the journal forgets");
        self.reopen().await;
    }

    /// The same, under another budget.
    pub async fn reopen_with_budget(&mut self, budget_bytes: u64) {
        self.journal = None;
        let opening = Opening { clock: Arc::clone(&self.clock) as Arc<dyn Clock>, budget_bytes };
        self.journal = Some((self.open)(opening).await.expect("the journal opens"));
    }
}

impl LedgerFixture {
    /// A fixture over a store that is opened by `open`.
    pub async fn new(open: impl Fn(Opening) -> Answer<'static, LedgerStore> + Send + Sync + 'static) -> Self {
        let mut fixture = Self { clock: Arc::new(ManualClock::new(at(0))), store: None, open: Box::new(open) };
        fixture.reopen().await;
        fixture
    }

    /// The ledger.
    pub fn ledger(&self) -> &dyn Ledger {
        &*self.store().ledger
    }

    /// The time that its clock shows.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Its views.
    pub fn views(&self) -> &dyn Views {
        &*self.store().views
    }

    fn store(&self) -> &LedgerStore {
        self.store.as_ref().expect("it is open from its making on")
    }

    /// Closes it and opens it again.
    pub async fn reopen(&mut self) {
        self.store = None;
        let opening = Opening { clock: Arc::clone(&self.clock) as Arc<dyn Clock>, budget_bytes: BUDGET_BYTES };
        self.store = Some((self.open)(opening).await.expect("the ledger opens"));
    }
}

impl fmt::Debug for JournalFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JournalFixture").field("journal", &self.journal).finish_non_exhaustive()
    }
}

impl fmt::Debug for LedgerFixture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LedgerFixture").field("store", &self.store).finish_non_exhaustive()
    }
}
