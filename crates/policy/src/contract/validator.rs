//! Schemas as validators: one dialect, no network, no files, patterns with a limit, and a limit of steps where parts multiply.

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

use super::effort::{self, KEYWORD};
use super::spread::{Spread, spread};

/// LIMIT: steps back that one pattern may take on one text; ordinary patterns take none.
const PATTERN_STEPS_MAX: usize = 100_000;

/// The dialect that contracts are written in.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A schema that can be asked.
#[derive(Debug)]
pub(super) enum Ready {
    /// Few of its parts apply to one value: its work grows as the event does.
    Plain(Validator),
    /// Its parts count themselves.
    Counted(Validator),
}

/// A validator, or what is wrong with the schema.
pub(super) fn compile(schema: &Value) -> Result<Ready, ValidationError<'static>> {
    let options = jsonschema::draft202012::options()
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS_MAX));
    match spread(schema) {
        Spread::Few => options.build(schema).map(Ready::Plain),
        Spread::Many | Spread::Grows { .. } => {
            options.with_keyword(KEYWORD, effort::keyword).build(&effort::with_keyword(schema)).map(Ready::Counted)
        }
    }
}
