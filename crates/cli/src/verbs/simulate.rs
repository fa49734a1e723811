//! `crossdock simulate`: the demo's systems as a process of their own against a running product, and the switches of a
//! world that runs.

use std::sync::Arc;
use std::time::Duration;

use model::{SecretName, TimeSpan};
use server::api::Status;
use server::clock::SystemClock;
use sim::demo::ledger::Books;
use sim::demo::trouble::Trouble;
use sim::demo::{Options, Ports, Weather, project};

use crate::args::{Common, Form, Load, Simulate, Simulated, Switched};
use crate::client::Client;
use crate::exit::{Ended, Exit, Failure};
use crate::output::Output;
use crate::patience::told_to_stop;
use crate::world::{Faults, Way, World};

/// How long the product may finish what is under way.
const PATIENCE: TimeSpan = TimeSpan::from_secs(10);

pub(crate) async fn run(common: &Common, simulate: &Simulate, output: &Output) -> Ended {
    match &simulate.what {
        None => load(common, &simulate.load, output).await,
        Some(Simulated::Fault { name, switched }) => {
            let world = world_to_change(common, switched.world.world.as_deref()).await?;
            faults(&world.switch(name, way(switched)).await?, output);
            Ok(Exit::Done)
        }
        Some(Simulated::Faults { world: which }) => {
            faults(&world(common, which.world.as_deref()).await?.faults().await?, output);
            Ok(Exit::Done)
        }
        Some(Simulated::Pause { switched }) => {
            let world = world_to_change(common, switched.world.world.as_deref()).await?;
            books(&world.pause(way(switched)).await?, output);
            Ok(Exit::Done)
        }
        Some(Simulated::Ledger { world: which }) => {
            books(&world(common, which.world.as_deref()).await?.books().await?, output);
            Ok(Exit::Done)
        }
        Some(Simulated::Odoo(odoo)) => super::simulate_odoo::run(odoo, output).await,
        Some(Simulated::Secrets) => {
            for (name, value) in secrets() {
                output.line(&format!("{name}={value}"));
            }
            Ok(Exit::Done)
        }
    }
}

fn way(switched: &Switched) -> Way {
    if switched.off { Way::Off } else { Way::On }
}

/// The environment variables of the demo project's secrets.
pub(crate) fn secrets() -> Vec<(String, String)> {
    let variable = |name: &str| SecretName::new(name).expect("the names of the demo's secrets are names").variable();
    project::secrets().into_iter().map(|(name, value)| (variable(name), value)).collect()
}

/// As [`world`], when something is changed in it.
async fn world_to_change(common: &Common, named: Option<&str>) -> Result<World, Failure> {
    if named.is_none() {
        Client::new(common)?.meet_to_write().await?;
    }
    world(common, named).await
}

async fn world(common: &Common, named: Option<&str>) -> Result<World, Failure> {
    if let Some(url) = named {
        return World::new(url);
    }
    let client = Client::new(common)?;
    let status: Status = client.get("/status").await?;
    let none = || {
        Failure::new(Exit::NotFound, "no-world", format!("the product at {} has no simulated systems", client.base())).hint(
            format!(
                "start the demo with `crossdock up` in an empty folder, or name a world: --world http://127.0.0.1:{}",
                project::WORLD_PORT
            ),
        )
    };
    World::new(&status.world.ok_or_else(none)?)
}

