//! A batch that would not fit a message becomes several. Pure.

use kerb_ports::{Batch, Frame};

/// Entries of one message, at most. The largest is an introduction, or a forget, of a 64-byte id: 80 bytes on the
/// wire, so 1.3 MB, well below the message limit of 4 MiB; an update takes at most 60.
const ENTRIES_MAX: usize = 16_384;

/// The frame as it is, or its parts in order when it is a large batch. Applying the parts one after another does
/// what the whole does: a batch is applied in the order of its fields, and so it is cut.
pub(super) fn split(frame: Frame) -> Result<Frame, Vec<Frame>> {
    match frame {
        Frame::Batch(batch) if entries(&batch) > ENTRIES_MAX => Err(parts(batch)),
        small => Ok(small),
    }
}

fn entries(batch: &Batch) -> usize {
    batch.slot_bindings.len() + batch.updates.len() + batch.removals.len() + batch.evictions.len()
}

fn parts(mut whole: Batch) -> Vec<Frame> {
    let mut parts = Vec::with_capacity(entries(&whole).div_ceil(ENTRIES_MAX));
    while !whole.is_empty() {
        let mut room = ENTRIES_MAX;
        parts.push(Frame::Batch(Batch {
            slot_bindings: head(&mut whole.slot_bindings, &mut room),
            updates: head(&mut whole.updates, &mut room),
            removals: head(&mut whole.removals, &mut room),
            evictions: head(&mut whole.evictions, &mut room),
        }));
    }
    parts
}

/// Takes from the front what there is room for.
fn head<T>(list: &mut Vec<T>, room: &mut usize) -> Vec<T> {
    let count = list.len().min(*room);
    *room -= count;
    let rest = list.split_off(count);
    std::mem::replace(list, rest)
}

#[cfg(test)]
mod tests {
    use kerb_ports::Eviction;
    use kerb_types::{DriverId, UpdateVersion};

    use super::*;

    #[test]
    fn parts_are_the_whole_in_the_order_of_the_fields() {
        let forget = |i: u32| Eviction {
            id: DriverId::new(&format!("d{i}")).unwrap(),
            update_version: UpdateVersion::default(),
        };
        let whole = Batch {
            removals: (0..40_000).collect(),
            evictions: (0..10).map(forget).collect(),
            ..Batch::default()
        };
        let parts = split(Frame::Batch(whole.clone())).unwrap_err();
        assert_eq!(parts.len(), 3);
        let mut joined = Batch::default();
        for part in parts {
            let Frame::Batch(part) = part else { panic!("a part of a batch is a batch") };
            assert!(entries(&part) <= ENTRIES_MAX);
            assert!(part.removals.is_empty() || joined.evictions.is_empty(), "forgets come last");
            joined.removals.extend(part.removals);
            joined.evictions.extend(part.evictions);
        }
        assert_eq!(joined, whole);
    }

    #[test]
    fn what_fits_stays_whole() {
        let frame = Frame::Batch(Batch { removals: vec![1, 2], ..Batch::default() });
        assert_eq!(split(frame.clone()), Ok(frame));
        assert_eq!(split(Frame::SnapshotEnd { round: 1 }), Ok(Frame::SnapshotEnd { round: 1 }));
    }
}
