//! Erasing a user: what it leaves, and that it can break off anywhere.

use im_core::{
    Actor, AddMembers, BlockUser, Body, ChangeRole, ChangeSettings, ClientId, Content,
    CreateConversation, DeleteMessages, EditMessage, Entry, Joining, KickMembers, PutDraft, React,
    RenameMember, RequestContact, RequestJoin, RestrictUser, RestrictionKind, Role, Seq,
    SettingsPatch, UserId, port::Range,
};
use im_server::{Mode, RealNameChecks};
use serde_json::json;
use sqlx::{Connection as _, Row as _, SqliteConnection};

use crate::{
    house::{House, PASSWORD, text},
    postbox::PostOffice,
};

/// In everything that a user says of itself.
const CANARY: &str = "canary7391";

/// The user's id, which stays where a log or a list of members names it (ADR 0008).
const NAME: &str = "idbird8264";

/// Where the canary is before the user is erased.
const SINGS: [&str; 13] = [
    "audit.params",
    "device.device_id",
    "entry.body",
    "identifier.name",
    "join_request.greeting",
    "mark.value",
    "member.nickname",
    "member.settings",
    "own.value",
    "profile.profile",
    "revision.was",
    "standing.restrictions",
    "token_family.device_id",
];

/// Columns that may hold the id of an erased user.
const MAY_NAME: [&str; 9] = [
    "audit.about",
    "conversation.info",
    "entry.body",
    "entry.sender",
    "erasure.user_id",
    "feed.user_id",
    "member.user_id",
    "own.item",
    "revoked_user.user_id",
];

/// The columns of the database in whose text or bytes one of `words` is.
pub(crate) async fn find(house: &House, words: &[&str]) -> Vec<String> {
    let address = format!("sqlite://{}/im.db", house.home().display());
    let mut database = SqliteConnection::connect(&address).await.unwrap();
    let tables = "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c \
                  WHERE m.type = 'table' ORDER BY 1, 2";
    let columns = sqlx::query(tables).fetch_all(&mut database).await.unwrap();
    assert!(columns.len() > 40, "the whole schema is looked through");
    let mut found = Vec::new();
    for row in columns {
        let (table, column): (String, String) = (row.get(0), row.get(1));
        let select = format!("SELECT CAST(\"{column}\" AS BLOB) FROM \"{table}\"");
        let select = sqlx::AssertSqlSafe(select);
        let rows = sqlx::query(select).fetch_all(&mut database).await.unwrap();
        let holds = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).to_lowercase();
            words.iter().any(|word| text.contains(&word.to_lowercase()))
        };
        let values = rows.iter().map(|row| row.get::<Option<Vec<u8>>, _>(0));
        if values.flatten().any(|bytes| holds(&bytes)) {
            found.push(format!("{table}.{column}"));
        }
    }
    found
}

fn user(name: &str) -> UserId {
    name.try_into().unwrap()
}

/// A group with these others.
fn group(others: &[&str]) -> CreateConversation {
    CreateConversation {
        name: Some("plans".to_owned()),
        ..CreateConversation::group(ClientId::random(), others.iter().map(|name| user(name)))
    }
}

async fn log(house: &House, at: im_core::ConversationId) -> Vec<Entry> {
    let log = &house.server.im().ports().log;
    log.read(at, Range::After(Seq::ZERO), 1_000).await.unwrap()
}

/// A user that has used everything that there is.
async fn live(office: &PostOffice) -> String {
    let house = &office.house;
    let mail = format!("{CANARY}@example.org");
    let code = office.code("register", &mail, None).await;
    let new = json!({"user": NAME, "password": PASSWORD, "nickname": CANARY, "identifier": mail, "code": code});
    assert_eq!(house.ask("POST /v1/accounts").json(new).await.status, 201);
    let device = format!("{CANARY}-phone");
    let body = json!({"user": NAME, "password": PASSWORD, "device": device});
    let session = house.ask("POST /v1/sessions").json(body).await.json();
    let token = text(&session["access_token"]);
    let refresh = json!({"refresh_token": session["refresh_token"]});
    house.ask("POST /v1/sessions/refresh").json(refresh).await;
    let phone = "+73917391739";
    let code = office.code("verify", phone, Some(&token)).await;
    let body = json!({"identifier": phone, "code": code, "password": PASSWORD});
    let attached = house.ask("PUT /v1/accounts/me/identifiers").token(&token);
    assert_eq!(attached.json(body).await.status, 200);
    office.code("verify", phone, Some(&token)).await;
    let profile = json!({
        "avatar": CANARY, "bio": CANARY, "extra": {CANARY: CANARY}, "gender": "other",
        "voice_tag": CANARY, "interests": [CANARY],
    });
    let updated = house.ask("PATCH /v1/users/me").token(&token).json(profile);
    assert_eq!(updated.await.status, 200);
    let shown = house.ask("POST /v1/accounts/me/real-name").token(&token);
    let document = json!({"name": CANARY, "number": "TEST-7391"});
    assert_eq!(shown.json(document).await.status, 200);
    talk(house, &device).await;
    judge(house).await;
    token
}

