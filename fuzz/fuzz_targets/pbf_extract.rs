//! libFuzzer's program for `kerb_fuzz::pbf_extract`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::pbf_extract::target(data);
});
