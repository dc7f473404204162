//! Runs the examples of all crates.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::Result;
use crate::command::{cargo, output_of, succeed};

/// Programs below `examples` that another program starts and talks to.
const WORKERS: [(&str, &str); 1] = [("assign_peer", "cargo xtask solver-peers")];

#[derive(Deserialize)]
struct Metadata {
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    targets: Vec<Target>,
}

#[derive(Deserialize)]
struct Target {
    name: String,
    kind: Vec<String>,
}

/// Builds all examples, then runs one after the other; fails with the first that fails.
pub(crate) fn run(root: &Path) -> Result<()> {
    let metadata =
        output_of(cargo(root).args(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    let metadata: Metadata = serde_json::from_str(&metadata)?;
    succeed(cargo(root).args(["build", "--quiet", "--locked", "--workspace", "--examples"]))?;
    let examples = examples(&metadata);
    for (package, example) in &examples {
        if let Some((_, caller)) = WORKERS.iter().find(|(worker, _)| worker == example) {
            println!("{package}/{example}: left to `{caller}`");
            continue;
        }
        println!("{package}/{example}");
        // `cargo run -p` would choose other features of the dependencies and build them again.
        let program = metadata.target_directory.join("debug/examples").join(example);
        succeed(Command::new(program).current_dir(root))
            .map_err(|error| format!("example {example} of {package}: {error}"))?;
    }
    println!("{} examples", examples.len());
    Ok(())
}

fn examples(metadata: &Metadata) -> Vec<(&str, &str)> {
    let mut examples = Vec::new();
    for package in &metadata.packages {
        let of_package =
            package.targets.iter().filter(|target| target.kind.iter().any(|kind| kind == "example"));
        examples.extend(of_package.map(|target| (package.name.as_str(), target.name.as_str())));
    }
    examples.sort_unstable();
    examples
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_examples_are_run_in_order() {
        let target = |name: &str, kind: &str| Target { name: name.into(), kind: vec![kind.into()] };
        let package = |name: &str, targets| Package { name: name.into(), targets };
        let packages = vec![
            package("b", vec![target("b", "lib"), target("z", "example"), target("a", "example")]),
            package("a", vec![target("monaco", "example"), target("bench", "bench")]),
        ];
        assert_eq!(
            examples(&Metadata { target_directory: PathBuf::new(), packages }),
            [("a", "monaco"), ("b", "a"), ("b", "z")]
        );
    }
}
