//! libFuzzer's program for `kerb_fuzz::targets::internal_wire`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::internal_wire::target(data);
});
