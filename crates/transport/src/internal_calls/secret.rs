//! The secret that all nodes of a cluster share.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::{fmt, fs, io};

/// Minimum bytes of a secret.
pub const SECRET_BYTES_MIN: usize = 16;
/// Maximum bytes of a secret.
pub const SECRET_BYTES_MAX: usize = 4_096;

/// The secret of a cluster. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ClusterSecret(Vec<u8>);

/// Why a file holds no secret.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct SecretError {
    /// Path of the file that the setting names.
    pub path: PathBuf,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl ClusterSecret {
    /// Reads the secret from a file. Line breaks at its end are not a part of it. Blocks on the disk.
    pub fn read(path: &Path) -> Result<Self, SecretError> {
        let read = || -> io::Result<Vec<u8>> {
            let mut bytes = Vec::new();
            // One byte more than the longest secret with its line break shows that the file is too long.
            fs::File::open(path)?.take(SECRET_BYTES_MAX as u64 + 3).read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        let secret = read().map_err(|error| error.to_string()).and_then(Self::new);
        secret.map_err(|reason| SecretError { path: path.to_owned(), reason })
    }

    /// Makes a secret of these bytes, without the line breaks at their end.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, String> {
        while bytes.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
            bytes.pop();
        }
        if !(SECRET_BYTES_MIN..=SECRET_BYTES_MAX).contains(&bytes.len()) {
            let found =
                if bytes.len() > SECRET_BYTES_MAX { "more".to_owned() } else { bytes.len().to_string() };
            return Err(format!("{found} bytes, must be {SECRET_BYTES_MIN} to {SECRET_BYTES_MAX} bytes"));
        }
        Ok(Self(bytes))
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for ClusterSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClusterSecret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_a_minimum_length_and_is_not_printed() {
        let secret = ClusterSecret::new(b"0123456789abcdef\r\n".to_vec()).unwrap();
        assert_eq!(secret, ClusterSecret::new(b"0123456789abcdef".to_vec()).unwrap());
        assert_eq!(format!("{secret:?}"), "ClusterSecret");
        let short = ClusterSecret::new(b"0123456789abcde\n".to_vec()).unwrap_err();
        assert_eq!(short, "15 bytes, must be 16 to 4096 bytes");
        let long = ClusterSecret::new(vec![b'x'; SECRET_BYTES_MAX + 1]).unwrap_err();
        assert_eq!(long, "more bytes, must be 16 to 4096 bytes");
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let error = ClusterSecret::read(Path::new("/does/not/exist")).unwrap_err().to_string();
        assert!(error.starts_with("/does/not/exist: "), "{error}");
    }
}
