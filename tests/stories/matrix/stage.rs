//! What every cell of the matrix is played on: a server that keeps everything in memory, people in their places, and one
//! thing of each kind for an id to name. A cell that changed something leaves its stage to nobody: the next gets another.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicU64, Ordering},
};

use im_core::{Actor, ClientId, Command, Im, Limits, Rejection, Scopes, testing::user};
use im_server::{Config, RateLimits, Secret, Server, WantedToken};
use serde_json::{Value, json};
use tempfile::TempDir;

/// Who asks. The other columns follow from these: see the rules in `super`.
pub(super) const CALLERS: [Caller; 7] = [
    Caller::Stranger,
    Caller::Former,
    Caller::Member,
    Caller::Admin,
    Caller::Owner,
    Caller::Operator,
    Caller::Service,
];

/// Somebody's place on the stage.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Caller {
    /// Another user: was never in the group.
    Stranger,
    /// Was a member, and was removed.
    Former,
    /// Is a member, and has something of each kind that is a user's own.
    Member,
    /// Keeps order in the group.
    Admin,
    /// Owns the group.
    Owner,
    /// An admin of the server, in no group.
    Operator,
    /// A back end with a server key, in the name of somebody who is in no group.
    Service,
}

impl Caller {
    /// Whether nothing here is or was its own.
    pub(super) const fn is_outside(self) -> bool {
        matches!(self, Self::Stranger | Self::Operator | Self::Service)
    }

    /// The name in the tables.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Former => "former",
            Self::Member => "member",
            Self::Admin => "admin",
            Self::Owner => "owner",
            Self::Operator => "operator",
            Self::Service => "service",
        }
    }
}

/// What members say, and nobody else is told.
pub(super) const SAID: &str = "hello-among-us";

/// What is said when the former member is gone.
pub(super) const LATER: &str = "they-are-gone";

/// People beside the callers: who things are done to.
const OTHERS: [&str; 7] = [
    "zoe",
    "peer",
    "applicant",
    "banned",
    "fresh",
    "deputy",
    "muted",
];

/// A server for many stages.
pub(super) struct House {
    pub(super) server: Server,
    pub(super) key: String,
    _home: TempDir,
}

/// People and things, none of which is on another stage.
pub(super) struct Stage {
    number: u64,
    /// The head of the group's log when the curtain rises.
    pub(super) said_until: Value,
    things: BTreeMap<String, Value>,
}

impl House {
    pub(super) async fn open() -> Self {
        let home = tempfile::tempdir().unwrap();
        let config = Config {
            data_dir: home.path().into(),
            database_url: Secret::new("memory:".to_owned()),
            limits: Limits {
                requests_per_second: None,
                sends_per_second: None,
                deltas_per_second: None,
                ..Limits::default()
            },
            rate_limits: RateLimits {
                sign_ins_per_address: 0,
                sign_ins_per_user: 0,
                codes_per_address: 0,
                codes_per_target: 0,
                failures_before_lock: 0,
            },
            listen: "127.0.0.1:0".parse().unwrap(),
            ..Config::default()
        };
        let server = Server::start(&config).await.unwrap();
        let key = server.accounts().create_key("matrix").await.unwrap();
        let house = Self {
            server,
            key,
            _home: home,
        };
        // The last admin cannot be demoted: there is always this one.
        house.enter("root").await;
        house
            .operate("admin.promote", json!({"user": "root"}))
            .await;
        house
    }

    pub(super) fn im(&self) -> &Im {
        self.server.im()
    }

    /// The token of a user.
    pub(super) async fn token(&self, name: &str, scopes: Scopes) -> String {
        let wanted = WantedToken {
            scopes: Some(scopes),
            ..WantedToken::of(user(name))
        };
        let issued = self.server.accounts().issue(wanted).await;
        issued.unwrap().access_token
    }

    async fn enter(&self, name: &str) {
        self.operate("user.upsert", json!({"user": name})).await;
    }

    async fn operate(&self, method: &str, params: Value) -> Value {
        let operator = Actor::service(user("back-end"));
        ask(self.im(), &operator, method, &params).await.unwrap()
    }
}

