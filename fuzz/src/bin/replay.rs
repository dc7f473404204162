//! The bounded run: replays the corpus of each target and a number of mutated inputs, on any toolchain.
//!
//! `replay [--runs N] [--seed SEED] [--target NAME]`, or `replay --write-corpus`. The seed is printed, so a run can be
//! repeated. An input that panics is written below `fuzz/artifacts`.

#![forbid(unsafe_code)]

use std::hash::{BuildHasher, RandomState};
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kerb_fuzz::mutate::mutate;
use kerb_fuzz::{TARGETS, Target};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

const USAGE: &str = "usage: replay [--runs N] [--seed SEED] [--target NAME] | --write-corpus";
/// Mutated inputs of each target, unless an option says otherwise.
const RUNS: u64 = 100_000;
/// Corpus files with this prefix are valid encodings: their target must accept them.
const VALID: &str = "valid-";
/// The most accepted mutations of a target that are kept to be mutated again, and the longest of them.
const POOL_MAX: usize = 256;
const POOL_BYTES_MAX: usize = 16 * 1_024;

struct Options {
    runs: u64,
    seed: u64,
    target: Option<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = if arguments == ["--write-corpus"] {
        write_corpus()
    } else {
        parse(&arguments).and_then(|options| replay(&options))
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn parse(arguments: &[String]) -> Result<Options, String> {
    // A random number of the standard library: the keys of a new hasher.
    let mut options = Options { runs: RUNS, seed: RandomState::new().hash_one(()), target: None };
    for pair in arguments.chunks(2) {
        let [name, value] = pair else { return Err(USAGE.to_owned()) };
        let number = || value.parse().map_err(|error| format!("{name} {value}: {error}"));
        match name.as_str() {
            "--runs" => options.runs = number()?,
            "--seed" => options.seed = number()?,
            "--target" => options.target = Some(value.clone()),
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

fn replay(options: &Options) -> Result<(), String> {
    let wanted = |target: &&Target| options.target.as_deref().is_none_or(|name| name == target.name);
    let targets: Vec<&Target> = TARGETS.iter().filter(wanted).collect();
    if targets.is_empty() {
        let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
        return Err(format!("no such target; there are {}", names.join(", ")));
    }
    println!("fuzz: {} runs of each target, --seed {}", options.runs, options.seed);
    let mut failed = Vec::new();
    for target in targets {
        if let Err(message) = replay_target(target, options) {
            eprintln!("{}: {message}", target.name);
            failed.push(target.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

fn replay_target(target: &Target, options: &Options) -> Result<(), String> {
    let corpus = read_corpus(target.name)?;
    if corpus.is_empty() {
        return Err("no corpus: run `cargo xtask fuzz --write-corpus`".to_owned());
    }
    for (name, input) in &corpus {
        if !run(target, input)? && name.starts_with(VALID) {
            return Err(format!("{name} is not accepted any more: the format or the seed has changed"));
        }
    }
    let mut random = Pcg64Mcg::seed_from_u64(options.seed);
    let mut accepted = 0_u64;
    let mut pool: Vec<Vec<u8>> = corpus.iter().map(|(_, input)| input.clone()).collect();
    for _ in 0..options.runs {
        // Half of them from the corpus, because the shortest inputs are accepted most and would fill the pool.
        let [input, other] = [(); 2].map(|()| {
            let among = if random.random_bool(0.5) { corpus.len() } else { pool.len() };
            &pool[random.random_range(0..among)]
        });
        let input = mutate(input, other, &mut random);
        if run(target, &input)? {
            accepted += 1;
            // Mutations of what was accepted go further than those of the corpus alone.
            if input.len() <= POOL_BYTES_MAX {
                let kept = pool.len() - corpus.len();
                match corpus.len() + random.random_range(0..POOL_MAX) {
                    _ if kept < POOL_MAX => pool.push(input),
                    replaced => pool[replaced] = input,
                }
            }
        }
    }
    println!(
        "{}: {} corpus files, {accepted} of {} mutations accepted",
        target.name,
        corpus.len(),
        options.runs
    );
    Ok(())
}

/// Returns whether the target accepts the input. A panic becomes an error that names the file with the input.
fn run(target: &Target, input: &[u8]) -> Result<bool, String> {
    catch_unwind(|| (target.run)(input)).map_err(|_panic| {
        let folder = root().join("artifacts").join(target.name);
        let path = folder.join(format!("panic-{:016x}", RandomState::new().hash_one(input)));
        match std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input)) {
            Ok(()) => format!("panicked; the input is {}", path.display()),
            Err(error) => format!("panicked; the input is not written: {error}; {input:?}"),
        }
    })
}

/// Returns the names and contents of the files, ordered by name, so that a seed means the same run everywhere.
fn read_corpus(name: &str) -> Result<Vec<(String, Vec<u8>)>, String> {
    let folder = root().join("corpus").join(name);
    let read = || -> std::io::Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            files.push((entry.file_name().to_string_lossy().into_owned(), std::fs::read(entry.path())?));
        }
        files.sort();
        Ok(files)
    };
    read().map_err(|error| format!("{}: {error}", folder.display()))
}

fn write_corpus() -> Result<(), String> {
    for target in TARGETS {
        let folder = root().join("corpus").join(target.name);
        let write = || -> std::io::Result<()> {
            std::fs::create_dir_all(&folder)?;
            for (number, seed) in (target.seeds)().iter().enumerate() {
                if !(target.run)(seed) {
                    return Err(std::io::Error::other(format!("seed {number} is not accepted")));
                }
                std::fs::write(folder.join(format!("{VALID}{number:02}")), seed)?;
            }
            Ok(())
        };
        write().map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    Ok(())
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}
