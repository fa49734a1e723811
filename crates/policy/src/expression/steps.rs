//! What an expression may do: each of its parts is a step when it is evaluated, and what it reads or makes is as many more as it is
//! large. A function of the library that goes through a whole list is one part, and would be one step otherwise.

use std::cell::Cell;
use std::ops::ControlFlow;

use vrl::compiler::runtime::ExecutionControl;
use vrl::compiler::{Context, ExpressionError, Target};
use vrl::path::OwnedTargetPath;
use vrl::value::Value;

use super::view::Reading;

/// LIMIT: steps of all expressions of one mapping or filter together: about a tenth of a second.
pub(crate) const STEPS_MAX: usize = 1_000_000;

/// Steps of this many parts are as long as one whole step: an item of a list.
const PARTS: usize = 16;
/// A member of an object, with its name.
const MEMBER_PARTS: usize = 8;
/// A text, besides its bytes: it is counted by whoever has it.
const TEXT_PARTS: usize = 2;
/// Bytes of a text that are one part.
const PART_BYTES: usize = 16;

/// Steps that are left; nothing once more were wanted.
#[derive(Debug)]
pub(crate) struct Steps(Cell<Option<usize>>);

impl Steps {
    /// As many as one mapping or filter may take.
    pub(crate) const fn new() -> Self {
        Self::of(STEPS_MAX)
    }

    /// So many.
    pub(crate) const fn of(steps: usize) -> Self {
        Self(Cell::new(Some(steps)))
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.0.get().unwrap_or(0)
    }

    /// Whether more were wanted than there were. What was answered with that is no answer.
    pub(super) const fn is_over(&self) -> bool {
        self.0.get().is_none()
    }

    fn take(&self, steps: usize) -> ControlFlow<()> {
        let left = self.0.get().and_then(|left| left.checked_sub(steps));
        self.0.set(left);
        left.map_or(ControlFlow::Break(()), |_| ControlFlow::Continue(()))
    }
}

/// How many steps a value is long beside the first; stops counting above [`STEPS_MAX`].
pub(crate) fn length(value: &Value) -> usize {
    match value {
        Value::Bytes(bytes) => return bytes.len() / PART_BYTES / PARTS,
        Value::String(text) => return text.len() / PART_BYTES / PARTS,
        Value::Array(_) | Value::Object(_) => {}
        Value::Null | Value::Boolean(_) | Value::Integer(_) | Value::Float(_) | Value::Timestamp(_) | Value::Regex(_) => {
            return 0;
        }
    }
    let (mut parts, mut waiting) = (0_usize, vec![value]);
    while let Some(value) = waiting.pop() {
        match value {
            Value::Bytes(bytes) => parts += TEXT_PARTS + bytes.len() / PART_BYTES,
            Value::String(text) => parts += TEXT_PARTS + text.len() / PART_BYTES,
            Value::Array(items) => {
                parts += items.len();
                waiting.extend(items);
            }
            Value::Object(members) => {
                parts += members.len() * MEMBER_PARTS;
                waiting.extend(members.values());
            }
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Timestamp(_)
            | Value::Regex(_) => {}
        }
        if parts / PARTS > STEPS_MAX {
            break;
        }
    }
    parts / PARTS
}

/// Counts a value that is no read of the event; from within the language steps are taken one by one.
pub(super) fn count(value: &Value, context: &mut Context<'_>) -> Result<(), ExpressionError> {
    (0..length(value)).try_for_each(|_| context.checkpoint())
}

/// Counts the parts of an expression.
pub(super) struct Counting<'s>(pub(super) &'s Steps);

impl ExecutionControl for Counting<'_> {
    fn checkpoint(&mut self) -> ControlFlow<()> {
        self.0.take(1)
    }
}

/// What an expression reads, counted by its size.
#[derive(Debug)]
pub(super) struct Metered<'r> {
    reading: Reading<'r>,
    steps: &'r Steps,
    /// The language looks once whether there is anything to read.
    has_begun: Cell<bool>,
}

impl<'r> Metered<'r> {
    pub(super) const fn new(reading: Reading<'r>, steps: &'r Steps) -> Self {
        Self { reading, steps, has_begun: Cell::new(false) }
    }
}

impl Target for Metered<'_> {
    fn target_get(&self, path: &OwnedTargetPath) -> Result<Option<&Value>, String> {
        let found = self.reading.target_get(path)?;
        if self.has_begun.replace(true)
            && let Some(value) = found
            && self.steps.take(length(value)).is_break()
        {
            return Ok(None);
        }
        Ok(found)
    }

    fn target_insert(&mut self, path: &OwnedTargetPath, value: Value) -> Result<(), String> {
        self.reading.target_insert(path, value)
    }

    fn target_get_mut(&mut self, path: &OwnedTargetPath) -> Result<Option<&mut Value>, String> {
        self.reading.target_get_mut(path)
    }

    fn target_remove(&mut self, path: &OwnedTargetPath, compact: bool) -> Result<Option<Value>, String> {
        self.reading.target_remove(path, compact)
    }
}

impl vrl::compiler::SecretTarget for Metered<'_> {
    fn get_secret(&self, key: &str) -> Option<&str> {
        self.reading.get_secret(key)
    }

    fn insert_secret(&mut self, key: &str, value: &str) {
        self.reading.insert_secret(key, value);
    }

    fn remove_secret(&mut self, key: &str) {
        self.reading.remove_secret(key);
    }
}
