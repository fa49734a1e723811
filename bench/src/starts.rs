//! How soon the product works: the demo world from an empty folder, interrupted deliveries after a kill, a large store with
//! all packs; and what a clean build of it costs.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::Outcome;
use crate::product::{self, Product, first_ready};
use crate::report::Figure;
use crate::sides::{Load, Side};
use crate::stats::{children_cpu_s, now_us};
use crate::store::fill;

/// Packs that can stand in one project. The demo's is a project of its own.
const PACKS: [&str; 5] = ["canonical", "easypost", "shopify", "ups", "woocommerce"];

/// How long interrupted deliveries are waited for.
const RESUME_S: u64 = 10;

/// The demo world from an empty folder, in this profile and, where it was built, in the dev profile.
pub(crate) async fn demo(folder: &Path) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    let release = product::binary()?;
    let dev = release.parent().and_then(Path::parent).map(|target| target.join("debug/crossdock"));
    for (profile, binary) in [("release", Some(release)), ("dev", dev.filter(|path| path.is_file()))] {
        let Some(binary) = binary else { continue };
        let empty = folder.join(format!("demo-{profile}"));
        std::fs::create_dir_all(&empty)?;
        let begin = now_us();
        let mut demo = Command::new(binary)
            .args(["up", "--listen", "127.0.0.1:0"])
            .current_dir(&empty)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        first_ready(&mut demo).await?;
        let seconds = (now_us() - begin) as f64 / 1e6;
        demo.kill().await?;
        figures.push(Figure::at_most(&format!("the demo world is serving, {profile}"), seconds, "s", 3.0));
    }
    Ok(figures)
}

/// From the start after a kill under load to the first interrupted delivery at its subscriber.
pub(crate) async fn resume(folder: &Path) -> Outcome<Vec<Figure>> {
    let (project, data) = (folder.join("resume"), folder.join("resume-data"));
    let sink = Side::sink().await?;
    product::project(&project, &sink.address, 1)?;
    let product = Product::start(&project, &data).await?;
    let address = product.address.clone();
    let killed = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        product.kill().await
    };
    // The sender goes on in vain until its time is over; nobody else sends.
    let load = Load { connections: 64, seconds: 4, rate: 0, run: "r" };
    let (_, killed) = tokio::join!(load.send(&address), killed);
    killed?;
    let before = sink.arrivals().await?.count;
    let begin = now_us();
    let product = Product::start(&project, &data).await?;
    while sink.arrivals().await?.count == before {
        if now_us() - begin > RESUME_S * 1_000_000 {
            return Err("no delivery was interrupted, or none was resumed".into());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let seconds = (now_us() - begin) as f64 / 1e6;
    product.kill().await?;
    Ok(vec![Figure::at_most("interrupted deliveries resume after a kill", seconds, "s", 2.0)])
}

/// Ready with so many events stored and all packs.
pub(crate) async fn packs(folder: &Path, events: u64) -> Outcome<Vec<Figure>> {
    let (project, data) = (folder.join("packs"), folder.join("packs-data"));
    std::fs::create_dir_all(&project)?;
    let packs = repository()?.join("packs");
    let sources: Vec<PathBuf> = PACKS.iter().map(|name| packs.join(name).join(".")).collect();
    let copied = std::process::Command::new("cp").arg("-r").args(sources).arg(&project).status()?;
    if !copied.success() {
        return Err("the packs cannot be copied".into());
    }
    fill::run(&data, events).await?;
    // The first start stores the policy; what is measured is every later one.
    Product::start(&project, &data).await?.kill().await?;
    let product = Product::start(&project, &data).await?;
    let name = format!("ready with {events} events stored and all packs");
    let figure = Figure::at_most(&name, product.ready_s, "s", 0.5);
    product.kill().await?;
    std::fs::remove_dir_all(data)?;
    Ok(vec![figure])
}

/// CPU seconds of a clean build, in both profiles.
pub(crate) fn build(folder: &Path) -> Outcome<Vec<Figure>> {
    let mut figures = Vec::new();
    for (profile, most) in [("dev", 600.0), ("release", 1_500.0)] {
        let before = children_cpu_s();
        let built = std::process::Command::new("cargo")
            .args(["build", "--locked", "--profile", profile, "-p", "crossdock-cli", "--target-dir"])
            .arg(folder.join("build"))
            .current_dir(repository()?)
            .stderr(Stdio::null())
            .status()?;
        if !built.success() {
            return Err(format!("the build of the profile {profile} failed").into());
        }
        figures.push(Figure::at_most(&format!("CPU of a clean build, {profile}"), children_cpu_s() - before, "s", most));
    }
    Ok(figures)
}

/// The repository that this bench was built from.
fn repository() -> Outcome<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_owned).ok_or_else(|| "the bench has no repository".into())
}
