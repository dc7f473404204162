//! The data files of a scenario: in a folder, or inside the program.

use std::fs::File;
use std::io::{BufReader, Cursor, Read};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use crate::scenario::error::ScenarioError;

/// Prefix of the name of a file inside the program.
const SHIPPED: &str = "shipped:";

macro_rules! data {
    ($name:literal) => {
        ($name, include_bytes!(concat!("../../../data/", $name)).as_slice())
    };
}

/// The files inside the program; `data/DATA.md` describes them.
const FILES: [(&str, &[u8]); 4] = [
    data!("sf_2008-05-22_17h.csv.gz"),
    data!("sf_trips_2008-05-22_17h.csv.gz"),
    data!("sf_roads_nodes.csv.gz"),
    data!("sf_roads_edges.csv.gz"),
];

/// Opens the data files of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    folder: PathBuf,
}

impl Files {
    pub(crate) fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned() }
    }

    /// Returns the path of a file in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Opens a file without decompressing it.
    pub(crate) fn raw(&self, name: &str) -> Result<Box<dyn Read>, ScenarioError> {
        if let Some(name) = name.strip_prefix(SHIPPED) {
            let found = FILES.iter().find(|(known, _)| *known == name);
            let bytes = found.map(|(_, bytes)| *bytes).ok_or_else(|| ScenarioError::Unknown {
                name: name.to_owned(),
                known: FILES.iter().map(|(known, _)| *known).collect::<Vec<_>>().join(", "),
            })?;
            return Ok(Box::new(Cursor::new(bytes)));
        }
        let path = self.path(name);
        let file = File::open(&path)
            .map_err(|source| ScenarioError::File { file: path.display().to_string(), source })?;
        Ok(Box::new(BufReader::with_capacity(1 << 16, file)))
    }

    /// Opens a file, and decompresses it if its name ends in `.gz`.
    pub(crate) fn text(&self, name: &str) -> Result<Box<dyn Read>, ScenarioError> {
        let raw = self.raw(name)?;
        let is_gz = Path::new(name).extension().is_some_and(|end| end.eq_ignore_ascii_case("gz"));
        Ok(if is_gz { Box::new(MultiGzDecoder::new(raw)) } else { raw })
    }
}
