//! Splits a batch that is too large for one message.

use kerb_ports::{Batch, Frame};

/// Maximum entries of one message. The largest entries are a slot binding and an eviction of an id of 64 bytes: 80 bytes on
/// the wire. So a message has at most 1.3 MB, well below the limit of 4 MiB.
const ENTRIES_MAX: usize = 16_384;

/// Returns the frame itself, or its parts in order if it is a large batch.
///
/// Applying the parts one after another has the effect of the whole batch: a batch is applied in the order of its fields,
/// and the parts follow that order.
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

/// Takes entries from the front of the list, as many as there is room for.
fn head<T>(list: &mut Vec<T>, room: &mut usize) -> Vec<T> {
    let count = list.len().min(*room);
    *room -= count;
    let rest = list.split_off(count);
    std::mem::replace(list, rest)
}

#[cfg(test)]
mod tests {
    use kerb_ports::{Eviction, Slot};
    use kerb_types::{DriverId, UpdateVersion};

    use super::*;

    #[test]
    fn parts_are_the_whole_in_the_order_of_the_fields() {
        let eviction = |i: u32| Eviction {
            id: DriverId::new(&format!("d{i}")).unwrap(),
            update_version: UpdateVersion::default(),
        };
        let whole = Batch {
            removals: (0..40_000).map(Slot::new).collect(),
            evictions: (0..10).map(eviction).collect(),
            ..Batch::default()
        };
        let parts = split(Frame::Batch(whole.clone())).unwrap_err();
        assert_eq!(parts.len(), 3);
        let mut joined = Batch::default();
        for part in parts {
            let Frame::Batch(part) = part else { panic!("a part of a batch is a batch") };
            assert!(entries(&part) <= ENTRIES_MAX);
            assert!(part.removals.is_empty() || joined.evictions.is_empty(), "evictions come last");
            joined.removals.extend(part.removals);
            joined.evictions.extend(part.evictions);
        }
        assert_eq!(joined, whole);
    }

    #[test]
    fn a_frame_that_fits_is_not_split() {
        let frame = Frame::Batch(Batch { removals: vec![Slot::new(1), Slot::new(2)], ..Batch::default() });
        assert_eq!(split(frame.clone()), Ok(frame));
        assert_eq!(split(Frame::SnapshotEnd { round: 1 }), Ok(Frame::SnapshotEnd { round: 1 }));
    }
}
