//! Rust code and the descriptor set from the `.proto` files. The result is committed, so that a build needs
//! neither a protobuf compiler nor a build script.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

use crate::Result;

const PROTOS: &str = "proto/protos";
const GENERATED: &str = "proto/src/generated";
const DESCRIPTORS: &str = "descriptor.bin";

/// File name in [`GENERATED`] to content.
type Files = BTreeMap<String, Vec<u8>>;

/// Writes the generated files, and removes what is no longer generated.
pub(crate) fn write(root: &Path) -> Result<()> {
    let folder = root.join(GENERATED);
    fs::create_dir_all(&folder)?;
    let wanted = generate(root)?;
    for stale in read_folder(&folder)?.keys().filter(|name| !wanted.contains_key(*name)) {
        fs::remove_file(folder.join(stale))?;
    }
    for (name, content) in wanted {
        fs::write(folder.join(name), content)?;
    }
    Ok(())
}

/// Fails, naming the files, when the committed ones are not what [`write()`] would write.
pub(crate) fn check(root: &Path) -> Result<()> {
    let wanted = generate(root)?;
    let found = read_folder(&root.join(GENERATED))?;
    let names = wanted.keys().chain(found.keys().filter(|name| !wanted.contains_key(*name)));
    let stale: Vec<&str> =
        names.filter(|name| wanted.get(*name) != found.get(*name)).map(String::as_str).collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(format!("stale in {GENERATED}: {}; run `cargo xtask codegen`", stale.join(", ")).into())
}

fn generate(root: &Path) -> Result<Files> {
    let protos = root.join(PROTOS);
    let mut paths = Vec::new();
    find_protos(&protos, &mut paths)?;
    let descriptors = protox::Compiler::new([&protos])?
        .include_source_info(true)
        .include_imports(true)
        .open_files(&paths)?
        .file_descriptor_set();

    let out = tempfile::tempdir()?;
    tonic_prost_build::configure()
        .build_transport(false)
        .codec_path("crate::codec::SmallBufferCodec")
        .bytes(".")
        .emit_rerun_if_changed(false)
        .out_dir(out.path())
        .compile_fds(descriptors.clone())?;
    let mut files = read_folder(out.path())?;

    let mut bare = descriptors;
    for file in &mut bare.file {
        file.source_code_info = None;
    }
    files.insert(DESCRIPTORS.to_owned(), bare.encode_to_vec());
    Ok(files)
}

/// All `.proto` files below `folder`, in an order that does not depend on the file system.
fn find_protos(folder: &Path, found: &mut Vec<PathBuf>) -> Result<()> {
    let mut entries = fs::read_dir(folder)?.collect::<std::io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            find_protos(&path, found)?;
        } else if path.extension().is_some_and(|e| e == "proto") {
            found.push(path);
        }
    }
    Ok(())
}

fn read_folder(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        files.insert(name, fs::read(entry.path())?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    #[test]
    fn committed_code_is_fresh() {
        super::check(&crate::root()).unwrap();
    }
}
