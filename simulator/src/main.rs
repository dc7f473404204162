//! The binary. All of it stands in the library.

fn main() -> std::process::ExitCode {
    kerb_simulator::cli::run()
}
