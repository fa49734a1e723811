//! Every command block of the guide and of the README, run in order with the real binary, each page in an empty folder; and
//! the reference pages against what they describe. `docs/guide/README.md` says how a block is written.

#[cfg(test)]
mod compare;
#[cfg(test)]
mod page;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod terminal;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use crate::page::{Block, Page};
    use crate::terminal::Terminal;

    fn root() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
    }

    fn pages_below(folder: &Path, pages: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pages_below(&path, pages);
            } else if path.extension().is_some_and(|ending| ending == "md") {
                pages.push(path);
            }
        }
        pages.sort();
    }

    fn run(path: &Path) {
        let page = Page::read(path);
        let mut terminal = Terminal::new();
        for block in &page.blocks {
            match block {
                Block::Commands(commands) => commands.iter().for_each(|command| terminal.run(&page.name, command)),
                Block::Stop(verb) => terminal.stop(verb),
                Block::Arrives { of, expected } => terminal.arrives(&page.name, of, expected),
            }
        }
    }

    #[test]
    fn the_readme_does_what_it_says() {
        run(&root().join("README.md"));
    }

    fn run_all(kind: &str, least: usize) {
        let mut pages = Vec::new();
        pages_below(&root().join("docs/guide").join(kind), &mut pages);
        assert!(pages.len() >= least, "{pages:?}");
        // All of them, so that one run shows every page that is wrong.
        let wrong: Vec<&PathBuf> = pages.iter().filter(|page| std::panic::catch_unwind(|| run(page)).is_err()).collect();
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    #[test]
    fn the_tutorials_do_what_they_say() {
        run_all("tutorials", 2);
    }

    #[test]
    fn the_how_tos_do_what_they_say() {
        run_all("how-to", 11);
    }

    #[test]
    fn the_explanations_do_what_they_say() {
        run_all("explanation", 4);
    }

    #[test]
    fn the_reference_does_what_it_says() {
        run_all("reference", 9);
    }

    #[test]
    fn every_page_of_the_guide_is_in_its_index() {
        let folder = root().join("docs/guide");
        let index = std::fs::read_to_string(folder.join("README.md")).unwrap();
        let mut pages = Vec::new();
        pages_below(&folder, &mut pages);
        for page in pages {
            let name = page.strip_prefix(&folder).unwrap().display().to_string();
            assert!(name == "README.md" || index.contains(&format!("({name})")), "{name} is not in docs/guide/README.md");
        }
    }
}
