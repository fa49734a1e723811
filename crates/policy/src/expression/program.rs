//! An expression as a program: compiled with the types that a contract gives, run with a limit of steps.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;

use model::Diagnostic;
use vrl::compiler::runtime::{Runtime, Terminate};
use vrl::compiler::state::{ExternalEnv, LocalEnv, RuntimeState, TypeState};
use vrl::compiler::unused_expression_checker::check_for_unused_results;
use vrl::compiler::{CompilationResult, CompileConfig, Compiler, ExpressionError, TimeZone};
use vrl::diagnostic::{DiagnosticList, DiagnosticMessage, Note};
use vrl::parser::Program as Ast;
use vrl::value::kind::Collection;
use vrl::value::{Kind, Value};

use super::functions::{NOT_IN_TABLE, Tables, library};
use super::path::{Path, Segment};
use super::report::{report, report_needless, report_problem, report_syntax};
use super::source::Source;
use super::steps::{Counting, Metered, Steps};
use super::syntax::{Query, Root, prepare};
use super::view::{Reading, envelope_kind};
use super::walk::DEPTH_MAX;

/// LIMIT: the text of one expression; what is longer belongs into several fields.
const TEXT_BYTES_MAX: usize = 8 * 1024;
/// LIMIT: operators and branches of one expression; each may be a level of the tree, and the compiler recurses.
const OPERATORS_MAX: usize = 400;

/// What is known before an expression is compiled.
#[derive(Clone, Copy)]
pub(crate) struct Setting<'s> {
    /// Lookup tables.
    pub(crate) tables: &'s Tables,
    /// Whether `.` is an item of a list, and `event` the whole data.
    pub(crate) in_list: bool,
    /// What it may come to when something fails.
    pub(crate) failing: Failing,
    /// The type of what a path leads to.
    pub(crate) types: &'s dyn Fn(Root, &Path) -> Kind,
    /// What is wrong with a path.
    pub(crate) unknown: &'s dyn Fn(&Query) -> Option<Diagnostic>,
}

/// What becomes of an expression in which something fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failing {
    /// It may give up, and the message is refused.
    Refuses,
    /// It has to answer all the same.
    Never,
}

/// A compiled expression.
#[derive(Debug)]
pub(crate) struct Program {
    compiled: vrl::compiler::Program,
    /// What it reads.
    pub(crate) queries: Vec<Query>,
    /// The path of the list that it hands on, where it does nothing else.
    pub(crate) list: Option<Path>,
    /// The type of its result.
    pub(crate) result: Kind,
    /// Whether it can end without a result.
    pub(crate) can_fail: bool,
    /// What is probably not meant so.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Why a run ended without a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) reason: Reason,
    pub(crate) message: String,
    /// The bytes of the expression that failed, where that is known.
    pub(crate) at: Option<Range<usize>>,
}

/// Kinds of failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// A function or an operator refused a value.
    Refused,
    /// A value is not in its lookup table.
    NotInTable,
    /// The expression itself gave up.
    Aborted,
    /// It took more steps than it may.
    TooLong,
}

