//! The word filter at work in an engine.

use std::sync::{Arc, Mutex};

use im_core::{
    Actor, ChangeInfo, Code, CreateConversation, EditMessage, GetConversation, GetProfiles,
    InfoPatch, Joining, Seq, UpdateProfile,
    hook::{FlagSink, Flagged, NoFlags, WordFilter, Words},
    testing::{client_id, user},
};

use crate::hooks::{House, text_of};

#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Vec<Flagged>>>);

impl FlagSink for Desk {
    fn flag(&self, flagged: Flagged) {
        self.0.lock().unwrap().push(flagged);
    }
}

fn house(list: &str) -> (House, WordFilter) {
    let filter = WordFilter::new(Words::parse(list).unwrap(), NoFlags);
    (House::new(|im, _| im.before(filter.clone())), filter)
}

#[test]
fn messages_and_edits_pass_the_filter() {
    let (house, _) = house("replace 敏感词\nreject badword");

    house.send("a", "这是敏感词").unwrap();
    let refused = house.send("b", "ＢＡＤword").unwrap_err();
    let edit = EditMessage {
        conversation: house.chat,
        client_id: client_id("c"),
        target: Seq(2),
        content: "又是敏感词！".into(),
    };
    house.call(edit).unwrap();

    assert_eq!(refused.code, Code::ContentRejected);
    assert_eq!(house.texts(), ["又是***！"]);
}

#[test]
fn names_and_announcements_and_profiles_pass_the_filter() {
    let (house, _) = house("replace damn");
    let create = CreateConversation {
        client_id: client_id("g"),
        name: Some("Damn group".into()),
        members: Vec::new(),
        joining: Joining::Invited,
        history: im_core::Visibility::default(),
        preset: None,
    };
    let conversation = house.call(create).unwrap().conversation;
    let change = ChangeInfo {
        conversation,
        client_id: client_id("i"),
        changes: InfoPatch {
            announcement: Some("no damn news".into()),
            ..InfoPatch::default()
        },
    };
    house.call(change).unwrap();
    let update = UpdateProfile {
        nickname: Some("DAMN".into()),
        avatar: None,
        bio: None,
        extra: None,
        ..UpdateProfile::default()
    };
    house.call(update).unwrap();

    let info = house.call(GetConversation { conversation }).unwrap().info;
    let users = vec![user("alice")];
    let profile = &house.call(GetProfiles { users }).unwrap().items[0];

    assert_eq!(info.name.as_deref(), Some("**** group"));
    assert_eq!(info.announcement.as_deref(), Some("no **** news"));
    assert_eq!(profile.nickname.as_deref(), Some("****"));
}

#[test]
fn another_list_holds_from_the_moment_that_it_is_given() {
    let (house, filter) = house("replace old");
    let first = house.send("a", "old new").unwrap();

    filter.change(Words::parse("reject new").unwrap());

    assert_eq!(house.send("a", "old new"), Ok(first), "a retry");
    let refused = house.send("b", "old new").unwrap_err();
    assert_eq!(refused.code, Code::ContentRejected);
    assert_eq!(house.texts(), ["*** new"]);
}

#[test]
fn somebody_hears_of_what_is_flagged_as_it_goes_on() {
    let desk = Desk::default();
    let words = Words::parse("flag Watch\nreplace damn\nreject \"no\"").unwrap();
    let filter = WordFilter::new(words, desk.clone());
    let house = House::new(|im, _| im.before(filter));

    house.send("a", "watch the damn WATCH").unwrap();
    house.send("b", "watch no").unwrap_err();
    house.send("c", "nothing").unwrap();

    let flagged = desk.0.lock().unwrap();
    assert_eq!(flagged.len(), 1);
    assert_eq!(flagged[0].actor, Actor::user(user("alice")));
    assert_eq!(flagged[0].words, ["Watch"]);
    assert_eq!(text_of(&flagged[0].command), Some("watch the **** WATCH"));
}
