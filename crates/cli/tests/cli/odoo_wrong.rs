//! What can be wrong with an Odoo: each case of `corpus/odoo/diagnostics` against what it names, and the words that come of it.
//! `UPDATE=1` accepts them.

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::product::{Going, run_with};

/// A `case.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    serve: Serve,
    /// `ADDRESS`, `HOST` and `LOGIN` stand for those of the server.
    run: Vec<String>,
    /// In the place of the server's key.
    key: Option<String>,
}

/// What answers.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Serve {
    /// A simulated Odoo with these flags.
    Odoo(Vec<String>),
    /// Something that says this to everybody.
    Says { status: String, body: String },
    /// Nobody; the address stands in the command.
    Nobody,
}

/// What runs while a case does.
enum Served {
    Odoo(Box<Going>),
    Other(SocketAddr),
    Nobody,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../corpus/odoo/diagnostics")
}

#[test]
#[expect(clippy::disallowed_methods, reason = "UPDATE=1 accepts what comes out")]
fn each_thing_that_is_wrong_has_its_words_and_its_repair() {
    let accepts = std::env::var_os("UPDATE").is_some();
    let mut cases: Vec<PathBuf> = std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|path| path.is_dir());
    cases.sort();
    assert!(cases.len() >= 23, "{cases:?}");
    let mut wrong = Vec::new();
    for folder in cases {
        let said = said(&folder);
        let expected = folder.join("expected.txt");
        if accepts {
            std::fs::write(&expected, &said).unwrap();
        }
        if std::fs::read_to_string(&expected).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", folder.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What a case says, with its exit code.
fn said(case: &Path) -> String {
    let place = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(case.join("case.json")).unwrap();
    let Case { serve, run, key } = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    let served = serve_it(&serve, place.path());
    let (host, login, own) = match &served {
        Served::Odoo(odoo) => {
            (odoo.url.trim_start_matches("http://").to_owned(), odoo.told("login").to_owned(), odoo.told("key").to_owned())
        }
        Served::Other(address) => (address.to_string(), String::new(), String::new()),
        Served::Nobody => (String::new(), String::new(), String::new()),
    };
    let key = key.unwrap_or(if own.is_empty() { "0".repeat(40) } else { own });
    let filled =
        |text: &str| text.replace("ADDRESS", &format!("http://{host}")).replace("HOST", &host).replace("LOGIN", &login);
    copy(&case.join("project"), &place.path().join("project"), &filled);
    let args: Vec<String> = run.iter().map(|word| filled(word)).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).chain(["--json"]).collect();
    let ran = run_with(
        place.path(),
        &args,
        &[("KEY", &key), ("CROSSDOCK_SECRET_ERP_KEY", &key), ("CROSSDOCK_LISTEN", "127.0.0.1:0")],
    );
    let told = words(&ran.json());
    let told = if host.is_empty() { told } else { told.replace(&host, "HOST") };
    format!("{told}ends with {}\n", ran.code)
}

fn serve_it(serve: &Serve, place: &Path) -> Served {
    match serve {
        Serve::Odoo(flags) => {
            let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
            Served::Odoo(Box::new(Going::odoo(place, &flags)))
        }
        Serve::Says { status, body } => Served::Other(says(status, body)),
        Serve::Nobody => Served::Nobody,
    }
}

/// A server that says the same to everybody until the test ends.
fn says(status: &str, body: &str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            answer_one(stream, &answer);
        }
    });
    address
}

/// Reads the request whole, since who closes before that resets the connection.
fn answer_one(mut stream: TcpStream, answer: &str) {
    let (mut seen, mut bytes) = (Vec::new(), [0; 4_096]);
    while !is_whole(&seen) {
        match stream.read(&mut bytes) {
            Ok(0) | Err(_) => return,
            Ok(count) => seen.extend_from_slice(&bytes[..count]),
        }
    }
    // A client that went away has seen enough.
    drop(stream.write_all(answer.as_bytes()));
}

fn is_whole(seen: &[u8]) -> bool {
    let text = String::from_utf8_lossy(seen);
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ").map(str::to_owned));
    body.len() >= length.and_then(|text| text.trim().parse().ok()).unwrap_or(0)
}

fn copy(from: &Path, to: &Path, filled: &dyn Fn(&str) -> String) {
    for entry in std::fs::read_dir(from).into_iter().flatten().map(Result::unwrap) {
        let (path, there) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &there, filled);
        } else {
            std::fs::create_dir_all(to).unwrap();
            std::fs::write(there, filled(&std::fs::read_to_string(path).unwrap())).unwrap();
        }
    }
}

/// Of an error, of the findings of `add` or of the lines of `doctor`: code, words and repair.
fn words(told: &Value) -> String {
    let mut text = String::new();
    let mut line = |severity: &str, of: &Value, (words, repair): (&str, &str)| {
        let said = of["label"].as_str().filter(|said| !said.is_empty()).map(|said| format!("\nnote: {said}"));
        let code = of["code"].as_str().unwrap();
        writeln!(
            text,
            "{severity}[{code}]: {}{}\nhelp: {}",
            words_of(of, words),
            said.unwrap_or_default(),
            words_of(of, repair)
        )
        .unwrap();
    };
    match told["schema"].as_str().unwrap() {
        "crossdock/error/1" => line("error", told, ("message", "hint")),
        "crossdock/add-odoo/1" => {
            for found in told["findings"].as_array().unwrap() {
                line(found["severity"].as_str().unwrap(), found, ("message", "help"));
            }
        }
        "crossdock/doctor/1" => {
            let lines =
                told["checks"].as_array().unwrap().iter().filter(|it| it["what"] == "odoo" && it["code"].is_string());
            lines.for_each(|found| line("error", found, ("text", "fix")));
        }
        other => panic!("{other}"),
    }
    text
}

/// Without the day on which a key ends.
fn words_of(of: &Value, field: &str) -> String {
    let text = of[field].as_str().unwrap();
    match text.split_once(", on 20") {
        Some((before, _)) => format!("{before}, on a day"),
        None => text.to_owned(),
    }
}
