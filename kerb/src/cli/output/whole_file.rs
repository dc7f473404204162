//! Writes a file as a whole: readers find the old file or the new one, never a part, and no failure goes unnoticed.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::Compression;
use flate2::write::GzEncoder;

/// Writes a file by `write`, as gzip if its name ends with `.gz`. After a failure, the file is as it was before.
pub(crate) fn write_whole_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let name = path.file_name().ok_or_else(|| io::Error::other("the path names no file"))?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".part");
    let part = path.with_file_name(hidden);
    // A device, a pipe or a link stays what it is.
    let in_place = fs::symlink_metadata(path).is_ok_and(|known| !known.is_file());
    let part = if in_place { path.to_owned() } else { part };
    let is_gz = path.extension().is_some_and(|ending| ending == "gz");
    let written = (|| {
        let mut file = File::create(&part)?;
        if is_gz { write_gz(&mut file, write) } else { write_plain(&mut file, write) }?;
        // The bytes are on the disk before the rename, which replaces the old file in one step.
        if in_place {
            return Ok(());
        }
        file.sync_all()?;
        fs::rename(&part, path)
    })();
    if written.is_err() && !in_place {
        // A left-over part is harmless; the caller needs the first error.
        let _ = fs::remove_file(&part);
    }
    written
}

fn write_plain(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    write(&mut out)?;
    out.flush()
}

/// The end of the gzip stream is written here: a drop of the encoder would ignore its failure.
fn write_gz(out: impl Write, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    let mut gz = GzEncoder::new(BufWriter::new(out), Compression::default());
    write(&mut gz)?;
    gz.finish()?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A disk with room for this many bytes.
    struct SmallDisk(usize);

    impl Write for SmallDisk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if self.0 == 0 {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let written = bytes.len().min(self.0);
            self.0 -= written;
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn text(out: &mut dyn Write) -> io::Result<()> {
        out.write_all(b"way,from_lat,from_lon\n1,2,3\n")?;
        out.flush()
    }

    #[test]
    fn a_disk_that_is_one_byte_too_small_is_an_error() {
        let (mut plain, mut gz) = (Vec::new(), Vec::new());
        write_plain(&mut plain, text).unwrap();
        write_gz(&mut gz, text).unwrap();
        for room in 0..plain.len() {
            assert!(write_plain(SmallDisk(room), text).is_err(), "{room} of {} bytes", plain.len());
        }
        for room in 0..gz.len() {
            assert!(write_gz(SmallDisk(room), text).is_err(), "{room} of {} bytes", gz.len());
        }
        write_plain(SmallDisk(plain.len()), text).unwrap();
        write_gz(SmallDisk(gz.len()), text).unwrap();
    }

    #[test]
    fn a_failure_leaves_the_old_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("profile.csv");
        write_whole_file(&path, |out| out.write_all(b"old")).unwrap();
        write_whole_file(&path, |_| Err(io::Error::other("scripted"))).unwrap_err();
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
