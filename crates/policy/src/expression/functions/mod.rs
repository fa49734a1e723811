//! The functions that expressions may call: those of the VRL library that are pure and bounded, and a few of our own.
//!
//! No function in here reads a clock, a file, the network, the environment or chance, and none can make much out of
//! little. What is left out is named with its reason, so that a new version of the library cannot bring it in unseen.

mod counted;
mod decimal;
mod gs1;
mod guard;
mod iso_time;
mod lookup;
mod measured;
mod own;
mod units;

use std::sync::LazyLock;

use vrl::compiler::Function;
use vrl::value::Value;

pub(crate) use guard::{AGAIN, FEW, HASHED, KEPT, NAMED, NARROW, NUMBER, READ, SEARCHED, SHALLOW_XML, SMALL, SQUARED};
pub(crate) use iso_time::timestamp;
pub(crate) use lookup::{NOT_IN_TABLE, Tables};

/// Functions of the library that expressions may call.
const ALLOWED: &[&str] = &[
    "abs",
    "append",
    "array",
    "assert",
    "assert_eq",
    "basename",
    "bool",
    "camelcase",
    "ceil",
    "chunks",
    "community_id",
    "compact",
    "contains",
    "contains_all",
    "decode_base16",
    "decode_base64",
    "decode_charset",
    "decode_mime_q",
    "decode_percent",
    "decode_punycode",
    "del",
    "dirname",
    "downcase",
    "encode_base16",
    "encode_base64",
    "encode_charset",
    "encode_csv",
    "encode_json",
    "encode_key_value",
    "encode_logfmt",
    "encode_percent",
    "encode_punycode",
    "ends_with",
    "exists",
    "filter",
    "find",
    "flatten",
    "float",
    "floor",
    "for_each",
    "format_int",
    "format_number",
    "format_timestamp",
    "from_entries",
    "from_unix_timestamp",
    "get",
    "haversine",
    "includes",
    "int",
    "ip_aton",
    "ip_cidr_contains",
    "ip_ntoa",
    "ip_ntop",
    "ip_pton",
    "ip_subnet",
    "ip_to_ipv6",
    "ipv6_to_ipv4",
    "is_array",
    "is_boolean",
    "is_empty",
    "is_float",
    "is_integer",
    "is_ipv4",
    "is_ipv6",
    "is_json",
    "is_null",
    "is_nullish",
    "is_object",
    "is_regex",
    "is_string",
    "is_timestamp",
    "join",
    "kebabcase",
    "keys",
    "length",
    "map_keys",
    "map_values",
    "match",
    "match_any",
    "match_array",
    "merge",
    "mod",
    "object",
    "object_from_array",
    "parse_apache_log",
    "parse_aws_alb_log",
    "parse_aws_cloudwatch_log_subscription_message",
    "parse_aws_vpc_flow_log",
    "parse_bytes",
    "parse_cbor",
    "parse_cef",
    "parse_common_log",
    "parse_csv",
    "parse_duration",
    "parse_float",
    "parse_glog",
    "parse_influxdb",
    "parse_int",
    "parse_json",
    "parse_key_value",
    "parse_logfmt",
    "parse_nginx_log",
    "parse_query_string",
    "parse_regex",
    "parse_regex_all",
    "parse_ruby_hash",
    "parse_timestamp",
    "parse_tokens",
    "parse_url",
    "parse_xml",
    "pascalcase",
    "pop",
    "push",
    "range",
    "redact",
    "remove",
    "replace",
    "replace_with",
    "round",
    "screamingsnakecase",
    "shannon_entropy",
    "sieve",
    "slice",
    "snakecase",
    "split",
    "split_path",
    "starts_with",
    "string",
    "strip_ansi_escape_codes",
    "strip_whitespace",
    "strlen",
    "tag_types_externally",
    "tally",
    "tally_value",
    "timestamp",
    "to_bool",
    "to_entries",
    "to_float",
    "to_int",
    "to_string",
    "to_syslog_facility",
    "to_syslog_facility_code",
    "to_syslog_level",
    "to_syslog_severity",
    "to_unix_timestamp",
    "truncate",
    "unique",
    "upcase",
    "uuid_from_friendly_id",
    "values",
];

