//! The command line as clap knows it, with its verbs under the headings where people look for them.

use clap::{Command, CommandFactory};

use crate::args::Args;

const TEMPLATE: &str = "{about}\n\n{usage-heading} {usage}\n{after-help}\n\nOptions of every verb:\n{options}";

/// Verbs by what people want; what stands in none of them comes last.
const HEADINGS: [(&str, &[&str]); 5] = [
    ("Start", &["up", "init", "add", "doctor"]),
    ("Author", &["check", "fmt", "test", "explain", "plan", "apply", "rollback", "diff"]),
    (
        "Operate",
        &[
            "status",
            "trace",
            "tail",
            "events",
            "deliveries",
            "retry",
            "cancel",
            "hold",
            "quarantine",
            "replay",
            "pause",
            "resume",
            "reconcile",
            "retention",
        ],
    ),
    ("Try", &["send", "listen", "simulate"]),
    ("Govern", &["catalog", "audit", "token", "rotate"]),
];

/// The command line.
pub(crate) fn command() -> Command {
    let command = Args::command();
    let verbs = verbs(&command);
    command.help_template(TEMPLATE).after_help(verbs)
}

fn verbs(command: &Command) -> String {
    let shown: Vec<&Command> = command.get_subcommands().filter(|verb| !verb.is_hide_set()).collect();
    let line = |verb: &Command| {
        format!("  {:<12} {}", verb.get_name(), verb.get_about().map(ToString::to_string).unwrap_or_default())
    };
    let mut text = Vec::new();
    for (heading, names) in HEADINGS {
        let lines =
            names.iter().filter_map(|name| shown.iter().find(|verb| verb.get_name() == *name)).map(|verb| line(verb));
        text.push(format!("{heading}:\n{}", lines.collect::<Vec<_>>().join("\n")));
    }
    let known = |verb: &&&Command| HEADINGS.iter().any(|(_, names)| names.contains(&verb.get_name()));
    let others: Vec<String> = shown.iter().filter(|verb| !known(verb)).map(|verb| line(verb)).collect();
    text.push(format!(
        "More:\n{}\n  {:<12} What verbs end with: crossdock help exit-codes",
        others.join("\n"),
        "exit-codes"
    ));
    text.join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed_and_every_verb_is_shown() {
        let command = command();
        command.clone().debug_assert();
        let help = verbs(&command);
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            assert!(help.contains(&format!("\n  {:<12} ", verb.get_name())), "{}", verb.get_name());
        }
    }
}