async fn load(common: &Common, load: &Load, output: &Output) -> Ended {
    let client = Client::new(common)?;
    client.meet_to_write().await?;
    let before = client.get::<Status>("/status").await.ok();
    let options = options(&client, load, before.as_ref())?;
    let failed = |error: sim::demo::NotStarted| Failure::new(Exit::Failed, "world", error.to_string());
    let ports = Ports::fixed().await.map_err(failed)?;
    let mut world = sim::demo::start(ports, options, Arc::new(SystemClock::new())).map_err(failed)?;
    output.say(&format!("the simulated systems listen at {} and send to {}", world.url, client.base()));
    match load.duration {
        Some(span) => tokio::select! {
            () = tokio::time::sleep(span.to_duration()) => {}
            () = told_to_stop() => {}
        },
        None => told_to_stop().await,
    }
    output.say("stopping: nothing is sent any more; the product finishes what is under way");
    world.quiet().await;
    drop(tokio::time::timeout(PATIENCE.to_duration(), settled(&client)).await);
    let end = world.stop().await;
    books(&end, output);
    if let (Some(before), Ok(after)) = (before, client.get::<Status>("/status").await) {
        let sent: u64 = end.systems.values().map(|totals| totals.sent_accepted).sum();
        output.say(&format!(
            "they sent {sent} events that were answered with 202; the product accepted {} meanwhile",
            accepted(&after) - accepted(&before)
        ));
    }
    let doubled = end.systems.values().any(|totals| totals.doubled_effects > 0);
    Ok(if doubled { Exit::Findings } else { Exit::Done })
}

fn options(client: &Client, load: &Load, status: Option<&Status>) -> Result<Options, Failure> {
    let mut troubles = Vec::new();
    for name in &load.fault {
        let unknown = || {
            Failure::new(Exit::Usage, "fault", format!("there is no fault {name:?}"))
                .hint("crossdock simulate faults shows them")
        };
        troubles.push(Trouble::named(name).ok_or_else(unknown)?);
    }
    let unknown = || {
        Failure::new(Exit::Refused, "first-order", format!("the status of {} cannot be read", client.base()))
            .hint("set CROSSDOCK_TOKEN, or say --first-order N")
    };
    let first_order = load.first_order.or(status.map(next_order)).ok_or_else(unknown)?;
    Ok(Options {
        product: client.base().to_owned(),
        seed: load.seed,
        speed: load.speed,
        orders_per_minute: load.orders_per_minute,
        opening_orders: load.opening_orders,
        first_order,
        weather: Weather::Calm,
        troubles,
    })
}

/// A number that no order has: each order that the product knows is one accepted entry at least.
pub(crate) fn next_order(status: &Status) -> u64 {
    accepted(status) + 1
}

fn accepted(status: &Status) -> u64 {
    status.lines.iter().map(|line| line.accepted).sum()
}

/// Waits until the product has nothing under way.
async fn settled(client: &Client) {
    while client.get::<Status>("/status").await.is_ok_and(|status| status.moving > 0) {
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

fn faults(faults: &Faults, output: &Output) {
    if output.form == Form::Json {
        return output.json(faults);
    }
    let row = |it: &sim::demo::trouble::TroubleLine| {
        vec![it.name.clone(), if it.on { "on" } else { "" }.to_owned(), it.summary.clone()]
    };
    let rows: Vec<Vec<String>> = faults.faults.iter().map(row).collect();
    output.table(&["fault", "", "what it does"], &rows);
}

fn books(books: &Books, output: &Output) {
    if output.form == Form::Json {
        return output.json(books);
    }
    let rows: Vec<Vec<String>> = books
        .systems
        .iter()
        .map(|(system, it)| {
            let counts = [
                it.sent_accepted,
                it.sent_duplicates,
                it.sent_refused + it.sent_unanswered,
                it.sent_given_up,
                it.received,
                it.received_unique,
                it.received_repeats,
                it.turned_away + it.unproven,
                it.effects,
                it.doubled_effects,
            ];
            [system.name().to_owned()].into_iter().chain(counts.map(|count| count.to_string())).collect()
        })
        .collect();
    let paused = if books.paused { ", paused" } else { "" };
    output.say(&format!(
        "seed {}, speed {}, {} orders placed, {} journeys under way{paused}",
        books.seed, books.speed, books.orders_placed, books.under_way
    ));
    let head = [
        "system",
        "accepted",
        "again",
        "not accepted",
        "given up",
        "requests",
        "taken",
        "repeats",
        "turned away",
        "effects",
        "doubled",
    ];
    output.table(&head, &rows);
}
