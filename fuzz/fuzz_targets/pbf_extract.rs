//! libFuzzer's program for `kerb_fuzz::targets::pbf_extract`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::pbf_extract::target(data);
});