/// Functions of the library that do not exist here, with the reason. Those that this build does not have are named too.
const DENIED: &[(&str, &str)] = &[
    ("decode_gzip", SMALL_TO_LARGE),
    ("decode_lz4", SMALL_TO_LARGE),
    ("decode_snappy", SMALL_TO_LARGE),
    ("decode_zlib", SMALL_TO_LARGE),
    ("decode_zstd", SMALL_TO_LARGE),
    ("decrypt", SECRETS),
    ("decrypt_ip", SECRETS),
    ("dns_lookup", NETWORK),
    ("encode_gzip", COMPRESSED),
    ("encode_lz4", COMPRESSED),
    ("encode_proto", FILES),
    ("encode_snappy", COMPRESSED),
    ("encode_zlib", COMPRESSED),
    ("encode_zstd", COMPRESSED),
    ("encrypt", SECRETS),
    ("encrypt_ip", SECRETS),
    ("get_env_var", "it reads the environment"),
    ("get_hostname", "it reads the environment"),
    ("get_timezone_name", "it reads the environment"),
    ("http_request", NETWORK),
    ("log", "it writes to the log of the process"),
    ("match_datadog_query", "it is a language of its own"),
    ("now", "it reads the clock; `%time` is when the event happened"),
    ("parse_etld", FILES),
    ("parse_grok", UNBOUNDED),
    ("parse_groks", UNBOUNDED),
    ("parse_klog", YEAR),
    ("parse_linux_authorization", YEAR),
    ("parse_proto", FILES),
    ("parse_syslog", YEAR),
    ("parse_user_agent", "it costs more than an event may"),
    ("parse_yaml", SMALL_TO_LARGE),
    ("random_bool", CHANCE),
    ("random_bytes", CHANCE),
    ("random_float", CHANCE),
    ("random_int", CHANCE),
    ("reverse_dns", NETWORK),
    ("set", SMALL_TO_LARGE),
    ("to_regex", "a pattern from data can cost any time; write it as r'…'"),
    ("type_def", "it answers what the compiler knows, not what the event says"),
    ("unflatten", "it can nest without a limit"),
    ("unnest", SMALL_TO_LARGE),
    ("uuid_v4", CHANCE),
    ("uuid_v7", CHANCE),
    ("validate_json_schema", FILES),
    ("zip", "of an empty list it does not end"),
];

const SMALL_TO_LARGE: &str = "it can make much out of little, without a limit";
const COMPRESSED: &str = "its bytes are no text that JSON can carry";
const SECRETS: &str = "it needs a secret";
const NETWORK: &str = "it asks the network";
const FILES: &str = "it reads files";
const YEAR: &str = "it fills in the present year";
const CHANCE: &str = "it gives another value each time; `%id` is the same at every attempt";
const UNBOUNDED: &str = "its patterns can run without end; parse_regex does not";

/// Everything that expressions may call, and the guards that only the compiler can.
pub(crate) fn library() -> &'static [Box<dyn Function>] {
    static LIBRARY: LazyLock<Vec<Box<dyn Function>>> = LazyLock::new(|| {
        let allowed = vrl::stdlib::all().into_iter().filter(|function| ALLOWED.contains(&function.identifier()));
        let allowed = allowed.map(|function| Box::new(counted::Counted(measured::measured(function))) as Box<dyn Function>);
        allowed.chain(own::functions()).chain(guard::functions()).collect()
    });
    &LIBRARY
}

/// Why a function of the library does not exist here.
pub(crate) fn denied(name: &str) -> Option<&'static str> {
    DENIED.iter().find(|(denied, _)| *denied == name).map(|(_, why)| *why)
}

/// The names of all functions that people may call, for suggestions.
pub(crate) fn names() -> impl Iterator<Item = &'static str> + Clone {
    ALLOWED.iter().copied().chain(own::NAMES.iter().copied())
}

/// An argument of one of our functions; null where it is not given.
fn argument(arguments: &[Option<Value>], at: usize) -> &Value {
    arguments.get(at).and_then(Option::as_ref).unwrap_or(&Value::Null)
}

/// A text for a message, not longer than a line bears.
pub(crate) fn short(text: &str) -> String {
    const CHARS_MAX: usize = 80;
    let mut cut: String = text.chars().take(CHARS_MAX).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_the_library_is_allowed_or_denied_by_name() {
        for function in vrl::stdlib::all() {
            let name = function.identifier();
            let allowed = ALLOWED.contains(&name);
            assert!(allowed != denied(name).is_some(), "{name}: put it into one of the two tables of functions");
        }
    }

    #[test]
    fn no_name_stands_twice_and_no_allowed_name_is_wrong() {
        let library: Vec<_> = vrl::stdlib::all().iter().map(|function| function.identifier()).collect();
        assert!(ALLOWED.is_sorted() && DENIED.is_sorted());
        for name in ALLOWED {
            assert!(library.contains(name), "{name} is no function of the library");
        }
        let mut all: Vec<_> = names().collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), names().count());
    }

    #[test]
    fn nothing_that_is_allowed_is_marked_as_impure() {
        let known = ["assert", "assert_eq", "del"];
        for function in vrl::stdlib::all() {
            let name = function.identifier();
            assert!(function.pure() || denied(name).is_some() || known.contains(&name), "{name}");
        }
    }
}