/// Executes a command that is named by its method.
pub(super) async fn ask(
    im: &Im,
    actor: &Actor,
    method: &str,
    params: &Value,
) -> Result<Value, Rejection> {
    let command = Command::decode(method, params).unwrap().unwrap();
    let reply = im.execute(actor, command).await?;
    Ok(serde_json::to_value(reply).unwrap())
}

impl Stage {
    /// Raises the curtain.
    pub(super) async fn new(house: &House) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let mut stage = Self {
            number,
            said_until: Value::Null,
            things: BTreeMap::new(),
        };
        for name in CALLERS.map(Caller::name).iter().chain(&OTHERS) {
            house.enter(&stage.user(name)).await;
            stage.set(name, json!(stage.user(name)));
        }
        stage.gather(house).await;
        stage.own(house).await;
        stage.oversee(house).await;
        stage.said_until = stage.head(house).await;
        stage
    }

    /// The group, what was said in it, and how one gets in.
    async fn gather(&mut self, house: &House) {
        self.set("soon", json!(now_ms() + 3_600_000));
        let members = [
            "former", "member", "admin", "zoe", "peer", "banned", "muted",
        ];
        let members: Vec<_> = members.iter().map(|name| self.user(name)).collect();
        let create = json!({"client_id": "g", "name": "the group", "members": members,
            "joining": "approval", "preset": "public_group"});
        let group = self
            .does(house, "owner", "conversation.create", create)
            .await;
        self.set("group", group["conversation"].clone());
        let open = json!({"client_id": "o", "name": "open", "joining": "open"});
        let open = self.does(house, "owner", "conversation.create", open).await;
        self.set("open", open["conversation"].clone());
        let direct = json!({"user": "$peer"});
        let direct = self
            .does(house, "owner", "conversation.direct", direct)
            .await;
        self.set("direct", direct["conversation"].clone());

        let role = json!({"conversation": "$group", "client_id": "$key", "user": "$admin", "role": "admin"});
        self.does(house, "owner", "group.role", role).await;
        self.say(house, "said", json!({"kind": "text", "text": SAID}))
            .await;
        let poll = json!({"kind": "poll", "question": "?", "options": ["a", "b"]});
        self.say(house, "poll", poll).await;
        for (method, who) in [
            ("group.kick", json!({"users": ["$former"]})),
            (
                "group.kick",
                json!({"users": ["$banned"], "banned_until_ms": "$soon"}),
            ),
            ("group.mute", json!({"users": ["$muted"]})),
            ("message.pin", json!({"target": "$said"})),
        ] {
            self.does(house, "owner", method, here(who)).await;
        }
        self.say(house, "later", json!({"kind": "text", "text": LATER}))
            .await;
        let stream = here(json!({"content": {"kind": "text", "text": ""}, "streaming": true}));
        let stream = self.does(house, "member", "message.send", stream).await;
        self.set("stream", stream["seq"].clone());

        let request = json!({"conversation": "$group"});
        self.does(house, "applicant", "group.request", request)
            .await;
        let invite = json!({"conversation": "$group"});
        let invite = self.does(house, "owner", "group.invite", invite).await;
        self.set("code", invite["code"].clone());
    }

    /// What belongs to the member alone.
    async fn own(&mut self, house: &House) {
        let direct = json!({"user": "$peer"});
        self.does(house, "member", "contact.request", direct.clone())
            .await;
        let accept = json!({"user": "$member"});
        self.does(house, "peer", "contact.accept", accept.clone())
            .await;
        self.does(house, "applicant", "contact.request", accept)
            .await;
        let outgoing = json!({"user": "$zoe"});
        self.does(house, "member", "contact.request", outgoing)
            .await;
        self.does(house, "member", "contact.follow", direct.clone())
            .await;
        self.does(house, "member", "contact.block", json!({"user": "$fresh"}))
            .await;
        let text = json!({"kind": "text", "text": "half a word"});
        let draft = json!({"conversation": "$group", "content": text});
        self.does(house, "member", "draft.put", draft).await;
        let favourite = json!({"conversation": "$group", "seq": "$said"});
        self.does(house, "member", "favourite.add", favourite).await;
        let scheduled = format!("scheduled-{}", self.number);
        self.set("scheduled", json!(scheduled));
        let schedule = json!({"conversation": "$group", "client_id": "$scheduled", "content": text, "at_ms": "$soon"});
        self.does(house, "member", "message.schedule", schedule)
            .await;
        let notice =
            json!({"client_id": "$key", "users": ["$member"], "texts": {"en": {"text": "news"}}});
        let notice = self.filled(&notice);
        house.operate("notice.send", notice).await;
        let page = self.does(house, "member", "notice.list", json!({})).await;
        let notice = &page["items"][0];
        self.set("notice", notice["key"].clone());
        self.set("device", json!("phone"));
        let session = house
            .im()
            .connect(self.user("member").as_str(), "phone")
            .await;
        drop(session.unwrap());
    }

    /// What those look after who run the server.
    async fn oversee(&mut self, house: &House) {
        let about = json!({"kind": "messages", "conversation": "$group", "seqs": ["$said"]});
        let report = json!({"client_id": "$key", "about": about, "reason": "spam"});
        let report = self.does(house, "member", "report.file", report).await;
        self.set("report", report["report"].clone());
        self.set("template", json!(format!("template-{}", self.number)));
        let template =
            json!({"name": "$template", "category": "c", "texts": {"en": {"text": "x"}}});
        house
            .operate("notice.put_template", self.filled(&template))
            .await;
        for name in ["operator", "deputy"] {
            let promote = json!({"user": self.user(name)});
            house.operate("admin.promote", promote).await;
        }
    }

    /// Somebody's id on this stage.
    pub(super) fn user(&self, name: &str) -> String {
        format!("{name}-{}", self.number)
    }

    /// Who asks, as the engine sees it.
    pub(super) fn actor(&self, caller: Caller) -> Actor {
        let user = user(&self.user(caller.name()));
        match caller {
            Caller::Service => Actor::service(user),
            Caller::Stranger
            | Caller::Former
            | Caller::Member
            | Caller::Admin
            | Caller::Owner
            | Caller::Operator => Actor::user(user),
        }
    }

    /// Parameters with the names of things replaced by what they are here.
    pub(super) fn filled(&self, params: &Value) -> Value {
        match params {
            Value::String(text) => match text.strip_prefix('$') {
                Some("key") => json!(ClientId::random()),
                Some(name) => self
                    .things
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| panic!("there is no ${name} on the stage")),
                None => params.clone(),
            },
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => fields
                .iter()
                .map(|(name, value)| (self.name(name), self.filled(value)))
                .collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) => params.clone(),
        }
    }

    /// A field's name, which may be an id as well.
    fn name(&self, name: &str) -> String {
        let filled = self.filled(&json!(name));
        filled.as_str().unwrap_or(name).to_owned()
    }

    /// How far the group's log goes.
    pub(super) async fn head(&self, house: &House) -> Value {
        let owner = self.actor(Caller::Owner);
        let get = self.filled(&json!({"conversation": "$group"}));
        let view = ask(house.im(), &owner, "conversation.get", &get)
            .await
            .unwrap();
        view["head"]["seq"].clone()
    }

    fn set(&mut self, name: &str, thing: Value) {
        assert!(!thing.is_null(), "{name} is missing");
        self.things.insert(name.to_owned(), thing);
    }

    async fn say(&mut self, house: &House, name: &str, content: Value) {
        let send = here(json!({"content": content}));
        let sent = self.does(house, "member", "message.send", send).await;
        self.set(name, sent["seq"].clone());
    }

    async fn does(&self, house: &House, who: &str, method: &str, params: Value) -> Value {
        let actor = Actor::user(user(&self.user(who)));
        let params = self.filled(&params);
        let done = ask(house.im(), &actor, method, &params).await;
        done.unwrap_or_else(|rejection| panic!("{who}: {method} {params}: {rejection}"))
    }
}

/// Parameters of something that happens in the group once.
fn here(params: Value) -> Value {
    let params = with(params, "conversation", json!("$group"));
    with(params, "client_id", json!("$key"))
}

fn with(mut params: Value, name: &str, value: Value) -> Value {
    params[name] = value;
    params
}

fn now_ms() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    u64::try_from(now.unwrap().as_millis()).unwrap()
}
