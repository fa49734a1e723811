//! Workflow commands of GitHub, which shows them as notes beside the changed lines.

use model::Diagnostic;

use super::{Texts, word};
use crate::SourceFile;

/// One line for each diagnostic.
pub fn github(diagnostics: &[Diagnostic], files: &[SourceFile]) -> String {
    let texts = Texts::of(files);
    diagnostics.iter().map(|diagnostic| line(diagnostic, &texts)).collect()
}

fn line(diagnostic: &Diagnostic, texts: &Texts<'_>) -> String {
    let place = texts.locate(&diagnostic.place);
    let mut properties = Vec::new();
    if let Some(file) = &place.file {
        properties.push(format!("file={}", property(file)));
    }
    if let (Some(start), Some(end)) = (place.start, place.end) {
        properties.push(format!("line={},endLine={}", start.line, end.line));
        // The columns of a note belong to one line; with several GitHub refuses them.
        if start.line == end.line {
            properties.push(format!("col={},endColumn={}", start.column, end.column));
        }
    }
    properties.push(format!("title={}", diagnostic.code));
    let mut message = diagnostic.message.clone();
    if !diagnostic.help.is_empty() {
        message.push('\n');
        message.push_str(&diagnostic.help);
    }
    format!("::{} {}::{}\n", word(diagnostic.severity), properties.join(","), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use model::Span;

    use super::*;
    use crate::codes;
    use crate::spanned::place;

    #[test]
    fn a_message_cannot_leave_its_line() {
        let file = SourceFile::new("flows/a,b.yaml", "owner: x\n");
        let at = place(&file.path, Span { start: 0, end: 5 });
        let diagnostic = Diagnostic::error(codes::TAB, at, "100%\n::error::x").help("y");
        let expected =
            "::error file=flows/a%2Cb.yaml,line=1,endLine=1,col=1,endColumn=6,title=H0102::100%25%0A::error::x%0Ay\n";
        assert_eq!(github(&[diagnostic], &[file]), expected);
    }
}
