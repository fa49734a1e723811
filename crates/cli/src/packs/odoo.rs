//! The part of the pack for Odoo that goes with chosen models.

use super::{CANONICAL, File, ODOO, sent_here};

/// How much of the pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What is captured.
    Contracts,
    /// And what becomes of it: mappings and flows to the canonical destination.
    Flows,
}

/// The files that go with models. What is written to Odoo is not among them.
pub(crate) fn files(models: &[&str], extent: Extent) -> Vec<(&'static str, String)> {
    let mut files: Vec<File> = ODOO.iter().filter(|(path, _)| is_contract(path, models)).copied().collect();
    if extent == Extent::Flows {
        let mappings: Vec<File> = ODOO.iter().filter(|(path, text)| is_mapping(path, text, models)).copied().collect();
        let is_used = |text: &str| mappings.iter().any(|(path, _)| text.contains(&format!("mapping: {}\n", stem(path))));
        files.extend(ODOO.iter().filter(|(path, text)| path.starts_with("flows/") && is_used(text)));
        files.extend(CANONICAL.iter().filter(|(path, _)| is_made(path, &mappings)));
        files.extend(mappings);
    }
    files.sort_unstable();
    files.into_iter().map(|(path, text)| (path, sent_here(text))).collect()
}

/// The lines of the pack's source that list the events of a model.
pub(crate) fn events(model: &str) -> impl Iterator<Item = &'static str> {
    let system = ODOO.iter().find(|(path, _)| *path == "systems/odoo.yaml").map_or("", |(_, text)| *text);
    let start = format!("{model}.");
    system.lines().map(str::trim_start).filter(move |line| line.starts_with(&start))
}

fn is_contract(path: &str, models: &[&str]) -> bool {
    models.iter().any(|model| path.starts_with(&format!("contracts/odoo.{model}/")))
}

fn is_mapping(path: &str, text: &str, models: &[&str]) -> bool {
    path.starts_with("mappings/") && models.iter().any(|model| text.contains(&format!("from: odoo.{model}@")))
}

fn is_made(path: &str, mappings: &[File]) -> bool {
    let Some(name) = path.strip_prefix("contracts/").and_then(|path| path.strip_suffix(".yaml")) else {
        return path.starts_with("systems/");
    };
    let reference = format!("to: {}", name.replace('/', "@"));
    mappings.iter().any(|(_, text)| text.contains(&reference))
}

fn stem(path: &str) -> &str {
    path.trim_start_matches("mappings/").trim_end_matches(".yaml")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_brings_its_contract_and_on_request_what_becomes_of_it() {
        let paths = |extent| files(&["stock.quant"], extent).into_iter().map(|(path, _)| path).collect::<Vec<_>>();
        assert_eq!(paths(Extent::Contracts), ["contracts/odoo.stock.quant/1.0.0.yaml"]);
        let expected = [
            "contracts/inventory.position.changed.v1/1.0.0.yaml",
            "contracts/odoo.stock.quant/1.0.0.yaml",
            "flows/odoo-positions-changed.yaml",
            "mappings/odoo-position-changed.yaml",
            "systems/canonical.yaml",
        ];
        assert_eq!(paths(Extent::Flows), expected);
        assert_eq!(events("stock.quant").count(), 3);
    }
}
