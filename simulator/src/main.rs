//! The binary. All of it stands in the library.

#![warn(clippy::print_stdout, clippy::print_stderr)]

fn main() -> std::process::ExitCode {
    kerb_simulator::cli::run()
}
