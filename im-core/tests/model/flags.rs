//! Words that are flagged, in the queue of reports.

use std::time::Duration;

use im_core::{
    Code, Report, ReportOutcome, ReportReason, ScheduleMessage, Timestamp, UpdateProfile,
    hook::{ReportFlags, WordFilter, Words},
    port::Runtime,
};

use crate::{
    hooks::{House, message},
    reports::{about, code, edit, messages, open, settle},
};

/// Words that are flagged, and reported.
fn watched() -> House {
    House::new(|im, _| {
        let words = Words::parse("flag followers\nflag pills").unwrap();
        let flags = ReportFlags::new(im.ports());
        im.before(WordFilter::new(words, flags.clone()))
            .after(flags)
    })
}

#[test]
fn a_message_with_flagged_words_is_in_the_queue_once() {
    let house = watched();
    house.send("m", "Buy FOLLOWERS and pills").unwrap();
    house.send("m", "Buy FOLLOWERS and pills").unwrap();
    house.send("n", "nothing of that").unwrap();
    house.runtime.run_until_idle();

    let items = open(&house);
    assert_eq!(items.len(), 1);
    let Report {
        by,
        about: what,
        reason,
        note,
        ..
    } = &items[0].report;
    assert_eq!((by, reason), (&None, &ReportReason::Words));
    assert_eq!(*what, messages(&house, &[2]));
    assert_eq!(note.as_deref(), Some("followers, pills"));
    settle(&house, &items[0].report, ReportOutcome::Dismissed).unwrap();
    house.send("m", "Buy FOLLOWERS and pills").unwrap();
    house.runtime.run_until_idle();
    assert!(open(&house).is_empty());
}

#[test]
fn what_is_flagged_and_refused_is_not_in_the_queue() {
    let house = watched();
    let elsewhere = message(im_core::testing::conversation(), "m", "followers");

    assert_eq!(code(house.call(elsewhere)), Code::NotFound);
    house.runtime.run_until_idle();

    assert!(open(&house).is_empty());
}

#[test]
fn an_edit_a_scheduled_message_and_a_profile_are_flagged_too() {
    let house = watched();
    house.send("m", "harmless").unwrap();
    house.call(edit(&house, "e", 2, "pills")).unwrap();
    let later = ScheduleMessage {
        message: message(house.chat, "s", "followers"),
        at_ms: Timestamp(house.runtime.now().0 + 1_000),
    };
    house.call(later).unwrap();
    house.runtime.run_until_idle();
    assert_eq!(open(&house).len(), 1, "not before it is sent");
    house.runtime.advance(Duration::from_secs(2));
    let profile = UpdateProfile {
        bio: Some("pills!".to_owned()),
        ..UpdateProfile::default()
    };
    house.call(profile.clone()).unwrap();
    house.call(profile).unwrap();
    house.runtime.run_until_idle();

    let abouts = open(&house).into_iter().map(|item| item.report.about);
    let expected = [
        messages(&house, &[2]),
        messages(&house, &[4]),
        about("alice"),
    ];
    assert_eq!(abouts.collect::<Vec<_>>(), expected);
}
