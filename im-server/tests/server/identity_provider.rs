//! A small identity provider on this machine, which believes whoever the test says it is.

use std::sync::{Arc, Mutex};

use axum::{
    Form, Json, Router,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::{get, post},
};
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ring::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};
use std::collections::HashMap;
use tokio::net::TcpListener;

pub(crate) const CLIENT: &str = "im";
pub(crate) const SECRET: &str = "hush hush";

/// The provider.
pub(crate) struct IdentityProvider {
    pub(crate) issuer: String,
    state: Arc<Mutex<Book>>,
}

/// What it knows, and how it misbehaves.
struct Book {
    issuer: String,
    key: EcdsaKeyPair,
    /// What was asked, by the code that was given for it.
    codes: HashMap<String, HashMap<String, String>>,
    subject: String,
    /// Claims that replace the right ones.
    lies: Value,
}

fn fresh_key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let algorithm = &ECDSA_P256_SHA256_FIXED_SIGNING;
    let document = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(algorithm, document.as_ref(), &random).unwrap()
}

impl IdentityProvider {
    pub(crate) async fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let book = Book {
            issuer: issuer.clone(),
            key: fresh_key(),
            codes: HashMap::new(),
            subject: "248289761001".to_owned(),
            lies: json!({}),
        };
        let state = Arc::new(Mutex::new(book));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/keys", get(keys))
            .route("/token", post(token))
            .with_state(Arc::clone(&state));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { issuer, state }
    }

    /// Somebody signs in on the page at `location`, and is sent back with this query.
    pub(crate) fn authorize(&self, location: &str) -> String {
        let (page, query) = location.split_once('?').unwrap();
        assert_eq!(page, format!("{}/authorize", self.issuer));
        let asked: HashMap<String, String> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        assert_eq!(
            (asked["client_id"].as_str(), asked["response_type"].as_str()),
            (CLIENT, "code")
        );
        assert_eq!(asked["code_challenge_method"], "S256");
        let mut book = self.state.lock().unwrap();
        let code = format!("code-{}", book.codes.len());
        let query = format!("code={code}&state={}", asked["state"]);
        book.codes.insert(code, asked);
        query
    }

    pub(crate) fn lie(&self, lies: Value) {
        self.state.lock().unwrap().lies = lies;
    }

    pub(crate) fn become_somebody_else(&self) {
        self.state.lock().unwrap().subject = "another".to_owned();
    }

    /// Signs with another key under the name of the published one.
    pub(crate) fn change_key(&self) {
        self.state.lock().unwrap().key = fresh_key();
    }
}

async fn discovery(State(book): State<Arc<Mutex<Book>>>) -> Json<Value> {
    let issuer = book.lock().unwrap().issuer.clone();
    Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
    }))
}

async fn keys(State(book): State<Arc<Mutex<Book>>>) -> Json<Value> {
    let book = book.lock().unwrap();
    let point = book.key.public_key().as_ref();
    let (x, y) = (
        URL_SAFE_NO_PAD.encode(&point[1..33]),
        URL_SAFE_NO_PAD.encode(&point[33..]),
    );
    let other = json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"});
    Json(
        json!({"keys": [other, {"kty": "EC", "crv": "P-256", "kid": "k", "use": "sig", "x": x, "y": y}]}),
    )
}

async fn token(
    State(book): State<Arc<Mutex<Book>>>,
    headers: HeaderMap,
    Form(form): Form<HashMap<String, String>>,
) -> (StatusCode, Json<Value>) {
    let mut book = book.lock().unwrap();
    let expected = format!("Basic {}", STANDARD.encode(format!("{CLIENT}:hush+hush")));
    assert_eq!(headers["authorization"].to_str().unwrap(), expected);
    let asked = book.codes.remove(&form["code"]);
    let challenge = digest::digest(&digest::SHA256, form["code_verifier"].as_bytes());
    let challenge = URL_SAFE_NO_PAD.encode(challenge);
    let Some(asked) = asked.filter(|asked| {
        asked["code_challenge"] == challenge && asked["redirect_uri"] == form["redirect_uri"]
    }) else {
        return (
            StatusCode::BAD_REQUEST,
            Json(json!({"error": "invalid_grant"})),
        );
    };
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let mut claims = json!({
        "iss": book.issuer, "sub": book.subject, "aud": CLIENT, "exp": now + 300, "iat": now,
        "nonce": asked["nonce"], "name": "Alice Liddell",
    });
    for (claim, lie) in book.lies.as_object().unwrap() {
        claims[claim] = lie.clone();
    }
    let token = sign(&book.key, &claims);
    let body = json!({"access_token": "x", "token_type": "Bearer", "id_token": token});
    (StatusCode::OK, Json(body))
}

fn sign(key: &EcdsaKeyPair, claims: &Value) -> String {
    let header = json!({"alg": "ES256", "kid": "k"});
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&header), part(claims));
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}
