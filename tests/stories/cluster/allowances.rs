//! What a user may ask is what it may ask of all nodes together.

use std::time::Duration;

use im_core::{
    Actor, ChangeSystemSettings, Code, ConversationId, Im, OpenDirect, Typing, testing::user,
};
use serde_json::json;
use tokio::time::{Instant, sleep};

use super::pair::{A, B, Pair};
use crate::world::within;

/// Requests that a user has per second. A burst is twice as many.
const PER_SECOND: u32 = 10;

/// How long it is asked, in seconds.
const SPAN: u32 = 6;

pub(crate) async fn shared(pair: Pair) {
    let (alice, service) = (Actor::user(user("alice")), Actor::service(user("alice")));
    let open = OpenDirect { user: user("bob") };
    let chat = pair.im(A).call(&service, open).await.unwrap().conversation;
    let changes = json!({"limits": {"requests_per_second": PER_SECOND}});
    let change = ChangeSystemSettings {
        version: None,
        changes: serde_json::from_value(changes).unwrap(),
    };
    pair.im(A).call(&service, change).await.unwrap();
    within("the other node to hold it", async {
        while pair.im(B).limits().requests_per_second != Some(PER_SECOND) {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;

    let [here, there] = [A, B].map(|node| asked(pair.im(node), &alice, chat));
    let (here, there) = tokio::join!(here, there);

    // Each by itself would give a burst of 20 and 60 more. Until the first word of the other comes it gives that; what was too
    // much then is owed.
    let one = PER_SECOND * (SPAN + 2);
    assert!(here > 20 && there > 20, "{here} and {there}");
    assert!(here + there < one * 8 / 5, "{here} and {there}");
}

/// How often a user who asks for as much as it gets is given something.
async fn asked(im: &Im, actor: &Actor, conversation: ConversationId) -> u32 {
    let (begun, mut count) = (Instant::now(), 0);
    while begun.elapsed() < Duration::from_secs(SPAN.into()) {
        match im.call(actor, Typing { conversation }).await {
            Ok(_) => count += 1,
            Err(rejection) => {
                assert_eq!(rejection.code, Code::RateLimited);
                sleep(Duration::from_millis(20)).await;
            }
        }
    }
    count
}
