//! libFuzzer's program for `kerb_fuzz::targets::scenario`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::scenario::target(data);
});
