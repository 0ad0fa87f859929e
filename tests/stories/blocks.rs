//! Blocks: nothing direct passes, groups go on.

use im_core::{
    Block, BlockUser, Code, Error, ListBlocks, OpenDirect, Push, UnblockUser, testing::user,
};

use crate::world::{World, call, group, next_entry, next_that, refused, within};

#[tokio::test]
async fn a_block_stops_direct_messages_both_ways_until_it_is_lifted() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let mut laptop = world.connect("alice", "laptop").await;
    let mut bob = world.connect("bob", "phone").await;
    let chat = call(&alice, OpenDirect { user: user("bob") })
        .await
        .conversation;
    let room = group(&alice, &["bob"]).await;
    let block = BlockUser { user: user("bob") };

    call(&alice, block.clone()).await;
    call(&alice, block).await;
    assert_eq!(
        next_block(&mut laptop).await,
        Block {
            user: user("bob"),
            blocked: true
        }
    );
    for session in [&alice, &bob] {
        let answer = within("an answer", session.send(&chat, "hello?")).await;
        let Err(Error::Rejected(rejection)) = answer else {
            panic!("{answer:?}");
        };
        assert_eq!(rejection.code, Code::Blocked);
    }
    // In a group nobody speaks to somebody in particular.
    bob.send(&room, "still here").await.unwrap();
    let blocks = call(&alice, ListBlocks {}).await.items;
    assert_eq!(
        blocks,
        [Block {
            user: user("bob"),
            blocked: true
        }]
    );
    // Whom somebody blocked is nobody else's business.
    assert_eq!(call(&bob, ListBlocks {}).await.items, []);

    let lift = UnblockUser { user: user("bob") };
    call(&alice, lift.clone()).await;
    call(&alice, lift).await;
    assert_eq!(
        next_block(&mut laptop).await,
        Block {
            user: user("bob"),
            blocked: false
        }
    );
    assert_eq!(call(&alice, ListBlocks {}).await.items, []);
    let sent = within("a send", alice.send(&chat, "hello!")).await.unwrap();
    // Created, and nothing of what was refused.
    assert_eq!(sent.seq.0, 2);
    loop {
        let entry = next_entry(&mut bob).await;
        if entry.conversation == chat && entry.seq == sent.seq {
            break;
        }
    }
}

#[tokio::test]
async fn nobody_begins_a_conversation_across_a_block() {
    let world = World::engine().await;
    let alice = world.connect("alice", "phone").await;
    let bob = world.connect("bob", "phone").await;

    call(&alice, BlockUser { user: user("bob") }).await;

    assert_eq!(
        refused(
            &bob,
            OpenDirect {
                user: user("alice")
            }
        )
        .await,
        Code::Blocked
    );
    assert_eq!(
        refused(&alice, OpenDirect { user: user("bob") }).await,
        Code::Blocked
    );
    assert_eq!(
        refused(&bob, BlockUser { user: user("bob") }).await,
        Code::InvalidRequest
    );
}

async fn next_block(session: &mut im_core::Session) -> Block {
    next_that(session, "a block", |push| match push {
        Push::BlockChanged(block) => Some(block.clone()),
        _ => None,
    })
    .await
}
