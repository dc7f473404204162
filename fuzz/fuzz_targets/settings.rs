//! libFuzzer's program for `kerb_fuzz::settings`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::settings::target(data);
});
