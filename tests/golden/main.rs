//! Golden frames: one file for every method and every push, the examples of docs/protocol.md. A file that has to change
//! is a change of the protocol.

#![allow(clippy::unwrap_used)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use im_core::{
    METHODS, Push,
    wire::{Format, Incoming, read_request, write_push, write_reply, write_request},
};
use serde_json::Value;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden")
}

fn read(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    let text =
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn bytes_of(frame: &Value) -> Vec<u8> {
    assert!(frame.is_object(), "a frame is missing");
    serde_json::to_vec(frame).unwrap()
}

/// What `write` appends, as a value.
fn written(format: Format, write: impl FnOnce(Format, &mut Vec<u8>)) -> (Vec<u8>, Value) {
    let mut bytes = Vec::new();
    write(format, &mut bytes);
    let value = format.read(&bytes).unwrap();
    (bytes, value)
}

#[test]
fn there_is_a_file_for_every_method_and_every_push_and_no_other() {
    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it == "json"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();

    let pushes = Push::METHODS.iter().map(|push| format!("push.{push}"));
    let expected: BTreeSet<_> = METHODS
        .iter()
        .map(|it| (*it).to_owned())
        .chain(pushes)
        .collect();
    assert_eq!(files, expected);
}

#[test]
fn every_request_reads_as_a_command_and_is_written_the_same() {
    for method in METHODS {
        let frame = &read(method)["request"];
        let request = read_request(Format::Json, &bytes_of(frame));
        let (id, command) = (request.id.unwrap(), request.command);
        let command = command.unwrap_or_else(|error| panic!("{method}: {error}"));
        assert_eq!(command.method(), *method);

        for format in [Format::Json, Format::MessagePack] {
            let (bytes, value) = written(format, |format, out| {
                write_request(format, &id, &command, out)
            });
            assert_eq!(value, *frame, "{method} in {format:?}");
            let again = read_request(format, &bytes);
            assert_eq!(
                (again.id.as_ref(), again.command.as_ref()),
                (Some(&id), Ok(&command)),
                "{method}"
            );
        }
    }
}

#[test]
fn every_reply_reads_as_the_answer_to_its_method_and_is_written_the_same() {
    for method in METHODS {
        let frame = &read(method)["reply"];
        let bytes = bytes_of(frame);
        let Incoming::Reply(id) = Incoming::read(Format::Json, &bytes).unwrap() else {
            panic!("{method}: this is no reply");
        };
        let reply = Incoming::reply(Format::Json, method, &bytes);
        let reply = reply
            .unwrap_or_else(|error| panic!("{method}: {error}"))
            .unwrap();
        assert_eq!(frame["id"], read(method)["request"]["id"], "{method}");

        for format in [Format::Json, Format::MessagePack] {
            let (bytes, value) = written(format, |format, out| {
                write_reply(format, Some(&id), &Ok(reply.clone()), out);
            });
            assert_eq!(value, *frame, "{method} in {format:?}");
            let again = Incoming::reply(format, method, &bytes).unwrap();
            assert_eq!(again, Some(reply.clone()), "{method} in {format:?}");
        }
    }
}

#[test]
fn every_push_reads_as_itself_and_is_written_the_same() {
    for method in Push::METHODS {
        let frame = &read(&format!("push.{method}"))["push"];
        let incoming = Incoming::read(Format::Json, &bytes_of(frame));
        let incoming = incoming.unwrap_or_else(|error| panic!("{method}: {error}"));
        let Incoming::Push(push) = incoming else {
            panic!("{method}: {incoming:?} is no push");
        };
        assert_eq!(push.method(), *method);
        assert_eq!(frame.get("id"), None, "{method}: nobody answers a push");

        for format in [Format::Json, Format::MessagePack] {
            let (bytes, value) = written(format, |format, out| write_push(format, &push, out));
            assert_eq!(value, *frame, "{method} in {format:?}");
            assert_eq!(
                Incoming::read(format, &bytes).unwrap(),
                Incoming::Push(push.clone())
            );
        }
    }
}
