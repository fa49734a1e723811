//! Schemas as validators: one dialect, no network, no files, patterns with a limit.

use jsonschema::{PatternOptions, ValidationError, Validator};
use serde_json::Value;

/// LIMIT: steps back that one pattern may take on one text; ordinary patterns take none.
const PATTERN_STEPS_MAX: usize = 100_000;

/// The dialect that contracts are written in.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A validator, or what is wrong with the schema.
pub(super) fn compile(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    jsonschema::draft202012::options()
        .offline()
        .should_validate_formats(false)
        .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS_MAX))
        .build(schema)
}
