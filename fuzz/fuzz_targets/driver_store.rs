//! libFuzzer's program for `kerb_fuzz::targets::driver_store`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::driver_store::target(data);
});
