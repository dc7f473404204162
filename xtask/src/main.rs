//! Chores of this repository: generating the wire code, checking the rules that no compiler knows, and comparing
//! this with what others use.

mod bench;
mod check;
mod codegen;
mod command;
mod examples;
mod explore;
mod fuzz;
mod peers;
mod solver_peers;

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

/// Any failure of a chore, as the text that is printed.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo xtask <chore>

  codegen          write proto/src/generated from proto/protos
  codegen --check  fail when proto/src/generated is not what codegen would write
  check            fail when a rule of the repository is broken
  vocabulary [PATH...]
                   print the denied words below these paths, each with the term to write instead
  fuzz [--runs N] [--seed SEED] [--target NAME]
                   replay the corpus of each fuzz target and N mutated inputs; needs no libFuzzer
  fuzz --write-corpus
                   write the valid inputs of each fuzz target below fuzz/corpus
  examples         run every example; each must end with success
  explore [--iterations N]
                   explore the interleavings of the lock-free code for as long as a night allows
  bench [--compare] [--rounds N] NAME... [-- FILTER]
                   run criterion benches, append their medians to docs/bench-history.jsonl, and print the ratio
                   to the last medians of the same processor
  peers [--quick] [--json] [FLAG...]
                   compare a whole node with Redis, Valkey and Tile38, where their servers are on this machine;
                   a plot goes to target/peers.svg; flags are those of `simulator peers`
  solver-peers [--quick] [--json]
                   compare the assignment solver with OR-tools and SciPy, which it installs into a folder
                   that is removed at the end; a ratio is how many times faster ours is";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match words {
        ["codegen"] => codegen::write(&root()),
        ["codegen", "--check"] => codegen::check(&root()),
        ["check"] => check::run(&root()),
        ["vocabulary", paths @ ..] => check::vocabulary::run(&root(), paths),
        ["fuzz", options @ ..] => fuzz::run(&root(), options),
        ["examples"] => examples::run(&root()),
        ["explore"] => explore::run(&root(), None),
        ["explore", "--iterations", iterations] => explore::run(&root(), Some(iterations)),
        ["bench", options @ ..] => match bench::Options::parse(options) {
            Some(options) => bench::run(&root(), &options),
            None => Err(USAGE.into()),
        },
        ["peers", flags @ ..] => peers::run(&root(), flags),
        ["solver-peers", options @ ..] => match solver_peers::Options::parse(options) {
            Some(options) => solver_peers::run(&root(), options),
            None => Err(USAGE.into()),
        },
        _ => Err(USAGE.into()),
    }
}

/// The repository that cargo runs this for, which need not be the one that it was built in: two checkouts may share
/// a target folder.
fn root() -> PathBuf {
    let xtask = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(xtask).parent().expect("xtask is a folder of the repository").to_owned()
}
