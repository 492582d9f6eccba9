//! See `palinode_tests::fuzz`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| palinode_tests::fuzz::check("events", bytes));
