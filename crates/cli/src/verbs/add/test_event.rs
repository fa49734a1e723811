//! The test event at the end of `crossdock add odoo`.

use adapters::odoo::Odoo;
use engine::ports::Peer;
use model::Diagnostic;
use server::settings::Settings;

use super::Plan;
use crate::args::Common;
use crate::client::Client;
use crate::exit::Failure;
use crate::moment;
use crate::odoo::{Ear, Saved, Trial, Tried};
use crate::output::Output;

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Tested {
    /// The test event.
    pub(super) tried: Option<Tried>,
    /// What somebody saved in Odoo meanwhile, where that was waited for.
    pub(super) saved: Option<Saved>,
    /// What is wrong.
    pub(super) findings: Vec<Diagnostic>,
}

/// Tries it with what was written. What goes wrong is told; what was made stays.
pub(super) async fn run(
    plan: &Plan<'_>,
    (odoo, peer): (&Odoo, &Peer),
    (common, settings): (&Common, &Settings),
    output: &Output,
) -> Result<Tested, Failure> {
    let mut tested = Tested::default();
    let (policy, _) = policy::check_folder(&server::project::read(&plan.args.project), moment::now());
    let source = policy.as_ref().and_then(|policy| policy.sources.get(&plan.args.name));
    let Some((source, capture)) = source.and_then(|source| Some((source, source.captured()?))) else { return Ok(tested) };
    let client = Client::at(common, &plan.args.project)?;
    let mut ear = Ear::of(client, settings, source).await;
    let trial = Trial { odoo, peer, session: &plan.session, source, capture };
    match trial.run(&mut ear).await {
        Ok(tried) => {
            tested.findings.extend(tried.finding.clone());
            tested.tried = Some(tried);
        }
        Err(found) => tested.findings.push(found),
    }
    if let Some(patience) = plan.args.wait_for_event {
        output.say(&format!("save something in Odoo; it is waited for, {} at most", patience.rounded()));
        match trial.wait(&mut ear, patience).await {
            Ok(saved) => tested.saved = saved,
            Err(found) => tested.findings.push(found),
        }
    }
    Ok(tested)
}
