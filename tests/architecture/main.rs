//! The invariants of `docs/architecture.md` hold; and each rule, given something that breaks it, says so.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod deployment;
mod features;
mod rules;
mod sources;
mod supply;

use im_core::Code;
use rules::{
    acquainted, codes_elsewhere, deciding_doors, foreign_types, impure_state, io_crates,
    wired_elsewhere,
};
use sources::{Source, cargo, closure, packages, parse_tree, root, sources};
use supply::{locked, not_in_deny, parse_lock, wrong_crates, wrong_licences};

const NOTHING: &[String] = &[];

fn codes() -> Vec<&'static str> {
    Code::ALL.iter().map(|code| code.as_str()).collect()
}

#[test]
fn the_engine_depends_on_no_crate_that_does_io() {
    let closure = closure("im-core");

    assert!(closure.iter().any(|linked| linked.name == "tokio"));
    assert_eq!(io_crates(&closure), NOTHING);
}

#[test]
fn an_io_crate_or_more_of_tokio_is_noticed() {
    let bad = parse_tree(
        "im-core v0.1.0 (/x)|\nhyper v1.12.0|client (*)\ntokio v1.54.1|net,sync\ntokio v1.54.1|sync (*)",
    );

    let wrong = ["hyper with [\"client\"]", "tokio with [\"net\", \"sync\"]"];
    assert_eq!(io_crates(&bad), wrong);
}

#[test]
fn the_state_machines_are_synchronous_deterministic_and_total() {
    let sources = sources();

    assert!(
        sources
            .iter()
            .any(|source| source.is_in("im-core/src/state/"))
    );
    assert_eq!(impure_state(&sources), NOTHING);
}

#[test]
fn a_clock_or_a_panic_in_a_state_machine_is_noticed() {
    let path = "im-core/src/state/x.rs";
    for (code, wrong) in [
        ("let now = SystemTime::now();", "SystemTime"),
        ("pub(crate) async fn f() {}", "async"),
        ("x.unwrap()", "unwrap"),
        ("let id = Uuid::new_v4();", "new_v4"),
        ("panic!(\"no\")", "panic!"),
    ] {
        let found = impure_state(&[Source::new(path, code)]);
        assert_eq!(found, [format!("{path}: {wrong}")]);
    }
    let fine = "// Instant is not known here\nlet operand = unwrapped;\n#[cfg(test)]\nmod tests { panic!() }";
    assert_eq!(impure_state(&[Source::new(path, fine)]), NOTHING);
    assert_eq!(
        impure_state(&[Source::new("im-core/src/engine/x.rs", "async")]),
        NOTHING
    );
}

#[test]
fn stores_and_transports_do_not_know_each_other() {
    assert_eq!(acquainted(&packages()), NOTHING);
}

#[test]
fn a_store_that_knows_a_transport_is_noticed() {
    let package = |name: &str, dependencies: &[&str]| {
        let dependencies = dependencies.iter().map(|name| (*name).to_owned());
        (name.to_owned(), dependencies.collect())
    };
    let bad = [
        package("im-core", &["serde"]),
        package("im-store", &["im-core", "im-transport"]),
        package("im-transport", &["im-core"]),
    ];

    assert_eq!(acquainted(&bad), ["im-store depends on im-transport"]);
    assert_eq!(
        acquainted(&bad[1..]).len(),
        2,
        "a package that is gone is noticed"
    );
}

#[test]
fn no_foreign_type_is_in_a_public_signature() {
    assert_eq!(foreign_types(&sources()), NOTHING);
}

#[test]
fn a_foreign_type_in_a_public_signature_is_noticed() {
    let public = "    pub fn pool(&self) -> &sqlx::SqlitePool {";
    let hidden = "    pub(crate) fn pool(&self) -> &sqlx::SqlitePool {";
    let found = |path, code| foreign_types(&[Source::new(path, code)]).len();

    assert_eq!(found("im-store/src/sql.rs", public), 1);
    assert_eq!(found("im-store/src/sql.rs", hidden), 0);
    assert_eq!(
        found("im-core/src/im.rs", hidden),
        1,
        "not even a hidden one in the engine"
    );
    assert_eq!(
        found(
            "im-server/src/server.rs",
            "pub fn router() -> axum::Router {"
        ),
        0
    );
}

