//! Every route against callers who are nobody. The list of routes is the server's own document.

use im_core::UserId;
use im_server::WantedToken;
use serde_json::Value;

use crate::house::House;

/// Routes that need no token. A new one has to be put here on purpose.
pub(crate) const PUBLIC: [&str; 13] = [
    "get /healthz",
    "get /openapi.json",
    "get /readyz",
    "get /v1/capabilities",
    "get /v1/oidc/{provider}/callback",
    "get /v1/oidc/{provider}/start",
    "get /v1/ws",
    "post /v1/accounts",
    "post /v1/accounts/password",
    "post /v1/codes",
    "post /v1/sessions",
    "post /v1/sessions/code",
    "post /v1/sessions/refresh",
];

pub(crate) fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let verbs = item.as_object().unwrap().clone();
        let path = path.clone();
        verbs
            .into_iter()
            .map(move |(verb, operation)| (verb, path.clone(), operation))
    };
    paths.iter().flat_map(of_path).collect()
}

pub(crate) async fn document(house: &House) -> Value {
    let answer = house.ask("GET /openapi.json").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    answer.json()
}

#[tokio::test]
async fn every_route_needs_a_token_except_the_public_ones() {
    let house = House::open().await;
    let mut public = Vec::new();
    let operations = operations(&document(&house).await);
    assert!(operations.len() > 35, "{}", operations.len());
    for (verb, path, _) in operations {
        let line = filled(&verb, &path);
        if PUBLIC.contains(&format!("{verb} {path}").as_str()) {
            public.push(format!("{verb} {path}"));
            continue;
        }
        let nobody = house.ask(&line).send().await;
        let answer = nobody.anonymous_problem();
        assert_eq!(
            nobody.problem(),
            (401, "unauthenticated".to_owned()),
            "{line}"
        );
        assert_eq!(nobody.headers["www-authenticate"], "Bearer", "{line}");
        for token in [
            "x",
            "a.b.c",
            "imk_x",
            "imt_x",
            &format!("imk_{}", "A".repeat(43)),
        ] {
            let forged = house
                .ask(&line)
                .token(token)
                .header("im-user", "alice")
                .send()
                .await;
            assert_eq!(forged.anonymous_problem(), answer, "{line} {token}");
        }
        let basic = house
            .ask(&line)
            .header("authorization", "Basic YTpi")
            .send()
            .await;
        assert_eq!(basic.anonymous_problem(), answer, "{line}");
    }
    public.sort();
    assert_eq!(public, PUBLIC);
}

/// A request line that a route takes.
pub(crate) fn filled(verb: &str, path: &str) -> String {
    let path = path
        .replace("{id}", "6f1c1e0e-0000-4000-8000-000000000000")
        .replace("{device}", "phone")
        .replace("{report}", "0198f3c2-7d3e-7c55-b0de-5c6a7d8e9f01")
        .replace("{user}", "alice")
        .replace("{seq}", "1")
        .replace("{role}", "member")
        .replace("{provider}", "corp")
        .replace("{emoji}", "x")
        .replace("{kind}", "muted")
        .replace("{link}", "x")
        .replace("{code}", "x");
    format!("{} {path}", verb.to_uppercase())
}

#[tokio::test]
async fn the_document_offers_an_idempotency_key_exactly_where_one_is_read() {
    let house = House::open().await;
    house.sign_in("alice").await;
    let alice = UserId::new("alice").unwrap();
    let mut takers = 0;
    for (verb, path, operation) in operations(&document(&house).await) {
        let token = house
            .server
            .accounts()
            .issue(WantedToken::of(alice.clone()));
        let line = filled(&verb, &path);
        let answer = house
            .ask(&format!("{line}?user=bob"))
            .token(&token.await.unwrap().access_token)
            .header("idempotency-key", "no key")
            .send()
            .await;

        let refusal = String::from_utf8_lossy(&answer.body).into_owned();
        let is_read = refusal.contains("header Idempotency-Key");
        let is_documented = operation["parameters"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one["name"] == "Idempotency-Key"));
        assert_eq!(is_documented, is_read, "{line}: {refusal}");
        takers += usize::from(is_read);
    }
    assert!(takers > 8, "{takers}");
}

#[tokio::test]
async fn the_document_says_which_routes_are_public() {
    let house = House::open().await;
    let document = document(&house).await;
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["security"][0]["bearer"].is_array());
    for (verb, path, operation) in operations(&document) {
        let open = operation["security"]
            .as_array()
            .is_some_and(|all| all.iter().any(|one| one == &serde_json::json!({})));
        let name = format!("{verb} {path}");
        assert_eq!(open, PUBLIC.contains(&name.as_str()), "{name}");
    }
}

#[test]
fn no_route_is_mounted_past_the_document() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/rest");
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        for way in [".route(", ".route_service(", ".nest(", ".nest_service("] {
            assert!(!source.contains(way), "{}: {way}", path.display());
        }
    }
}
