//! What is counted of nodes moves as it should.

use std::time::Duration;

use im_core::{
    Im,
    figures::{Figures as _, Value},
};
use tokio::time::sleep;

use super::{
    pair::{A, B, Pair},
    talk::hears_all,
};
use crate::world::{group, within};

/// The sum of a figure over its labels.
fn read(im: &Im, name: &str) -> f64 {
    let figures = im.figures();
    let figure = figures.iter().find(|figure| figure.name == name);
    let samples = figure.unwrap_or_else(|| panic!("{name} is not shown"));
    let numbers = samples.samples.iter().map(|sample| match sample.value {
        Value::Number(number) => number,
        Value::Histogram(_) => panic!("{name} is a histogram"),
    });
    numbers.sum()
}

async fn until(im: &Im, name: &str, wanted: impl Fn(f64) -> bool) {
    let looking = async {
        while !wanted(read(im, name)) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within(name, looking).await;
}

pub(crate) async fn move_with_what_happens(pair: Pair) {
    let (a, b) = (pair.im(A), pair.im(B));
    for node in [a, b] {
        until(node, "im_nodes", |nodes| nodes == 2.0).await;
        assert_eq!(read(node, "im_bus_connected"), 1.0);
        assert_eq!(read(node, "im_letters_lost_total"), 0.0);
    }
    let alice = pair.connect(A, "alice", "phone").await;
    let mut bob = pair.connect(B, "bob", "phone").await;
    let (sent, heard) = (
        read(a, "im_letters_sent_total"),
        read(b, "im_letters_heard_total"),
    );
    let room = group(&alice, &["bob"]).await;
    hears_all(&mut bob, room, 1).await;
    assert!(read(a, "im_letters_sent_total") > sent);
    assert!(read(b, "im_letters_heard_total") > heard);
    assert!(read(a, "im_bus_lag_seconds") < 60.0);

    let (repairs, errors) = (
        read(b, "im_node_repairs_total"),
        read(b, "im_directory_errors_total"),
    );
    pair.part(B);
    until(b, "im_bus_connected", |connected| connected == 0.0).await;
    until(b, "im_directory_errors_total", |now| now > errors).await;
    until(b, "im_letters_lost_total", |lost| lost > 0.0).await;
    until(b, "im_node_silence_seconds", |silence| silence > 2.0).await;
    until(a, "im_nodes", |nodes| nodes == 1.0).await;
    assert!(
        read(a, "im_node_silence_seconds") < f64::EPSILON,
        "nobody is there"
    );

    pair.rejoin(B);
    until(b, "im_bus_connected", |connected| connected == 1.0).await;
    until(b, "im_node_repairs_total", |now| now > repairs).await;
    until(b, "im_node_silence_seconds", |silence| silence < 2.0).await;
    until(a, "im_nodes", |nodes| nodes == 2.0).await;
}
