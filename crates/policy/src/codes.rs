//! Every code of the product in one table: constant, number, title and page.
//!
//! H01 YAML, H02 fields, H03 expressions and mappings, H04 contracts and schemas, H05 flows and systems, H06 tests,
//! H07 messages that break a contract, H08 messages that a mapping refuses, H09 intake, H10 an Odoo that is connected. A code is
//! never used again for something else; 319, 610 to 613 and 907 are gone. Its page is `docs/codes/HNNNN.md`, compiled in;
//! `cargo xtask tidy` keeps table and pages together.

use model::Code;

/// A code with its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CodeInfo {
    /// The code.
    pub code: Code,
    /// `H0312`.
    pub text: &'static str,
    /// What it says, in a few words.
    pub title: &'static str,
    /// The page, in Markdown.
    pub page: &'static str,
}

// A function cannot name a constant or include a file, so this is a macro.
macro_rules! codes {
    ($($name:ident $number:literal $text:literal $title:literal)*) => {
        $(
            #[doc = concat!($text, ": ", $title, ".")]
            pub const $name: Code = Code($number);
        )*

        /// All codes, in the order of their numbers.
        pub const CODES: &[CodeInfo] = &[$(
            CodeInfo {
                code: $name,
                text: $text,
                title: $title,
                page: include_str!(concat!("../../../docs/codes/", $text, ".md")),
            },
        )*];
    };
}

