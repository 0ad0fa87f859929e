//! What admins of the whole service do to a conversation.

use super::{NOW, entry, group, id, key, user};
use crate::{
    Actor, AdminDismiss, AdminRecall, Body, Code, Content, Kind, Limits, Rejection, Seq,
    state::{Ask, ConversationState, Decision, Facts},
};

fn decide(state: &ConversationState, ask: &Ask, facts: &Facts) -> Result<Decision, Rejection> {
    let admin = Actor::user(user("admin"));
    state.decide(&admin, ask, facts, &Limits::default(), NOW)
}

fn dismiss() -> Ask {
    Ask::AdminDismiss(AdminDismiss {
        conversation: id(),
        client_id: key(),
    })
}

fn recall() -> Ask {
    Ask::AdminRecall(AdminRecall {
        conversation: id(),
        seq: Seq(4),
        client_id: key(),
    })
}

fn facts(body: Body) -> Facts {
    Facts {
        targets: vec![entry(4, "mia", body)],
        ..Facts::default()
    }
}

#[test]
fn an_admin_ends_any_group_once() {
    let mut state = group();
    let dismissed = decide(&state, &dismiss(), &Facts::default());
    assert_eq!(dismissed, Ok(Decision::Append(Body::Dismissed)));

    let next = state.head().seq.next().0;
    state.apply(&entry(next, "admin", Body::Dismissed));

    let again = decide(&state, &dismiss(), &Facts::default());
    assert_eq!(again, Ok(Decision::Nothing));
}

#[test]
fn a_direct_conversation_is_not_ended_by_an_admin() {
    let direct = super::begun(Kind::Direct, crate::Joining::Invited, &["olga", "mia"]);

    let refused = decide(&direct, &dismiss(), &Facts::default());

    assert_eq!(refused.unwrap_err().code, Code::Forbidden);
}

#[test]
fn an_admin_recalls_whatever_stands_in_whatever_conversation() {
    let direct = super::begun(Kind::Direct, crate::Joining::Invited, &["olga", "mia"]);
    let mut ended = group();
    let next = ended.head().seq.next().0;
    ended.apply(&entry(next, "olga", Body::Dismissed));
    let said = facts(Body::says(Content::text("hello")));

    for state in [direct, group(), ended] {
        let recalled = decide(&state, &recall(), &said);
        let target = Seq(4);
        assert_eq!(recalled, Ok(Decision::Append(Body::Recalled { target })));
    }
}

#[test]
fn what_is_no_message_or_gone_is_not_recalled() {
    let code = |facts| decide(&group(), &recall(), &facts).unwrap_err().code;

    assert_eq!(code(Facts::default()), Code::NotFound);
    assert_eq!(code(facts(Body::Dismissed)), Code::NotFound);
    let recalled = Body::RecalledMessage { by: Seq(5) };
    assert_eq!(code(facts(recalled)), Code::Recalled);
}
