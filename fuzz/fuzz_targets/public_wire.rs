//! libFuzzer's program for `kerb_fuzz::targets::public_wire`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::public_wire::target(data);
});
