#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tubeatlas_fuzz::graph(bytes));
