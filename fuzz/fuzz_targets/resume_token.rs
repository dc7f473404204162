//! libFuzzer's program for `kerb_fuzz::targets::resume_token`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::resume_token::target(data);
});
