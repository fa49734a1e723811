//! How a product begins: who gets the administrator's token, and where the demo begins and where it does not.

use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use crate::product::{Product, run, sample};

#[test]
fn where_nobody_sits_the_first_token_is_kept_in_a_file_for_its_user() {
    for flags in [["-q"].as_slice(), &["--log-format", "json"], &["-q", "--data", "elsewhere"]] {
        let folder = sample(None);
        let product = Product::up_with(folder.path(), flags);
        let file = folder.path().join(flags.get(2).unwrap_or(&".crossdock")).join("admin-token");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{flags:?}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), format!("{}\n", product.token));
        product.run(&["token", "ls"]).ends(0).says("admin");
        let said = std::fs::read_to_string(folder.path().join("up.err")).unwrap();
        assert!(said.contains("admin-token\ntake note of it and remove the file"), "{flags:?}: {said}");
        assert!(product.token.starts_with("cdk_") && !said.contains("cdk_"), "{flags:?}: a log keeps no token: {said}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn whoever_sits_there_sees_the_first_token_though_remarks_are_off() {
    let folder = sample(None);
    let up = format!("{} up -q --listen 127.0.0.1:0", env!("CARGO_BIN_EXE_crossdock"));
    // What it runs has a terminal of its own.
    let mut terminal = Command::new("script")
        .args(["--quiet", "--command", &up, "/dev/null"])
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(terminal.stdout.take().unwrap()).lines().map_while(Result::ok);
    let shown: Vec<String> = lines.take_while(|line| !line.starts_with("ready ")).collect();
    // Killed, it would leave behind what it runs: that is told to end as a person tells it, and the terminal ends with it.
    terminal.stdin.take().unwrap().write_all(b"\x03").unwrap();
    terminal.wait().unwrap();
    assert!(shown.iter().any(|line| line.trim().starts_with("cdk_")), "{shown:?}");
    assert!(!shown.iter().any(|line| line.starts_with("takes ")), "remarks are off: {shown:?}");
    assert!(!folder.path().join(".crossdock/admin-token").exists(), "it was shown");
}

#[test]
fn a_project_that_was_mistyped_begins_no_demo() {
    let folder = tempfile::tempdir().unwrap();
    let up = |project: &str| run(folder.path(), &["up", "--listen", "127.0.0.1:0", "--project", project]);
    up("shop-to-wsm").ends(5).remarks("there is no folder shop-to-wsm, which --project names").remarks("crossdock init");
    assert!(!folder.path().join("shop-to-wsm").exists(), "nothing is made");
    std::fs::create_dir_all(folder.path().join("shop/flowz")).unwrap();
    up("shop").ends(5).remarks("shop is no project folder");
    assert!(!folder.path().join("shop/.crossdock").exists(), "nothing is made");
    std::fs::create_dir(folder.path().join("empty")).unwrap();
    for _ in 0..2 {
        let product = Product::up_with(folder.path(), &["--project", "empty"]);
        assert_eq!(product.token, "", "the demo asks for none");
        product.run(&["status", "--json"]).json()["world"].as_str().unwrap();
    }
}

#[test]
fn the_demo_is_for_this_machine_only_whatever_the_settings_say() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("settings.toml"), "identity = \"tokens\"\n").unwrap();
    let everywhere = ["up", "--listen", "0.0.0.0:0", "--settings", "settings.toml"];
    let told = run(folder.path(), &everywhere).ends(1).remarks("it is for this machine only").remarks("127.0.0.1");
    assert!(!told.err.contains("identity") && !told.err.contains("begins anew"), "{}", told.err);
}

#[test]
fn doctor_asks_the_running_product_for_every_secret() {
    let folder = sample(None);
    let file = folder.path().join(".crossdock/secrets/warehouse/webhook");
    let secret = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    run(folder.path(), &["doctor"])
        .ends(3)
        .says("warehouse/webhook has no value")
        .says("CROSSDOCK_SECRET_WAREHOUSE_WEBHOOK");
    let product = Product::up_with_variable(folder.path(), "CROSSDOCK_SECRET_WAREHOUSE_WEBHOOK", secret.trim());
    let doctor = product.run(&["doctor"]).says("2 have a value");
    assert!(!doctor.out.contains("has no value"), "its environment is not this one: {}", doctor.out);
}

#[test]
fn a_second_product_of_a_folder_leaves_the_address_of_the_first_alone() {
    let folder = sample(None);
    let said = || std::fs::read_to_string(folder.path().join("up.err")).unwrap();
    let address = || std::fs::read_to_string(folder.path().join(".crossdock/address")).unwrap_or_default();
    let mut first = Product::up(folder.path());
    let written = address();
    assert!(written.starts_with(&first.going.url), "{written}");
    let mut second = Product::up_with(folder.path(), &["--data", "elsewhere"]);
    let expected = format!("other commands in this folder ask {}, which runs as well", first.going.url);
    assert!(said().contains(&expected) && said().contains(&format!("--url {}", second.going.url)), "{}", said());
    assert_eq!(address(), written);
    assert_eq!((second.going.terminate(), address()), (Some(0), written));
    first.run_here(&["status"]).ends(0);
    assert_eq!((first.going.terminate(), address()), (Some(0), String::new()));
    let third = Product::up(folder.path());
    assert!(address().starts_with(&third.going.url), "nobody answers there any more");
}

#[test]
fn a_missing_secret_is_named_by_its_whole_path() {
    let folder = sample(None);
    std::fs::remove_file(folder.path().join(".crossdock/secrets/shop/webhook")).unwrap();
    let _product = Product::up_with(folder.path(), &["--data", ".crossdock"]);
    let said = std::fs::read_to_string(folder.path().join("up.err")).unwrap();
    let file = folder.path().canonicalize().unwrap().join(".crossdock/secrets/shop/webhook");
    assert!(said.contains(&format!("or the file {}", file.display())), "{said}");
}