/// An admin decides something about the user, and says why.
async fn judge(house: &House) {
    let restrict = RestrictUser {
        user: user(NAME),
        kind: RestrictionKind::Muted,
        until_ms: None,
        reason: Some(CANARY.to_owned()),
    };
    let admin = Actor::service(user("admin"));
    house.server.im().call(&admin, restrict).await.unwrap();
}

/// Says things everywhere, and moderates.
async fn talk(house: &House, device: &str) {
    let im = house.server.im();
    let (me, bob) = (Actor::user(user(NAME)), Actor::user(user("bob")));
    let session = im.connect(NAME, device).await.unwrap();
    let direct = im.direct(NAME, "bob").await.unwrap();
    let own = im
        .call(&me, group(&["bob", "carol"]))
        .await
        .unwrap()
        .conversation;
    let theirs = im.call(&bob, group(&[NAME])).await.unwrap().conversation;
    for at in [direct, own, theirs] {
        let sent = session
            .send(&at, format!("{CANARY} says hello"))
            .await
            .unwrap();
        session
            .send(&at, format!("{CANARY} goes on"))
            .await
            .unwrap();
        let edit = EditMessage {
            conversation: at,
            client_id: ClientId::random(),
            target: sent.seq,
            content: Content::text(format!("{CANARY} says it better")),
        };
        im.call(&me, edit).await.unwrap();
        let settings = ChangeSettings {
            conversation: at,
            changes: SettingsPatch {
                pinned: Some(true),
                remark: Some(CANARY.to_owned()),
                ..SettingsPatch::default()
            },
        };
        im.call(&me, settings).await.unwrap();
        let react = React {
            conversation: at,
            target: sent.seq,
            emoji: CANARY.to_owned(),
            on: true,
        };
        im.call(&me, react).await.unwrap();
        let delete = DeleteMessages {
            conversation: at,
            seqs: vec![sent.seq],
        };
        im.call(&me, delete).await.unwrap();
    }
    let rename = RenameMember {
        conversation: own,
        client_id: ClientId::random(),
        user: user(NAME),
        nickname: Some(CANARY.to_owned()),
    };
    im.call(&me, rename).await.unwrap();
    let closed = CreateConversation {
        joining: Joining::Approval,
        ..group(&[])
    };
    let closed = im.call(&bob, closed).await.unwrap().conversation;
    let knock = RequestJoin {
        conversation: closed,
        greeting: Some(CANARY.to_owned()),
    };
    im.call(&me, knock).await.unwrap();
    let friend = RequestContact {
        user: user("bob"),
        greeting: Some(CANARY.to_owned()),
    };
    im.call(&me, friend).await.unwrap();
    let draft = PutDraft {
        conversation: direct,
        content: Content::text(CANARY),
        reply_to: None,
    };
    im.call(&me, draft).await.unwrap();
    let notes = im.direct(NAME, NAME).await.unwrap();
    session.send(&notes, CANARY).await.unwrap();
    let kick = KickMembers {
        conversation: own,
        client_id: ClientId::random(),
        users: vec![user("carol")],
        reason: Some(CANARY.to_owned()),
        banned_until_ms: None,
    };
    im.call(&me, kick).await.unwrap();
    im.call(
        &me,
        BlockUser {
            user: user("carol"),
        },
    )
    .await
    .unwrap();
    drop(session);
}

async fn office() -> PostOffice {
    let office = PostOffice::open_with(|config| {
        config.mode = Mode::Development;
        config.real_names = RealNameChecks::Test;
    })
    .await;
    for name in ["bob", "carol"] {
        office.house.sign_in(name).await;
    }
    office
}

