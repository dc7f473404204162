//! libFuzzer's program for `kerb_fuzz::targets::market_snapshot`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::market_snapshot::target(data);
});