impl Program {
    /// Compiles an expression, or says all that is wrong with it.
    pub(crate) fn compile(source: &Source, setting: Setting<'_>) -> Result<Self, Vec<Diagnostic>> {
        if let Some(why) = too_large(source.text()) {
            let help = "spread it over several fields, or keep parts of it in variables";
            return Err(vec![Diagnostic::error(crate::codes::EXPRESSION_TOO_LARGE, source.place(), why).help(help)]);
        }
        let ast = vrl::parser::parse(source.text()).map_err(|error| vec![report_syntax(source, &error)])?;
        let mut needless = Vec::new();
        let mut tree = prepare(ast.clone(), setting, &needless);
        if !tree.problems.is_empty() {
            return Err(tree.problems.into_iter().map(|problem| report_problem(source, problem)).collect());
        }
        let unknown: Vec<Diagnostic> = tree.queries.iter().filter_map(setting.unknown).collect();
        let state = type_state(&tree.queries, setting.types);
        let compiled = loop {
            match compile_tree(&tree.program, &state, setting.tables) {
                Ok(compiled) => break compiled,
                // What the language takes for a mistake is caution here: the contract may change.
                Err(errors) => match needless_coalescing(&errors, &needless) {
                    None => return Err(with_unknown(unknown, report(source, setting.failing, &errors))),
                    Some(more) => needless.push(more),
                },
            }
            tree = prepare(ast.clone(), setting, &needless);
        };
        if !unknown.is_empty() {
            return Err(unknown);
        }
        let mut warnings = report(source, setting.failing, &compiled.warnings);
        warnings.extend(report(source, setting.failing, &check_for_unused_results(&ast)));
        warnings.extend(needless.into_iter().map(|span| report_needless(source, span)));
        let info = compiled.program.info();
        Ok(Self {
            can_fail: info.fallible || info.abortable,
            result: compiled.program.final_type_info().result.kind().clone(),
            compiled: compiled.program,
            queries: tree.queries,
            list: tree.list,
            warnings,
        })
    }

    /// Runs it.
    pub(crate) fn run(&self, reading: Reading<'_>, steps: &Steps) -> Result<Value, Failure> {
        static UTC: LazyLock<TimeZone> = LazyLock::new(|| TimeZone::parse("UTC").unwrap_or_default());
        let mut runtime = Runtime::new(RuntimeState::default());
        // Functions of the library break down on some values (`abs` of the least integer). A message must not end a loop.
        let mut target = Metered::new(reading, steps);
        let run = || runtime.resolve_with_control(&mut target, &self.compiled, &UTC, &mut Counting(steps));
        match catch_unwind(AssertUnwindSafe(run)) {
            Ok(_) if steps.is_over() => Err(terminated(Terminate::Interrupted)),
            Ok(answer) => answer.map_err(terminated),
            Err(_) => Err(Failure::new(Reason::Refused, "a function broke down on this value")),
        }
    }
}

impl Failure {
    fn new(reason: Reason, message: &str) -> Self {
        Self { reason, message: message.to_owned(), at: None }
    }
}

fn terminated(terminate: Terminate) -> Failure {
    match terminate {
        Terminate::Interrupted => Failure::new(Reason::TooLong, "it takes more steps than it may"),
        Terminate::Abort(error) => failure(Reason::Aborted, error),
        Terminate::Error(error) => failure(Reason::Refused, error),
    }
}

/// Whether a text could become a tree that is too deep to be gone through. The walk counts exactly; this is before it.
fn too_large(text: &str) -> Option<String> {
    if text.len() > TEXT_BYTES_MAX {
        return Some(format!("the expression is longer than {TEXT_BYTES_MAX} bytes"));
    }
    let (mut depth, mut operators, mut quoted, mut escaped) = (0_usize, text.matches("else").count(), false, false);
    for byte in text.bytes() {
        match byte {
            b'"' if !escaped => quoted = !quoted,
            _ if quoted => {}
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b'+' | b'-' | b'*' | b'/' | b'%' | b'|' | b'&' | b'=' | b'<' | b'>' | b'?' | b'!' => {
                operators += 1;
            }
            _ => {}
        }
        escaped = byte == b'\\' && !escaped;
        if depth > DEPTH_MAX {
            return Some(format!("the expression has more than {DEPTH_MAX} levels of brackets"));
        }
    }
    (operators > OPERATORS_MAX).then(|| format!("the expression has more than {OPERATORS_MAX} operators"))
}

