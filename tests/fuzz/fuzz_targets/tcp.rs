#![no_main]

#[path = "../../parsers/targets/mod.rs"]
mod targets;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| targets::read("tcp", bytes));
