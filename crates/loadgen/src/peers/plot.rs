//! The plot of a comparison.

use super::report::{PeersReport, SizeReport};
use super::rounds::{Cell, What};
use crate::plot::bars::{Group, bars};

/// Draws all sizes: one group of bars per measurement, one bar per system.
pub(super) fn svg(report: &PeersReport) -> String {
    let groups: Vec<Group> = report.sizes.iter().flat_map(groups).collect();
    bars("Kerb and its peers on this machine; each group has a logarithmic scale of its own", &groups)
}

fn groups(size: &SizeReport) -> Vec<Group> {
    let drivers = size.drivers;
    let memory =
        size.memory.iter().map(|memory| (memory.system.to_owned(), memory.bytes_per_driver)).collect();
    let mut groups =
        vec![Group { title: format!("{drivers} drivers: memory, bytes a driver"), bars: memory }];
    let mut whats: Vec<What> = size.cells.iter().map(|cell| cell.what).collect();
    whats.dedup();
    for what in whats {
        let group = |unit: &str, figure: fn(&Cell) -> Option<f64>| {
            let cells = size.cells.iter().filter(|cell| cell.what == what);
            let bars: Vec<_> =
                cells.filter_map(|cell| Some((cell.system.to_owned(), figure(cell)?))).collect();
            Group { title: format!("{drivers} drivers: {what}, {unit}"), bars }
        };
        groups.push(group("a second", |cell| Some(cell.figures.per_s)));
        groups.push(group("p99 in microseconds", |cell| cell.figures.p99_us));
    }
    groups.retain(|group| !group.bars.is_empty());
    groups
}

#[cfg(test)]
mod tests {
    use super::super::report::tests::report;
    use super::*;

    #[test]
    fn every_system_has_its_bar_in_every_group() {
        let report = report(&[("kerb", 4.0), ("redis", 1.0)]);
        let groups = groups(&report.sizes[0]);
        // Memory and four measurements have no percentiles.
        assert_eq!(groups.len(), 5);
        assert!(groups.iter().all(|group| group.bars.len() == 2));
        assert!(svg(&report).starts_with("<svg"));
    }
}
