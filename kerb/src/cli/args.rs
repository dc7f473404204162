//! Flags that several commands share, and how they become a layer of settings.

use std::path::PathBuf;

use kerb::settings::{Entry, LoadedSettings, LogFormat, Problems, Sources};
use kerb_geometry::{LatLng, Vertex};

/// The settings file that is read without `--config`, if it exists.
const FILE_DEFAULT: &str = "kerb.toml";

/// Settings from the command line: the layer that overrides all others.
#[derive(Debug, Default, clap::Args)]
pub(crate) struct SettingsArgs {
    /// TOML file with settings [default: ./kerb.toml if it exists]
    #[arg(long, value_name = "FILE", env = "KERB_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one (setting `node.listen`)
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// Name of this node (setting `node.id`)
    #[arg(long, value_name = "NAME")]
    node_id: Option<String>,
    /// Folder for the driver table and the trips, or "none" for memory only (setting `node.data_dir`)
    #[arg(long, value_name = "DIR")]
    data_dir: Option<String>,
    /// Membership file (setting `cluster.file`)
    #[arg(long, value_name = "FILE")]
    cluster_file: Option<String>,
    /// Log lines for people or for machines (setting `log.format`)
    #[arg(long)]
    log_format: Option<LogFormat>,
    /// What to log, for example "info" or "warn,kerb=debug" (setting `log.filter`)
    #[arg(long, value_name = "FILTER")]
    log_filter: Option<String>,
    /// Any other setting; may be repeated
    #[arg(long, value_name = "KEY=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
}

impl SettingsArgs {
    /// Reads all layers of this process.
    pub(crate) fn load(&self) -> Result<LoadedSettings, Problems> {
        let file = self.config.clone().or_else(|| {
            let path = PathBuf::from(FILE_DEFAULT);
            path.exists().then_some(path)
        });
        // A name or value that is not UTF-8 belongs to another program.
        let utf8 = |(name, text): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, text.into_string().ok()?))
        };
        Sources { file, variables: std::env::vars_os().filter_map(utf8).collect(), flags: self.flags() }
            .load()
    }

    fn flags(&self) -> Vec<Entry> {
        let format = self.log_format.map(|format| match format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        });
        let named = [
            ("--listen", "node.listen", &self.listen),
            ("--node-id", "node.id", &self.node_id),
            ("--data-dir", "node.data_dir", &self.data_dir),
            ("--cluster-file", "cluster.file", &self.cluster_file),
            ("--log-format", "log.format", &format),
            ("--log-filter", "log.filter", &self.log_filter),
        ];
        let named =
            named.into_iter().filter_map(|(flag, key, text)| Some(Entry::flag(flag, key, text.clone()?)));
        let set = self.set.iter().map(|(key, text)| Entry::flag("--set", key, text.clone()));
        set.chain(named).collect()
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("must be KEY=VALUE, for example fleet.shards=64")?;
    Ok((key.to_owned(), value.to_owned()))
}

/// The server that a client command calls.
#[derive(Debug, clap::Args)]
pub(crate) struct EndpointArgs {
    /// An aggregator, or a node with all roles
    #[arg(long, value_name = "URL", env = "KERB_ENDPOINT", default_value = "http://127.0.0.1:7717")]
    pub(crate) endpoint: String,
    /// Deadline of a call, milliseconds
    #[arg(long, value_name = "MS", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=600_000))]
    pub(crate) timeout_ms: u64,
}

/// The server that a client command calls, and the form of its output.
#[derive(Debug, clap::Args)]
pub(crate) struct CallArgs {
    /// Print one JSON object
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) server: EndpointArgs,
}

/// Parses a position of the command line: `LAT,LON`.
pub(crate) fn position(text: &str) -> Result<LatLng, String> {
    vertex(text).map(LatLng::from)
}

/// Parses a corner of a polygon, `LAT,LON`, which keeps the sign of 180 degrees.
pub(crate) fn vertex(text: &str) -> Result<Vertex, String> {
    let expected = || format!("{text:?}, must be LAT,LON, for example 43.7333,7.4167");
    let (lat, lon) = text.split_once(',').ok_or_else(expected)?;
    let number =
        |text: &str| text.trim().parse::<f64>().map_err(|error| format!("{text:?} is not a number: {error}"));
    Vertex::new(number(lat)?, number(lon)?).map_err(|error| error.to_string())
}
