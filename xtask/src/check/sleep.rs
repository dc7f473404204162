//! No test sleeps: it waits for a condition, under a deadline. Two helpers may: `eventually.rs`, which is that wait, and
//! `simulated_time.rs`, under a paused clock.

use super::Finding;
use super::tree::{File, Tree};

const HELPERS: [&str; 2] = ["eventually.rs", "simulated_time.rs"];

pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let sources = tree.files.iter().filter(|file| file.is_source() && !HELPERS.contains(&name_of(file)));
    sources.flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let first = first_test_line(file);
    let sleeping = file.lines().filter(|(number, line)| *number >= first && sleeps(line));
    sleeping
        .map(|(number, _)| {
            Finding::new(file.at(number), "a test sleeps: wait for a condition with a deadline")
        })
        .collect()
}

/// A tests folder or module is a test from its first line; elsewhere tests stand last, in a `cfg(test)` module.
fn first_test_line(file: &File) -> usize {
    let name = name_of(file);
    if file.path.split('/').any(|part| part == "tests") || name == "tests.rs" || name.ends_with("_tests.rs") {
        return 1;
    }
    let lines: Vec<_> = file.lines().collect();
    // `#[cfg(test)] mod tests;` names another file: what follows it in this one is no test.
    let marker = lines.windows(2).find(|pair| {
        pair[0].1.trim_start().starts_with("#[cfg(test)]") && !pair[1].1.trim_end().ends_with(';')
    });
    marker.map_or(usize::MAX, |pair| pair[0].0)
}

/// A call of `sleep` or `sleep_until`, of whichever module.
fn sleeps(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or("");
    [concat!("sleep", "("), concat!("sleep_until", "(")].iter().any(|call| {
        code.match_indices(call)
            .any(|(start, _)| code[..start].ends_with(concat!(":", ":")) || bare(&code[..start]))
    })
}

/// Nothing before it that would make it another name, a method or a definition.
fn bare(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '.' || c == '"')
        && !before.ends_with("fn ")
}

fn name_of(file: &File) -> &str {
    file.path.rsplit('/').next().unwrap_or(&file.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SLEEP: &str = concat!("tokio::time::sleep", "(d).await;");

    fn count(path: &str, text: &str) -> usize {
        check(&Tree::of(&[(path, text)])).len()
    }

    #[test]
    fn only_tests_are_looked_at() {
        assert_eq!(count("a/src/lib.rs", SLEEP), 0);
        assert_eq!(count("a/tests/a/main.rs", SLEEP), 1);
        assert_eq!(count("a/src/lib.rs", &format!("{SLEEP}\n#[cfg(test)]\nmod tests {{\n{SLEEP}\n}}")), 1);
        assert_eq!(count("a/src/lib.rs", &format!("#[cfg(test)]\nmod tests;\n\n{SLEEP}")), 0);
        assert_eq!(count("a/src/wake_tests.rs", SLEEP), 1);
        assert_eq!(count("a/tests/a/eventually.rs", SLEEP), 0);
        assert_eq!(count("a/tests/a/simulated_time.rs", SLEEP), 0);
    }

    #[test]
    fn other_names_are_not_sleep() {
        assert_eq!(count("a/tests/a.rs", concat!("oversleep", "(); bed.sleep", "(); // sleep", "(1)")), 0);
        assert_eq!(count("a/tests/a.rs", concat!("sleep", "(d);")), 1);
    }
}
