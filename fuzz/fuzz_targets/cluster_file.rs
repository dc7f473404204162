//! libFuzzer's program for `kerb_fuzz::cluster_file`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::cluster_file::target(data);
});
