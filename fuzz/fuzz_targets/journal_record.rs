//! libFuzzer's program for `kerb_fuzz::targets::journal_record`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    kerb_fuzz::targets::journal_record::target(data);
});
