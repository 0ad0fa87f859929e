//! Sessions over server-sent events and long polls, with real tokens, tickets and keys.

use http_body_util::{BodyExt as _, Empty};
use hyper::{Request, Response, body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

use crate::house::{House, text};

/// A stream of events that is read as it comes.
struct Stream {
    body: Incoming,
    link: String,
    read: String,
    _sender: http1::SendRequest<Empty<bytes::Bytes>>,
}

impl Stream {
    async fn open(house: &House, query: &str, token: Option<&str>) -> Self {
        let address = house.server.address();
        let stream = TcpStream::connect(address).await.unwrap();
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        let mut request = Request::get(format!("/v1/events?{query}")).header("host", "localhost");
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Empty::new()).unwrap();
        let response: Response<Incoming> = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut stream = Self {
            body: response.into_body(),
            link: String::new(),
            read: String::new(),
            _sender: sender,
        };
        let link: Value = serde_json::from_str(&stream.data_of("event: link").await).unwrap();
        stream.link = text(&link["link"]);
        stream
    }

    /// Reads until an event with these words is there, and returns its data.
    async fn data_of(&mut self, words: &str) -> String {
        loop {
            let mut events = self.read.split_inclusive("\n\n");
            let event = events.find(|event| event.contains(words) && event.ends_with("\n\n"));
            if let Some(event) = event {
                let (_, data) = event.split_once("data: ").unwrap();
                return data.trim_end().to_owned();
            }
            let frame = self.body.frame().await.expect("more before the end");
            let bytes = frame.unwrap().into_data().unwrap();
            self.read.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

async fn ticket(house: &House, token: &str) -> String {
    let given = house.ask("POST /v1/tickets").token(token).send().await;
    text(&given.json()["ticket"])
}

#[tokio::test]
async fn a_page_opens_a_stream_with_a_ticket_and_asks_with_its_token() {
    let house = House::open().await;
    let (alice, bob) = (house.token_of("alice").await, house.token_of("bob").await);
    let ticket = ticket(&house, &alice).await;
    let query = format!("device=page&class=web&ticket={ticket}");

    let stream = Stream::open(&house, &query, None).await;
    let again = house.ask(&format!("GET /v1/events?{query}")).send().await;
    let line = format!("POST /v1/events/{}", stream.link);
    let ping = json!({"id": 1, "method": "session.ping"});
    let own = house.ask(&line).token(&alice).json(ping.clone()).await;
    let others = house.ask(&line).token(&bob).json(ping.clone()).await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let narrow = house.ask("POST /v1/users/alice/tokens").token(&key);
    let narrow = narrow.json(json!({"scopes": "read"})).await.json();
    let narrow = text(&narrow["access_token"]);
    let narrow = house.ask(&line).token(&narrow).json(ping).await;

    assert_eq!(again.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(own.status, 200, "{own:?}");
    assert!(own.json()["result"]["server_time_ms"].is_u64());
    assert_eq!(others.problem(), (404, "not_found".to_owned()));
    assert_eq!(narrow.problem(), (404, "not_found".to_owned()));
    let devices = house.ask("GET /v1/devices").token(&alice).send().await;
    let devices = devices.json()["items"].to_string();
    assert!(devices.contains("\"page\""), "{devices}");
}

#[tokio::test]
async fn a_token_in_the_address_and_a_server_key_open_nothing() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let key = house.server.accounts().create_key("shop").await.unwrap();

    let address = format!("GET /v1/events?device=page&ticket={token}");
    let leaked = house.ask(&address).send().await;
    let keyed = house.ask("GET /v1/events?device=page").token(&key);
    let keyed = keyed.header("im-user", "alice").send().await;

    assert_eq!(leaked.problem(), (401, "unauthenticated".to_owned()));
    assert_eq!(keyed.problem(), (403, "forbidden".to_owned()));
    assert_eq!(house.server.im().session_count(), 0);
}

#[tokio::test]
async fn signing_out_ends_a_stream() {
    let house = House::open().await;
    let token = house.token_of("alice").await;
    let mut stream = Stream::open(&house, "device=phone", Some(&token)).await;

    let out = house.ask("DELETE /v1/sessions/current").token(&token);
    assert_eq!(out.send().await.status, 204);

    let close = stream.data_of("event: close").await;
    assert!(close.contains("\"code\":4200"), "{close}");
}

#[tokio::test]
async fn a_back_end_polls_for_the_user_that_it_names() {
    let house = House::open().await;
    let alice = house.token_of("alice").await;
    house.sign_in("bot").await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let poll = async |query: &str| {
        let line = format!("GET /v1/updates?{query}");
        let ask = house.ask(&line).token(&key).header("im-user", "bot");
        ask.send().await
    };

    let present = poll("").await.json();
    let cursor = text(&present["next_cursor"]);
    let chat = house.ask("PUT /v1/conversations/direct/bot").token(&alice);
    let chat = text(&chat.send().await.json()["conversation"]);
    let news = poll(&format!("after={cursor}")).await.json();
    let posted = house.ask("POST /v1/updates").token(&key);
    let posted = posted.header("im-user", "bot");
    let posted = posted.json(json!({"after": cursor, "wait_s": 0})).await;

    assert_eq!(
        (&present["items"], &present["done"]),
        (&json!([]), &json!(true))
    );
    assert_eq!(news["items"][0]["view"]["conversation"], chat.as_str());
    assert_eq!(posted.json()["items"], news["items"]);
    let nobody = house.ask("GET /v1/updates").token(&key).send().await;
    assert_eq!(nobody.problem(), (400, "invalid_request".to_owned()));
    let long = poll("wait_s=51").await;
    assert_eq!(long.problem(), (400, "invalid_request".to_owned()));
}

#[tokio::test]
async fn stopping_ends_streams_and_polls_in_good_order() {
    let house = House::open().await;
    let (alice, bot) = (house.token_of("alice").await, house.token_of("bot").await);
    let mut stream = Stream::open(&house, "device=phone", Some(&alice)).await;
    let present = house.ask("GET /v1/updates").token(&bot).send().await;
    let cursor = text(&present.json()["next_cursor"]);
    let poll = house.ask(&format!("GET /v1/updates?wait_s=50&after={cursor}"));
    let poll = poll.token(&bot).send();
    let im = house.server.im().clone();

    let (answer, ()) = tokio::join!(poll, async {
        // The poll has asked by then, or is told that the server goes: either way it waits no longer.
        im.shut_down().await;
    });
    let close = stream.data_of("event: close").await;

    assert!([200, 503].contains(&answer.status), "{answer:?}");
    assert!(close.contains("\"code\":4000"), "{close}");
    assert!(close.contains("\"resume\":true"), "{close}");
}
