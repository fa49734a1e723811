//! `crossdock token`: who may ask the product for what, and until when. A token's text is shown once and kept nowhere.

use model::Scope;
use server::api::{NewToken, Rows, TokenCommand, TokenLine};

use crate::args::{Common, Form, Token, TokenMake};
use crate::client::{Client, encode};
use crate::exit::{Ended, Exit};
use crate::output::Output;

pub(crate) async fn run(common: &Common, verb: &Token, output: &Output) -> Ended {
    let mut client = Client::new(common)?;
    match verb {
        Token::Ls => list(&client, output).await,
        Token::Make(args) => make(&mut client, args, output).await,
        Token::Revoke(args) => {
            let answer: serde_json::Value =
                client.post(&format!("/tokens/{}/revoke", encode(&args.name)), &serde_json::json!({})).await?;
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
    scopes.iter().map(|scope| format!("{scope:?}").to_lowercase()).collect::<Vec<_>>().join(",")
}

async fn make(client: &mut Client, args: &TokenMake, output: &Output) -> Ended {
    let scopes = args.scope.iter().map(|word| Scope::from(*word)).collect();
    let made: NewToken = client.post("/tokens", &TokenCommand { name: args.name.clone(), scopes, days: args.days }).await?;
    match output.form {
        Form::Json => output.json_as("token", &made),
        Form::Table => {
            output.line(made.token.as_deref().unwrap_or("the text was in an answer that did not arrive; make another"));
        }
    }
    output.say(&format!("of {}, until {}; it is shown this once", made.name, made.expires_at));
    Ok(Exit::Done)
}