#[test]
fn one_file_names_stores_and_transports_together() {
    assert_eq!(wired_elsewhere(&sources()), NOTHING);
}

#[test]
fn a_second_place_that_wires_is_noticed() {
    let both = "use im_store::SqlStore;\nuse im_transport::ws;";
    let place = Source::new("im-server/src/wire.rs", both);
    let second = Source::new("im-server/src/server.rs", both);

    assert_eq!(
        wired_elsewhere(&[place, second]),
        ["im-server/src/server.rs"]
    );
    assert_eq!(wired_elsewhere(&[]), ["im-server/src/wire.rs does not"]);
}

#[test]
fn codes_are_assigned_in_one_file() {
    assert_eq!(codes_elsewhere(&sources(), &codes()), NOTHING);
}

#[test]
fn a_code_that_is_written_out_elsewhere_is_noticed() {
    let bad = Source::new(
        "im-server/src/rest/x.rs",
        "json!({\"code\": \"rate_limited\"})",
    );
    let numbers = Source::new("im-transport/src/close.rs", "TooSlow => 4001,");
    let close = Source::new("im-transport/src/ws/x.rs", "self.close(4001, 4096)");

    let found = codes_elsewhere(&[bad, numbers, close], &codes());

    let wrong = [
        "im-server/src/rest/x.rs: the code \"rate_limited\"",
        "im-transport/src/ws/x.rs: the close code 4001",
    ];
    assert_eq!(found, wrong);
}

#[test]
fn transports_and_routes_do_not_decide_who_may_do_what() {
    assert_eq!(deciding_doors(&sources()), NOTHING);
}

#[test]
fn a_route_that_looks_who_is_in_what_is_noticed() {
    let bad = Source::new(
        "im-server/src/rest/x.rs",
        "if app.ports.members.members(id, &[user])",
    );

    assert_eq!(
        deciding_doors(&[bad]),
        ["im-server/src/rest/x.rs: ports.members"]
    );
}

#[test]
fn the_list_of_features_is_true() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    assert_eq!(features::untrue(&root), Vec::<String>::new());
}

#[test]
fn crates_come_from_one_place_and_none_is_unwanted() {
    let locked = locked();

    assert!(locked.len() > 100, "{}", locked.len());
    assert_eq!(wrong_crates(&locked), NOTHING);
}

#[test]
fn a_crate_from_elsewhere_or_unwanted_is_noticed() {
    let lock = parse_lock(
        "[[package]]\nname = \"openssl\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n\
         [[package]]\nname = \"x\"\nsource = \"git+https://example.org/x\"\n\n[[package]]\nname = \"y\"\n",
    );

    let wrong = [
        "openssl is not wanted",
        "x comes from git+https://example.org/x",
        "y comes from a path",
    ];
    assert_eq!(wrong_crates(&lock), wrong);
}

#[test]
fn every_licence_is_one_of_the_list() {
    let tree = [
        "tree",
        "--workspace",
        "-e",
        "normal,build",
        "--prefix",
        "none",
    ];
    let tree = cargo(&[&tree[..], &["--format", "{p}|{l}"]].concat());

    assert!(tree.contains("tokio"), "{tree}");
    assert_eq!(wrong_licences(&tree), NOTHING);
}

#[test]
fn a_licence_that_is_not_on_the_list_is_noticed() {
    let tree = "a v1|MIT OR GPL-3.0\nb v1|(MIT OR Apache-2.0) AND Unicode-3.0\nc v1|MIT AND GPL-3.0\nd v1|\n\
                e v1|MIT/Apache-2.0 (*)\nf v1|Apache-2.0 WITH LLVM-exception\ng v1|GPL-2.0 WITH x";

    assert_eq!(
        wrong_licences(tree),
        ["c v1: MIT AND GPL-3.0", "d v1: ", "g v1: GPL-2.0 WITH x"]
    );
}

#[test]
fn cargo_deny_is_told_the_same() {
    let deny = std::fs::read_to_string(root().join("deny.toml")).unwrap();

    assert_eq!(not_in_deny(&deny), NOTHING);
    assert_eq!(
        not_in_deny("").len(),
        supply::LICENCES.len() - 1 + supply::UNWANTED.len()
    );
}