codes! {
    SYNTAX 101 "H0101" "not valid YAML"
    TAB 102 "H0102" "a tab in the indentation"
    KEY_TWICE 103 "H0103" "a key stands twice in one map"
    ANCHOR 104 "H0104" "an anchor or an alias"
    TAG 105 "H0105" "a YAML tag"
    DOCUMENTS 106 "H0106" "more than one document in a file"
    EMPTY_FILE 107 "H0107" "the file says nothing"
    KEY_NO_TEXT 108 "H0108" "a key that is no text"
    TOO_DEEP 109 "H0109" "nested too deeply"
    FILE_TOO_LARGE 110 "H0110" "a file is too large"
    TOO_MANY_FILES 111 "H0111" "too many files"
    UNKNOWN_FOLDER 112 "H0112" "a file that belongs to nothing"
    BAD_FILE_NAME 113 "H0113" "a path that gives no name"
    FILE_TWICE 114 "H0114" "the same file twice"
    LEFT_OUT 115 "H0115" "more mistakes than are shown"
    CONTROL_CHARACTER 116 "H0116" "a control character"
    NOT_UTF8 117 "H0117" "bytes that are no UTF-8"
    UNREADABLE 118 "H0118" "something that cannot be read"

    UNKNOWN_KEY 201 "H0201" "a key that is not known here"
    MISSING_KEY 202 "H0202" "a required key is missing"
    WRONG_SHAPE 203 "H0203" "a map, a list or a text stands where something else belongs"
    BAD_NAME 204 "H0204" "not a name"
    BAD_DURATION 205 "H0205" "not a span of time"
    BAD_SIZE 206 "H0206" "not a size"
    BAD_RATE 207 "H0207" "not a rate"
    BAD_PERCENT 208 "H0208" "not a percentage"
    BAD_NETWORK 209 "H0209" "not a network"
    BAD_DATE 210 "H0210" "not a date or an instant"
    BAD_URL 211 "H0211" "not a URL that can be called"
    UNKNOWN_WORD 212 "H0212" "not one of the words that are known here"
    BAD_SECRET 213 "H0213" "not the name of a secret"
    OUT_OF_RANGE 214 "H0214" "a value outside of its range"
    CHOOSE_ONE 215 "H0215" "exactly one of several keys is needed"
    BAD_HEADER 216 "H0216" "not the name of a header"
    BAD_CONTRACT_REF 217 "H0217" "not a contract with its version"
    NOTHING_HERE 218 "H0218" "something has to stand here"
    BAD_SCHEME 219 "H0219" "a signature that proves nothing"
    BAD_TYPE_PATTERN 220 "H0220" "not an event type or a prefix of one"
    BAD_NUMBER 221 "H0221" "not a whole number, or not true or false"
    NUMBER_LOSS 222 "H0222" "a number that is not kept as it is written"
    URL_CREDENTIALS 223 "H0223" "a user or a password in a URL"
    CREDENTIAL_HEADER 224 "H0224" "a credential in a fixed header"
    RESERVED_HEADER 225 "H0225" "a header that the product writes itself"
    BAD_HEADER_VALUE 226 "H0226" "a value that no header can have"

    EXPRESSION_SYNTAX 301 "H0301" "an expression that cannot be read"
    UNKNOWN_FUNCTION 302 "H0302" "no such function"
    BAD_ARGUMENT 303 "H0303" "an argument that does not fit its function"
    CAN_FAIL 304 "H0304" "an expression that can fail"
    TYPES_DIFFER 305 "H0305" "values that do not go together"
    NOT_BOOLEAN 306 "H0306" "a condition that is not true or false"
    NOT_TEXT 307 "H0307" "a key that is no text"
    EXPRESSION_WRITES 308 "H0308" "an expression that changes what it reads"
    UNKNOWN_VARIABLE 309 "H0309" "no such variable"
    FUNCTION_NOT_HERE 310 "H0310" "a function that does not exist here"
    BAD_PATH 311 "H0311" "not a path"
    UNKNOWN_ENVELOPE 312 "H0312" "no such part of the envelope"
    EXPRESSION_TOO_LARGE 313 "H0313" "an expression that is too large"
    NEEDLESS 314 "H0314" "a part of an expression that does nothing"
    GIVES_UP 315 "H0315" "an expression that may not give up"
    TWO_TARGETS 316 "H0316" "an assignment with two targets"
    UNKNOWN_PATH 330 "H0330" "a field that the contract does not have"
    UNKNOWN_TARGET 331 "H0331" "a target field that the contract does not have"
    TARGET_MISSING 332 "H0332" "a required target field is not mapped"
    TARGET_TYPE 333 "H0333" "a value of another type than its target field"
    UNKNOWN_TABLE 334 "H0334" "no such lookup table"
    TARGET_TWICE 335 "H0335" "a target field is mapped twice"
    EACH_NO_LIST 336 "H0336" "`each` over something that is no list"

    BAD_SCHEMA 401 "H0401" "not a JSON Schema"
    REMOTE_REF 402 "H0402" "a reference that leads out of the contract"
    UNKNOWN_REF 403 "H0403" "a reference that leads nowhere"
    OTHER_DIALECT 404 "H0404" "another dialect than JSON Schema 2020-12"
    PATH_NOT_IN_SCHEMA 405 "H0405" "a path that the schema does not have"
    EXAMPLE_REFUSED 406 "H0406" "an example that breaks its own contract"
    TOO_MANY_IDENTIFIERS 407 "H0407" "too many business identifiers"
    ALTERNATIVES_MULTIPLY 408 "H0408" "a type that contains itself in several alternatives"
    BREAKING_VERSION 409 "H0409" "a version that breaks one before it"
    NO_BRIDGE 410 "H0410" "two major versions without a way between them"

    UNKNOWN_MAPPING 501 "H0501" "no such mapping"
    UNKNOWN_DESTINATION 502 "H0502" "no such destination"
    UNKNOWN_RETRY 503 "H0503" "no such retry policy"
    UNKNOWN_SOURCE 504 "H0504" "no such source"
    UNKNOWN_CONTRACT 505 "H0505" "no such contract"
    NAME_TWICE 506 "H0506" "a name is given twice"
    NO_OWNER 507 "H0507" "nobody answers for it"
    UNSIGNED_INCOMPLETE 508 "H0508" "an unsigned source without owner, end or reason"
    UNSIGNED_EXPIRED 509 "H0509" "the permission of an unsigned source has ended"
    TYPE_NEVER_COMES 510 "H0510" "no source brings this event type"
    UNUSED_MAPPING 511 "H0511" "a mapping that no flow uses"
    UNUSED_CONTRACT 512 "H0512" "a contract that nothing uses"
    NO_DEADLINE 513 "H0513" "repeats without an end"
    PRIVATE_ADDRESS 514 "H0514" "a private address that is not allowed"
    CLEAR_TEXT 515 "H0515" "clear text beyond this machine"
    SECRETS_MISMATCH 516 "H0516" "secrets that do not fit the verification"
    MAPPING_OF_OTHER_CONTRACT 517 "H0517" "a mapping for another contract than the flow's events have"
    RETIRED_CONTRACT 518 "H0518" "a retired contract is in use"
    BUILT_IN_NAME 519 "H0519" "the name of a built-in retry policy"
    NO_ORDERING 520 "H0520" "the contract has no ordering key"
    SECRETS_COLLIDE 521 "H0521" "two secrets with one environment variable"
    NO_API 522 "H0522" "records are captured, and the system has no API"
    NOT_CAPTURED 523 "H0523" "an event that cannot be captured"
    NO_COMMANDS 524 "H0524" "commands that cannot be given so"
    NOT_OF_THIS_WAY 525 "H0525" "a setting that this way of capture does not have"
    UNKNOWN_TEAM 526 "H0526" "no such team"
    UNKNOWN_SYSTEM 527 "H0527" "no such system"

    TEST_UNKNOWN_SOURCE 601 "H0601" "a test names a source that does not exist"
    TEST_UNKNOWN_FLOW 602 "H0602" "a test names a flow or destination that does not exist"
    TEST_NO_BODY_FILE 603 "H0603" "the body file of a test is not there"
    TEST_CONTRADICTION 604 "H0604" "a test expects what cannot be"
    TEST_UNKNOWN_CODE 605 "H0605" "a test expects a code that does not exist"

    FIELD_MISSING 701 "H0701" "a required field is missing"
    WRONG_TYPE 702 "H0702" "a value of another type"
    NOT_ALLOWED 703 "H0703" "a value that is not allowed"
    OUT_OF_BOUNDS 704 "H0704" "a value outside of its bounds"
    WRONG_FORM 705 "H0705" "a text of another form"
    EXTRA_FIELD 706 "H0706" "a field that is not allowed"
    NO_ALTERNATIVE 707 "H0707" "none of the alternatives fits"
    RULE_BROKEN 708 "H0708" "another rule of the schema is broken"
    DATA_NOT_JSON 709 "H0709" "the data is no JSON"
    TOO_COSTLY 710 "H0710" "a contract takes too many steps to check"

    FIELD_FAILED 801 "H0801" "a field cannot be made"
    NOT_IN_TABLE 802 "H0802" "a value that its lookup table does not have"
    RESULT_REFUSED 803 "H0803" "the result breaks the contract of the target"
    RESULT_TOO_LARGE 804 "H0804" "the result is too large"
    TOO_MANY_STEPS 805 "H0805" "a mapping takes too many steps"
    EACH_GOT_NO_LIST 806 "H0806" "`each` got something that is no list"
    MAPPING_GAVE_UP 807 "H0807" "the mapping refuses the event"

    UNLISTED_TYPE 901 "H0901" "an event type that the source does not list"
    NO_TYPE 902 "H0902" "no event type in the request"
    NO_KEY 903 "H0903" "no key in the request"
    NOT_JSON 904 "H0904" "the body is no JSON"
    BODY_TOO_DEEP 905 "H0905" "the body is nested too deeply"
    BAD_ENVELOPE 906 "H0906" "a rule of CloudEvents is broken"
    KEY_REUSED 908 "H0908" "the key was used with another content"
    REPEATED_NAME 909 "H0909" "a name stands twice in one object"
    POLICY_UNREADABLE 910 "H0910" "the policy that judged an event cannot be read any more"

    ODOO_NAME 1001 "H1001" "the name of Odoo's machine does not resolve"
    ODOO_UNREACHED 1002 "H1002" "there is no connection to Odoo"
    ODOO_TLS 1003 "H1003" "TLS with Odoo fails"
    ODOO_REDIRECTS 1004 "H1004" "Odoo's address leads to another one"
    NOT_ODOO 1005 "H1005" "what answers is not Odoo"
    ODOO_TOO_OLD 1006 "H1006" "this version of Odoo is too old"
    ODOO_DATABASE 1007 "H1007" "Odoo has no such database"
    ODOO_KEY 1008 "H1008" "Odoo does not accept the key"
    ODOO_LOGIN 1009 "H1009" "the login is missing"
    ODOO_ACCESS 1010 "H1010" "our user in Odoo may not do this"
    ODOO_MODEL 1011 "H1011" "Odoo does not have a model"
    ODOO_FIELD 1012 "H1012" "Odoo does not have a field"
    ODOO_BUSY 1013 "H1013" "Odoo cannot work now"
    ODOO_CLOCK 1014 "H1014" "Odoo's clock differs"
    ODOO_PRIVATE 1015 "H1015" "Odoo is in a private network"
    ODOO_KEY_ENDS 1016 "H1016" "a key ends soon"
    ODOO_REFUSES 1017 "H1017" "Odoo refuses what was asked"
    ODOO_NO_OUTBOX 1020 "H1020" "the outbox addon is not installed in Odoo"
    ODOO_NO_READER 1021 "H1021" "our user may not read Odoo's outbox"
    ODOO_UNHEARD 1022 "H1022" "a webhook of Odoo's does not arrive"
    ODOO_KEY_PLACE 1023 "H1023" "a key lies where it cannot be replaced"
    ODOO_NO_ROTATION 1024 "H1024" "nothing says by what a new key is made"
    ODOO_PASSWORD 1025 "H1025" "a password opens no session in Odoo"
    ODOO_OUTBOX_RULE 1026 "H1026" "a rule of the outbox is not what the contract reads"
}

/// The row of a code.
pub fn info(code: Code) -> Option<&'static CodeInfo> {
    CODES.binary_search_by_key(&code, |info| info.code).ok().and_then(|at| CODES.get(at))
}

/// The page of a code, in Markdown.
pub fn page(code: Code) -> Option<&'static str> {
    info(code).map(|info| info.page)
}

/// The title of a code, or an empty text.
pub fn title(code: Code) -> &'static str {
    info(code).map_or("", |info| info.title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_in_order_and_say_their_number_once() {
        assert!(CODES.is_sorted_by_key(|info| info.code), "binary search needs the order");
        for (one, next) in CODES.iter().zip(&CODES[1..]) {
            assert_ne!(one.code, next.code);
        }
        for info in CODES {
            assert_eq!(info.code.to_string(), info.text);
        }
    }

    #[test]
    fn every_page_begins_with_its_code_and_title() {
        for info in CODES {
            let first = info.page.lines().next().unwrap_or_default();
            assert_eq!(first, format!("# {}: {}", info.text, info.title));
        }
    }
}
