//! The settings of a node: the TOML file and the environment variables.

use std::path::Path;

use kerb::settings::{PREFIX, Sources};

/// Begins the part of the input that is one environment variable, `NAME=value`, without the prefix.
const VARIABLE: &str = "\n#$";

/// Loads the settings from a file and, after a line that starts with `#$`, from one environment variable.
pub fn target(data: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(data) else { return false };
    let (file, variable) = text.split_once(VARIABLE).unwrap_or((text, ""));
    let mut variables = Vec::new();
    if let Some((name, value)) = variable.split_once('=') {
        variables.push((format!("{PREFIX}{name}"), value.to_owned()));
    }
    // Settings are only read from a path. A memory-backed folder avoids the disk.
    let folder =
        if Path::new("/dev/shm").is_dir() { Path::new("/dev/shm").into() } else { std::env::temp_dir() };
    let path = folder.join(format!("kerb-fuzz-{}.toml", std::process::id()));
    std::fs::write(&path, file).expect("a temporary file is written");
    let loaded = Sources { file: Some(path.clone()), variables, flags: Vec::new() }.load();
    std::fs::remove_file(&path).expect("the file is there");
    match loaded {
        Ok(loaded) => {
            assert!(loaded.settings.validate().is_empty(), "loaded settings are valid");
            true
        }
        Err(problems) => {
            assert!(!problems.to_string().is_empty(), "a rejection has a reason");
            false
        }
    }
}

/// A file, and a file with a variable.
pub fn seeds() -> Vec<Vec<u8>> {
    let file = "[node]\nlisten = \"127.0.0.1:7070\"\n\n[matcher]\nwindow_max_ms = 2_000\n\n[fleet]\nposition_ttl_ms = 60_000\n";
    vec![file.into(), format!("# Defaults.{VARIABLE}MATCHER__WINDOW_MAX_MS=1500").into()]
}
