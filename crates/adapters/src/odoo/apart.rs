//! A page of records of which Odoo refuses one: it refuses them all, since a record rule hides something that the one leads to. They are
//! read in parts until those that are refused stand alone.
//!
//! What our user may not read at all is no hidden record: there the page is refused as it was.

use std::collections::BTreeSet;

use engine::ports::{Asked, Peer, Row, Shown};
use model::Timestamp;
use model::outcome::Refusal;
use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::fields::{in_our_form, model_there, touched};
use super::records::{LANGUAGE, Learnt, OdooRecords, domain, ids, row, shape};
use super::session::Told;
use super::specified::{Specified, not_odoo};
use super::survey::{Standing, standing};

/// Rows, and when they were read where Odoo tells.
type Page = (Vec<Row>, Option<Timestamp>);

impl OdooRecords {
    /// Records, whole but for those that are refused by themselves.
    pub(super) async fn show(&self, peer: &Peer, asked: &Asked) -> Result<Shown, Failure> {
        let learnt = self.learnt_of(peer, &asked.model, &asked.reading).await?;
        let there = model_there(&learnt.session.version, &asked.model);
        let shape = shape(there, &learnt.fields).ok_or_else(not_odoo)?;
        let of = (peer, &learnt, asked);
        let full = |ids: &[u64]| ids.last().copied().filter(|_| ids.len() >= asked.limit);
        let ((rows, at), closed, more_after) = match self.page(of, domain(&asked.which), asked.limit).await {
            Ok(page) => {
                let ids: Vec<u64> = page.0.iter().map(|row| row.id).collect();
                (page, Vec::new(), full(&ids))
            }
            Err(failure) if is_access(&failure) => {
                let (page, closed, listed) = self.apart(of, failure).await?;
                (page, closed, full(&listed))
            }
            Err(failure) => return Err(failure),
        };
        Ok(Shown { rows, closed, more_after, at: at.unwrap_or_else(|| self.clock.wall()), shape })
    }

    async fn page(
        &self,
        (peer, learnt, asked): (&Peer, &Learnt, &Asked),
        domain: Value,
        limit: usize,
    ) -> Result<Page, Failure> {
        let Learnt { session, fields, .. } = learnt;
        let version = &session.version;
        let there = model_there(version, &asked.model);
        let wanted = Specified::new(&asked.reading, there, version, fields).specification;
        let call = Call::of_model(there, "web_search_read")
            .with("domain", domain)
            .with("specification", wanted)
            .with("limit", limit)
            .with("order", "id")
            .with("count_limit", 1)
            .context("active_test", false)
            .context("lang", LANGUAGE);
        let Told { value, at } = self.odoo.call(peer, session, &call).await?;
        let records = value.get("records").and_then(Value::as_array).ok_or_else(not_odoo)?;
        let mut rows = Vec::with_capacity(records.len());
        for record in records {
            let ours = in_our_form(record, &asked.reading, there, version, fields);
            rows.push(row(&asked.model, record, ours).ok_or_else(not_odoo)?);
        }
        Ok((rows, at))
    }

    /// The page in halves, where this was said of it as a whole. Answers also which records are refused by themselves, and which
    /// were listed: one that is deleted before its part is read makes the page no shorter.
    async fn apart(&self, of: (&Peer, &Learnt, &Asked), said: Failure) -> Result<(Page, Vec<u64>, Vec<u64>), Failure> {
        let (peer, Learnt { session, .. }, asked) = of;
        let call = Call::of_model(model_there(&session.version, &asked.model), "search")
            .with("domain", domain(&asked.which))
            .with("limit", asked.limit)
            .with("order", "id")
            .context("active_test", false);
        // What is read of the parts shows what was there later: the page is dated by this.
        let Told { value, at } = self.odoo.call(peer, session, &call).await?;
        let all = ids(&value)?;
        let (mut rows, mut closed) = (Vec::new(), Vec::new());
        let mut parts = vec![all.as_slice()];
        // LIMIT: one that is refused among n costs twice as many calls as n can be halved; a page of n that all are, twice n.
        while let Some(part) = parts.pop() {
            match (self.page(of, json!([["id", "in", part]]), part.len()).await, part) {
                (Ok((more, _)), _) => rows.extend(more),
                (Err(failure), [id]) if is_access(&failure) => closed.push(*id),
                (Err(failure), [_, ..]) if is_access(&failure) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
                (Err(failure), _) => return Err(failure),
            }
        }
        if rows.is_empty() && !self.may_read_below(of).await? {
            return Err(said);
        }
        Ok(((rows, at), closed, all))
    }

    /// Whether our user may read records of all models that a reading leads to.
    async fn may_read_below(&self, (peer, learnt, asked): (&Peer, &Learnt, &Asked)) -> Result<bool, Failure> {
        let Learnt { session, fields, .. } = learnt;
        let mut models = BTreeSet::new();
        touched(&asked.reading, model_there(&session.version, &asked.model), &session.version, fields, &mut models);
        for model in models {
            let count = Call::of_model(&model, "search_count").with("domain", json!([])).with("limit", 1);
            if standing(self.odoo.call(peer, session, &count).await.map(|_| true))? != Standing::Granted {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

const fn is_access(failure: &Failure) -> bool {
    matches!(failure, Failure::Said { refusal: Refusal::Access, .. })
}
