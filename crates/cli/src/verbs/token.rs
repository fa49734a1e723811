//! `crossdock token`: who may ask the product for what, and until when. A token's text is shown once and kept nowhere.

use std::path::Path;
use std::sync::Arc;

use backends::sqlite::{Options, Store};
use engine::membership;
use engine::ports::{Clock, Journal, Ledger};
use engine::rules::asked::{Asked, NotDone};
use model::{Principal, Scope, TimeSpan};
use server::api::{Because, NewToken, Rows, TokenCommand, TokenLine};
use server::clock::SystemClock;
use server::identity::{self, Wanted};

use crate::args::{Common, Form, Token, TokenMake};
use crate::ask;
use crate::client::{Client, encode};
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;

pub(crate) async fn run(common: &Common, verb: &Token, output: &Output) -> Ended {
    match verb {
        Token::Ls => list(&Client::new(common)?, output).await,
        Token::Make(args) => make(common, args, output).await,
        Token::Revoke(args) => {
            let why = ask::reason(&args.reason, output)?;
            let path = format!("/tokens/{}/revoke", encode(&args.name));
            let answer: serde_json::Value = Client::new(common)?.post(&path, &Because { why }).await?;
            match output.form {
                Form::Json => output.json_as("token-revoked", &answer),
                Form::Table => {
                    output.line(&format!("revoked {} of {}", answer["revoked"], args.name));
                }
            }
            Ok(Exit::Done)
        }
    }
}

async fn list(client: &Client, output: &Output) -> Ended {
    let tokens: Rows<TokenLine> = client.get("/tokens").await?;
    match output.form {
        Form::Json => output.json(&tokens),
        Form::Table => {
            let row = |it: &TokenLine| {
                let state = it.revoked_at.map_or_else(
                    || format!("until {}", output.time(it.expires_at)),
                    |at| format!("revoked {}", output.time(at)),
                );
                vec![it.name.clone(), words(&it.scopes), output.time(it.created_at), state]
            };
            output.table(&["name", "scopes", "made", ""], &tokens.rows.iter().map(row).collect::<Vec<_>>());
        }
    }
    Ok(Exit::Done)
}

fn words(scopes: &[Scope]) -> String {
    scopes.iter().map(|scope| scope.word()).collect::<Vec<_>>().join(",")
}

async fn make(common: &Common, args: &TokenMake, output: &Output) -> Ended {
    let why = ask::reason(&args.reason, output)?;
    let scopes = args.scope.iter().map(|word| Scope::from(*word)).collect();
    let made: NewToken = match &args.data {
        Some(data) => make_offline(data, args, scopes, why).await?,
        None => {
            let command = TokenCommand { name: args.name.clone(), scopes, days: args.days, why };
            Client::new(common)?.post("/tokens", &command).await?
        }
    };
    match output.form {
        Form::Json => output.json_as("token", &made),
        Form::Table => {
            output.line(made.token.as_deref().unwrap_or("the text was in an answer that did not arrive; make another"));
        }
    }
    output.say(&format!("of {}, until {}; it is shown this once", made.name, made.expires_at));
    Ok(Exit::Done)
}

/// In the data folder itself: whoever may write it may also make tokens. The folder's lock keeps the product out meanwhile.
async fn make_offline(data: &Path, args: &TokenMake, scopes: Vec<Scope>, why: String) -> Result<NewToken, Failure> {
    if !server::up::is_data_folder(data) {
        let message = format!("{} is no data folder of the product", data.display());
        return Err(Failure::new(Exit::NotFound, "no-data", message));
    }
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let store = Store::open(data, Options::default(), &clock).map_err(|fault| {
        let failure = Failure::new(Exit::Failed, "data", fault.to_string());
        failure.hint("stop the product first, or ask it: crossdock token make without --data")
    })?;
    let (journal, ledger): (Arc<dyn Journal>, Arc<dyn Ledger>) = (store.journal.clone(), store.ledger.clone());
    if let Err(fault) = membership::resume_time(&journal, &ledger, &clock).await {
        store.close();
        return Err(Failure::new(Exit::Failed, "store", fault.to_string()));
    }
    let asked = Asked { by: Principal::data_folder(), why, at: clock.now() };
    let wanted = Wanted { name: args.name.clone(), scopes, holds: TimeSpan::from_days(u64::from(args.days)) };
    let made = identity::make((&ledger, &clock), &asked, clock.chance(), wanted).await;
    store.close();
    made.map_err(|not_done| match not_done {
        NotDone::Fault(fault) => Failure::new(Exit::Failed, "store", fault.to_string()),
        refused => Failure::new(Exit::Refused, "refused", refused.to_string()),
    })
}