#[tokio::test]
async fn an_erased_user_leaves_nothing_but_its_id() {
    let office = office().await;
    let house = &office.house;
    let token = live(&office).await;
    assert_eq!(find(house, &[CANARY]).await, SINGS);

    let erased = house.ask("DELETE /v1/accounts/me").token(&token);
    let erased = erased.json(json!({"password": PASSWORD})).await;

    assert_eq!(erased.status, 204, "{erased:?}");
    assert_eq!(
        find(house, &[CANARY, "73917391739"]).await,
        Vec::<String>::new()
    );
    let named = find(house, &[NAME]).await;
    let wrong: Vec<_> = named
        .iter()
        .filter(|it| !MAY_NAME.contains(&it.as_str()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}");
}

#[tokio::test]
async fn who_is_erased_is_gone_for_everybody() {
    let office = office().await;
    let house = &office.house;
    let token = live(&office).await;
    let wrong = house.ask("DELETE /v1/accounts/me").token(&token);
    let wrong = wrong.json(json!({"password": "incorrect horse"})).await;
    assert_eq!(wrong.problem().0, 403);

    house.server.accounts().erase(&user(NAME)).await.unwrap();

    let me = house.ask("GET /v1/users/me").token(&token).send().await;
    assert_eq!(me.status, 401);
    let body = json!({"user": NAME, "password": PASSWORD});
    assert_eq!(
        house
            .ask("POST /v1/sessions")
            .json(body.clone())
            .await
            .status,
        401
    );
    let again = house.ask("POST /v1/accounts").json(body).await;
    assert_eq!(again.problem().0, 409, "the name is not given again");
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let brought = house.ask(&format!("PUT /v1/users/{NAME}")).token(&key);
    assert_eq!(brought.json(json!({})).await.problem().0, 409);
    let code = office
        .code("register", &format!("{CANARY}@example.org"), None)
        .await;
    assert_eq!(code.len(), 6, "its address is free");
}

#[tokio::test]
async fn who_is_erased_leaves_its_groups_to_others() {
    let house = House::open().await;
    for name in ["alice", "bob", "carol"] {
        house.sign_in(name).await;
    }
    let im = house.server.im();
    let alice = Actor::user(user("alice"));
    let at = im
        .call(&alice, group(&["bob", "carol"]))
        .await
        .unwrap()
        .conversation;
    let promote = ChangeRole {
        conversation: at,
        client_id: ClientId::random(),
        user: user("carol"),
        role: Role::Admin,
    };
    im.call(&alice, promote).await.unwrap();
    let alone = im.call(&alice, group(&[])).await.unwrap().conversation;

    house.server.accounts().erase(&user("alice")).await.unwrap();

    let bodies: Vec<_> = log(&house, at)
        .await
        .into_iter()
        .map(|entry| entry.body)
        .collect();
    let handed_over = Body::RoleChanged {
        member: user("carol"),
        role: Role::Owner,
    };
    assert_eq!(bodies[bodies.len() - 2..], [handed_over, Body::Left]);
    assert_eq!(log(&house, alone).await.last().unwrap().body, Body::Left);
    let carol = Actor::user(user("carol"));
    let add = AddMembers {
        conversation: at,
        client_id: ClientId::random(),
        users: vec![user("bob")],
    };
    assert!(im.call(&carol, add).await.is_ok(), "the group goes on");
}

#[tokio::test]
async fn an_erasure_that_broke_off_is_gone_on_with_at_the_next_start() {
    let office = office().await;
    live(&office).await;
    let erasures = &office.house.server.im().ports().erasures;
    let now = office.house.server.im().ports().runtime.now();
    erasures.begin(&user(NAME), now).await.unwrap();
    erasures.step(&user(NAME), 1).await.unwrap();

    let house = office.house.restart().await;
    house.server.im().resume_erasures().await.unwrap();

    assert_eq!(
        find(&house, &[CANARY, "73917391739"]).await,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_back_end_erases_its_users() {
    let house = House::open().await;
    let key = house.server.accounts().create_key("shop").await.unwrap();
    let token = house.token_of("alice").await;
    let bring = house.ask("PUT /v1/users/theirs").token(&key);
    bring.json(json!({"nickname": CANARY})).await;
    let erase = async |token: &str, name: &str| {
        let ask = house.ask(&format!("DELETE /v1/users/{name}")).token(token);
        ask.send().await.status
    };

    assert_eq!(erase(&token, "theirs").await, 403);
    assert_eq!(erase(&key, "nobody").await, 404);
    assert_eq!(erase(&key, "theirs").await, 204);
    assert_eq!(erase(&key, "theirs").await, 204, "again finds nothing left");
    assert_eq!(find(&house, &[CANARY]).await, Vec::<String>::new());
}