/// The innermost place and message: each call around it adds its own.
fn failure(reason: Reason, error: ExpressionError) -> Failure {
    match error {
        ExpressionError::Error { message, labels, notes } => {
            let first = labels.into_iter().next();
            let at = first.as_ref().map(|label| label.span.start()..label.span.end());
            let message = first.map_or(message, |label| label.message);
            let not_in_table = notes.contains(&Note::UserErrorMessage(NOT_IN_TABLE.to_owned()));
            Failure { reason: if not_in_table { Reason::NotInTable } else { reason }, message, at }
        }
        ExpressionError::Abort { span, message } => Failure {
            reason,
            message: message.unwrap_or_else(|| "it aborted".to_owned()),
            at: Some(span.start()..span.end()),
        },
        ExpressionError::Interrupted
        | ExpressionError::Return { .. }
        | ExpressionError::Break { .. }
        | ExpressionError::Fallible { .. }
        | ExpressionError::Missing { .. } => Failure { reason, message: error.to_string(), at: None },
    }
}

/// What a path leads to that does not exist has no type, so that everything around it can fail. That is not said too.
fn with_unknown(unknown: Vec<Diagnostic>, mut errors: Vec<Diagnostic>) -> Vec<Diagnostic> {
    errors.retain(|error| unknown.is_empty() || error.code != crate::codes::CAN_FAIL);
    unknown.into_iter().chain(errors).collect()
}

/// The `??` behind something that cannot fail, if that is among the errors and was not taken out before.
fn needless_coalescing(errors: &DiagnosticList, known: &[Range<usize>]) -> Option<Range<usize>> {
    const UNNECESSARY_COALESCE: usize = 651;
    let found = errors.iter().filter(|error| error.code == UNNECESSARY_COALESCE).filter_map(|error| error.labels.last());
    found.map(|operator| operator.span.start()..operator.span.end()).find(|span| !known.contains(span))
}

fn compile_tree(tree: &Ast, state: &TypeState, tables: &Tables) -> Result<CompilationResult, DiagnosticList> {
    let mut config = CompileConfig::default();
    config.set_read_only();
    config.set_custom(tables.clone());
    let compile = || Compiler::compile(library(), tree.clone(), state, config);
    catch_unwind(AssertUnwindSafe(compile)).unwrap_or_else(|_| {
        let broke_down = "the compiler broke down on this expression".to_owned();
        Err(vec![Box::new(ExpressionError::from(broke_down)) as Box<dyn DiagnosticMessage>].into())
    })
}

/// The types of what an expression reads; anything where nothing is known. Only the paths that it reads are told, because
/// the compiler copies them at every step.
fn type_state(queries: &[Query], types: &dyn Fn(Root, &Path) -> Kind) -> TypeState {
    let here = known_paths(queries, Root::Here, types);
    let whole = known_paths(queries, Root::Whole, types);
    TypeState { local: LocalEnv::default(), external: ExternalEnv::new_with_kind(here, envelope_kind(whole)) }
}

fn known_paths(queries: &[Query], root: Root, types: &dyn Fn(Root, &Path) -> Kind) -> Kind {
    // Only up to the first list: its type tells its items, and a type with places in it would have room for all of them.
    let to_list = |query: &Query| {
        let fields = query.path.segments().iter().take_while(|segment| matches!(segment, Segment::Field(_)));
        Path::new(fields.cloned().collect())
    };
    let mut paths: Vec<Path> = queries.iter().filter(|query| query.root == root).map(to_list).collect();
    paths.sort_unstable();
    paths.dedup();
    // A path tells all that is below it; sorted, those below follow it directly.
    paths.dedup_by(|below, above| below.segments().starts_with(above.segments()));
    match paths.as_slice() {
        [] => return Kind::any(),
        [only] if only.segments().is_empty() => return types(root, only),
        _ => {}
    }
    let mut kind = Kind::object(Collection::any());
    for path in &paths {
        let told = types(root, path);
        if !told.is_any() {
            kind.set_at_path(&to_vrl(path), told);
        }
    }
    kind
}

fn to_vrl(path: &Path) -> vrl::path::OwnedValuePath {
    let segments = path.segments().iter().map(|segment| match segment {
        Segment::Field(name) => vrl::path::OwnedSegment::field(name),
        Segment::Index(index) => vrl::path::OwnedSegment::index(isize::try_from(*index).unwrap_or(isize::MAX)),
    });
    segments.collect::<Vec<_>>().into()
}
