//! The tour of the documentation, run as it stands: what a stranger with `curl` does first.

use std::{fs, path::Path, process::Command, time::Duration};

use crate::world::World;

/// The commands of the page, one after the other.
fn commands() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tour.md");
    let page = fs::read_to_string(page).unwrap();
    let blocks = page.split("```sh\n").skip(1);
    blocks
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_runs_from_top_to_bottom() {
    if Command::new("curl").arg("--version").output().is_err() {
        let required = std::env::var_os("IM_TEST_REQUIRE_SERVERS").is_some();
        assert!(!required, "there is no curl");
        eprintln!("SKIPPED: the_tour_runs_from_top_to_bottom: there is no curl");
        return;
    }
    let world = World::server().await;
    let script = format!("set -euo pipefail\n{}", commands());
    assert!(
        script.matches("im $").count() > 30,
        "the tour is on the page"
    );
    let address = format!("http://{}", world.address());

    let tour = tokio::task::spawn_blocking(move || {
        Command::new("bash")
            .args(["-c", &script])
            .env("IM", address)
            .env("no_proxy", "*")
            .output()
    });
    let tour = tokio::time::timeout(Duration::from_secs(120), tour).await;
    let tour = tour.unwrap().unwrap().unwrap();

    let (out, err) = (
        String::from_utf8_lossy(&tour.stdout),
        String::from_utf8_lossy(&tour.stderr),
    );
    assert!(tour.status.success(), "{out}\n{err}");
}
