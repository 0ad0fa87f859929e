//! Web pages: who may open a WebSocket, and who may use REST from elsewhere.

use im_server::AllowedOrigins;

use crate::house::{Answer, House};

const FRIEND: &str = "https://chat.example.org";
const PUBLIC: &str = "https://im.example.org";

async fn house() -> House {
    House::open_with(|config| {
        config.allowed_origins = AllowedOrigins::parse([FRIEND]).unwrap();
        config.public_url = Some(PUBLIC.parse().unwrap());
    })
    .await
}

fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let value = answer.headers.get(name)?;
    Some(value.to_str().unwrap())
}

async fn preflight(house: &House, origin: &str) -> Answer {
    house
        .ask("OPTIONS /v1/users/me")
        .header("origin", origin)
        .header("access-control-request-method", "PATCH")
        .header(
            "access-control-request-headers",
            "authorization,content-type",
        )
        .send()
        .await
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_use_rest() {
    let house = house().await;
    let token = house.token_of("alice").await;

    for origin in [FRIEND, PUBLIC] {
        let asked = preflight(&house, origin).await;
        assert_eq!(asked.status, 204, "{asked:?}");
        assert_eq!(header(&asked, "access-control-allow-origin"), Some(origin));
        let methods = header(&asked, "access-control-allow-methods").unwrap();
        assert!(methods.contains("PATCH"), "{methods}");
        let headers = header(&asked, "access-control-allow-headers").unwrap();
        for name in ["authorization", "content-type", "idempotency-key"] {
            assert!(headers.contains(name), "{headers}");
        }
        assert_eq!(header(&asked, "access-control-allow-credentials"), None);

        let me = house.ask("GET /v1/users/me").token(&token);
        let me = me.header("origin", origin).send().await;
        assert_eq!(me.status, 200);
        assert_eq!(header(&me, "access-control-allow-origin"), Some(origin));
        assert_eq!(header(&me, "vary"), Some("origin"));
    }
    let refused = house.ask("GET /v1/users/me").header("origin", FRIEND);
    let refused = refused.send().await;
    assert_eq!(refused.problem().0, 401);
    assert_eq!(
        header(&refused, "access-control-allow-origin"),
        Some(FRIEND),
        "a page can read why it was refused"
    );
}

#[tokio::test]
async fn a_page_from_elsewhere_gets_no_leave() {
    let house = house().await;
    for origin in ["https://evil.example", "null", "http://chat.example.org"] {
        let asked = preflight(&house, origin).await;
        assert_eq!(asked.problem().0, 405, "{origin}");
        assert_eq!(header(&asked, "access-control-allow-origin"), None);
        let open = house.ask("GET /healthz").header("origin", origin);
        let open = open.send().await;
        assert_eq!(header(&open, "access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn a_page_of_the_public_address_may_open_a_websocket_whatever_the_host_header_says() {
    let house = House::open_with(|config| {
        config.public_url = Some(PUBLIC.parse().unwrap());
    })
    .await;
    let knock = async |origin: &str| {
        let ask = house
            .ask("GET /v1/ws")
            .header("origin", origin)
            .header("connection", "Upgrade")
            .header("upgrade", "websocket")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        ask.send().await.status
    };

    assert_eq!(knock(PUBLIC).await, 101);
    assert_eq!(
        knock(&format!("http://{}", house.server.address())).await,
        101
    );
    assert_eq!(knock("https://evil.example").await, 403);
}
