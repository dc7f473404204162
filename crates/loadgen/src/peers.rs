//! Compares Kerb with Redis GEO, Valkey and Tile38: each is a server of its own on this machine, with the
//! same drivers, the same queries, the same connections and the same generator, the systems in turn, round after
//! round. Every system's answers are compared with a linear scan.

mod answers;
mod fleet;
mod kerb;
mod measure;
mod memory;
mod options;
mod phones;
mod plot;
mod process;
mod report;
mod resp;
mod resp_peer;
mod rounds;
mod searches;
mod system;
mod wire;

pub use options::PeersOptions;
pub use report::PeersReport;

use ::kerb::terminal::note;
use fleet::Fleet;
use report::SizeReport;
use system::{Kind, System};

/// The made-up city's center: San Francisco, where the real slice is from.
const CENTER_E7: (i32, i32) = (377_700_000, -1_224_400_000);

/// Measures. Servers are started for each size of the fleet, and ended after it.
pub async fn peers(options: PeersOptions) -> Result<PeersReport, String> {
    let kinds = Kind::found(&options)?;
    let mut sized = Vec::new();
    for drivers in options.sizes() {
        sized.push(at_size(&options, &kinds, drivers).await?);
    }
    let report = PeersReport::new(&options, &kinds, sized)?;
    if let Some(path) = &options.plot {
        std::fs::write(path, plot::svg(&report)).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    Ok(report)
}

async fn at_size(options: &PeersOptions, kinds: &[Kind], drivers: u32) -> Result<SizeReport, String> {
    let fleet = Fleet::new(drivers, options.seed);
    let mut memory = memory::of_index_server(kinds, &fleet).await?;
    let mut systems = Vec::new();
    for kind in kinds {
        note(format_args!("{drivers} drivers: loading {}", kind.name()));
        let system = System::start(kind).await?;
        system.load(&fleet).await?;
        memory.push(memory::of(&system, drivers)?);
        systems.push(system);
    }
    let cells = rounds::measure(options, &systems, &fleet).await?;
    let answers = answers::compare(options, &systems, &fleet).await?;
    Ok(SizeReport { drivers, memory, cells, answers })
}
