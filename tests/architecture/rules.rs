//! The invariants of `docs/architecture.md`, each as a function from what is there to what is wrong with it.

use crate::sources::{Linked, Source, has_word};

/// Crates that open files, sockets or databases, or that wait for them.
const DOES_IO: &[&str] = &[
    "async-std",
    "axum",
    "fastwebsockets",
    "fred",
    "hyper",
    "hyper-util",
    "mio",
    "object_store",
    "quinn",
    "redis",
    "reqwest",
    "rusqlite",
    "rustls",
    "sea-orm",
    "smol",
    "socket2",
    "sqlx",
    "sqlx-core",
    "tokio-rustls",
    "tokio-tungstenite",
    "tokio-util",
    "tonic",
    "tungstenite",
];

/// 1. The engine depends on no crate that does I/O; of tokio only on its locks and channels.
pub(crate) fn io_crates(closure: &[Linked]) -> Vec<String> {
    let wrong = closure.iter().filter(|linked| {
        DOES_IO.contains(&linked.name.as_str())
            || linked.name == "tokio" && linked.features != ["sync"]
    });
    wrong
        .map(|linked| format!("{} with {:?}", linked.name, linked.features))
        .collect()
}

/// 2. The state machines are synchronous, deterministic and total.
pub(crate) fn impure_state(sources: &[Source]) -> Vec<String> {
    const NEVER: &[&str] = &[
        "async",
        ".await",
        "Instant",
        "SystemTime",
        "rand",
        "random",
        "new_v4",
        "new_v7",
        "unwrap",
        "panic!",
        "todo!",
        "unimplemented!",
        "tokio",
        // The word alone also names conversations in conversations.
        "std::thread",
        "spawn",
        "std::io",
        "std::fs",
        "std::net",
    ];
    sources
        .iter()
        .filter(|source| source.is_in("im-core/src/state/"))
        .flat_map(|source| words(source, NEVER))
        .collect()
}

/// 3. Stores and transports do not know each other.
pub(crate) fn acquainted(packages: &[(String, Vec<String>)]) -> Vec<String> {
    let mut wrong = Vec::new();
    for (package, forbidden) in [
        ("im-store", &["im-transport", "im-server"][..]),
        ("im-transport", &["im-store", "im-server"]),
        ("im-core", &["im-store", "im-transport", "im-server"]),
    ] {
        let of = packages.iter().find(|(name, _)| name == package);
        let Some((_, dependencies)) = of else {
            wrong.push(format!("there is no package {package}"));
            continue;
        };
        let known = dependencies
            .iter()
            .filter(|name| forbidden.contains(&name.as_str()));
        wrong.extend(known.map(|name| format!("{package} depends on {name}")));
    }
    wrong
}

/// 4. No type of a database or HTTP crate in a public signature of the engine or of a store.
pub(crate) fn foreign_types(sources: &[Source]) -> Vec<String> {
    const FOREIGN: &[&str] = &[
        "sea_orm",
        "sea_query",
        "sqlx",
        "fred",
        "hyper",
        "axum",
        "fastwebsockets",
        "DatabaseConnection",
        "DbErr",
    ];
    let mut wrong = Vec::new();
    for source in sources {
        let everything = source.is_in("im-core/src/");
        if !everything && !source.is_in("im-store/src/") {
            continue;
        }
        for line in source.code.lines() {
            let public = line.trim_start().starts_with("pub ");
            let found = FOREIGN.iter().find(|word| has_word(line, word));
            if let Some(word) = found.filter(|_| everything || public) {
                wrong.push(format!("{}: {word} in `{}`", source.path, line.trim()));
            }
        }
    }
    wrong
}

/// 5. One file names concrete stores and transports together.
pub(crate) fn wired_elsewhere(sources: &[Source]) -> Vec<String> {
    let both = |source: &&Source| source.has_word("im_store") && source.has_word("im_transport");
    let paths = sources
        .iter()
        .filter(both)
        .map(|source| source.path.clone());
    let mut wrong: Vec<_> = paths.collect();
    let place = "im-server/src/wire.rs";
    if let Some(at) = wrong.iter().position(|path| path == place) {
        wrong.remove(at);
    } else {
        wrong.push(format!("{place} does not"));
    }
    wrong
}

/// 6. Every public failure has one stable code, assigned in one file; every close code has one number, in another.
pub(crate) fn codes_elsewhere(sources: &[Source], codes: &[&str]) -> Vec<String> {
    const CLOSE_CODES: &str = "im-transport/src/close.rs";
    let close = sources.iter().find(|source| source.path == CLOSE_CODES);
    let numbers: Vec<_> = (4000..4400)
        .map(|number| number.to_string())
        .filter(|number| close.is_some_and(|close| close.has_word(number)))
        .collect();
    let mut wrong = Vec::new();
    for source in sources {
        if source.path != "im-core/src/error.rs" {
            let texts = codes.iter().filter(|code| writes_out(source, code));
            wrong.extend(texts.map(|code| format!("{}: the code \"{code}\"", source.path)));
        }
        if source.path != CLOSE_CODES {
            let numbers = numbers.iter().filter(|number| source.has_word(number));
            wrong.extend(numbers.map(|number| format!("{}: the close code {number}", source.path)));
        }
    }
    wrong
}

/// Whether a code's text is in the code; an example in the API's documentation may name one.
fn writes_out(source: &Source, code: &str) -> bool {
    let text = format!("\"{code}\"");
    let mut found = source.code.match_indices(&text);
    found.any(|(at, _)| !source.code[..at].ends_with("example = "))
}

/// 7. A transport or a route never decides who may do what: it does not even read who is in what.
pub(crate) fn deciding_doors(sources: &[Source]) -> Vec<String> {
    const DECIDES: &[&str] = &[
        "ports.members",
        "ports.log",
        "ports.contacts",
        "MemberStore",
        "LogStore",
        "Membership",
        "Lookup",
        "ConversationState",
    ];
    sources
        .iter()
        .filter(|source| source.is_in("im-transport/src/") || source.is_in("im-server/src/rest/"))
        .flat_map(|source| words(source, DECIDES))
        .collect()
}

fn words(source: &Source, forbidden: &[&str]) -> Vec<String> {
    let found = forbidden.iter().filter(|word| source.has_word(word));
    found
        .map(|word| format!("{}: {word}", source.path))
        .collect()
}
