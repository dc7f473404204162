//! libFuzzer's program for `kerb_fuzz::targets::csv_rows`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::csv_rows::target(data);
});
