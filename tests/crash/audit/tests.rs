//! The audit finds what it is there to find.

use super::*;
use crate::world::DeviceLog;

/// One conversation of Ann and Ben: Ann says one, two, three, edits two, and recalls three.
fn fine() -> (World, Vec<Log>) {
    let mut world = World::default();
    let mut log = Log::default();
    let created = entry("created", None, None, "begin");
    log.take(
        1,
        Seen {
            members: vec!["ann".into(), "ben".into()],
            ..created
        },
    );
    let edit = Kind::Edit(3, "now a5".to_owned());
    let asks = [said("a2"), said("a3"), said("a4"), edit, Kind::Recall(4)];
    for (kind, number) in asks.into_iter().zip(2..) {
        let client_id = format!("a{number}");
        let seen = match &kind {
            Kind::Message(text) => entry("message", None, Some(text), &client_id),
            Kind::Edit(target, text) => entry("edited", Some(*target), Some(text), &client_id),
            Kind::Recall(_) | Kind::Join | Kind::Leave => {
                entry("recalled", Some(4), None, &client_id)
            }
        };
        log.take(number, seen);
        let ask = Ask {
            conversation: 0,
            user: "ann".to_owned(),
            device: "ann-phone".to_owned(),
            number,
            kind,
            answer: Answer::Stored(number),
            was_deferred: false,
        };
        world.asks.insert(client_id, ask);
    }
    log.head = 6;
    let seen = DeviceLog {
        user: "ben".to_owned(),
        logs: vec![log.clone()],
        whereabouts: String::new(),
        is_settled: true,
    };
    world.seen.insert("ben-phone".to_owned(), seen);
    (world, vec![log])
}

fn said(client_id: &str) -> Kind {
    Kind::Message(format!("text {client_id}"))
}

fn entry(kind: &str, target: Option<u64>, text: Option<&str>, client_id: &str) -> Seen {
    Seen {
        sender: "ann".to_owned(),
        client_id: client_id.to_owned(),
        kind: kind.to_owned(),
        target,
        members: Vec::new(),
        text: text.map(str::to_owned),
    }
}

/// What the audit says after something was done to the server's log and the device's.
fn found(break_it: impl Fn(&mut Log, &mut Log, &mut World)) -> String {
    let (mut world, mut logs) = fine();
    let mut own = std::mem::take(&mut world.seen.get_mut("ben-phone").unwrap().logs[0]);
    break_it(&mut logs[0], &mut own, &mut world);
    world.seen.get_mut("ben-phone").unwrap().logs[0] = own;
    let outcome = audit(&world, &logs).and_then(|_| devices(&world, &logs));
    outcome.err().unwrap_or_default()
}

fn text_of(log: &mut Log, seq: u64) -> &mut Option<String> {
    &mut log.entries.get_mut(&seq).unwrap().text
}

#[test]
fn what_is_fine_passes() {
    assert_eq!(found(|_, _, _| {}), "");
}

#[test]
fn what_is_lost_doubled_or_moved_in_the_log_is_found() {
    let lost_at_the_end = found(|log, _, _| {
        log.entries.remove(&6);
        log.head = 5;
    });
    assert!(
        lost_at_the_end.contains("a6 was acknowledged at (0, 6), and is at None"),
        "{lost_at_the_end}"
    );
    let hole = found(|log, _, _| drop(log.entries.remove(&3)));
    assert!(hole.contains("3 is missing"), "{hole}");
    let doubled = found(|log, _, _| {
        log.take(7, entry("message", None, Some("text a2"), "a2"));
        log.head = 7;
    });
    assert!(
        doubled.contains("stored twice") || doubled.contains("after"),
        "{doubled}"
    );
    let refused =
        found(|_, _, world| world.asks.get_mut("a2").unwrap().answer = Answer::Refused("x".into()));
    assert!(refused.contains("was refused"), "{refused}");
    let swapped = found(|log, _, _| {
        let second = log.entries.remove(&2).unwrap();
        let third = log.entries.insert(3, second).unwrap();
        log.entries.insert(2, third);
    });
    assert!(swapped.contains("after"), "{swapped}");
}

#[test]
fn content_that_is_wrong_or_came_back_is_found() {
    let changed = found(|log, _, _| *text_of(log, 2) = Some("other".to_owned()));
    assert!(changed.contains("the text differs"), "{changed}");
    let edit_lost = found(|log, _, _| *text_of(log, 3) = Some("text a3".to_owned()));
    assert!(edit_lost.contains("the text differs"), "{edit_lost}");
    let back = found(|log, _, _| *text_of(log, 4) = Some("text a4".to_owned()));
    assert!(
        back.contains("recalled, and its content is still there"),
        "{back}"
    );
}

#[test]
fn a_device_that_lacks_repeats_or_sees_too_much_is_found() {
    let lacks = found(|_, own, _| drop(own.entries.remove(&6)));
    assert!(lacks.contains("has 5 of 6"), "{lacks}");
    let hole = found(|_, own, _| drop(own.entries.remove(&3)));
    assert!(hole.contains("lacks 3"), "{hole}");
    let twice = found(|_, own, _| own.repeated = 1);
    assert!(twice.contains("came twice"), "{twice}");
    let other = found(|_, own, _| *text_of(own, 3) = Some("text a3".to_owned()));
    assert!(other.contains("the server has"), "{other}");
    let former =
        found(|_, _, world| world.seen.get_mut("ben-phone").unwrap().user = "eve".to_owned());
    assert!(former.contains("outside of"), "{former}");
}
