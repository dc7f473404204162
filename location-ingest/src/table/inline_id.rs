//! The id of an entry's driver in 16 bytes of the entry. An id of up to 15 bytes is stored in place, a longer one in a list
//! of the entry's chunk.
//!
//! A pointer to a separate profile would double an entry's memory and cost every look-up another cache miss.

use kerb_types::DriverId;
use parking_lot::Mutex;

/// Maximum bytes of an id in place.
const SHORT: usize = 15;
/// The last byte is the length of a short id, or 0 without a driver, or this for a long id. The first two bytes are then the
/// long id's number.
const LONG: u8 = u8::MAX;

/// A driver's id, or none. A long id needs the [`LongIds`] of its chunk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct InlineId([u8; SHORT + 1]);

/// The long ids of a chunk, by number.
#[derive(Debug, Default)]
pub(crate) struct LongIds(Mutex<NumberedIds>);

#[derive(Debug, Default)]
struct NumberedIds {
    ids: Vec<Option<DriverId>>,
    free: Vec<u16>,
}

impl InlineId {
    /// Stores an id. The caller has cleared the one before.
    pub(crate) fn set(&mut self, id: &DriverId, long: &LongIds) {
        let bytes = id.as_str().as_bytes();
        if bytes.len() <= SHORT {
            self.0[..bytes.len()].copy_from_slice(bytes);
            // Cannot lose: at most 15.
            self.0[SHORT] = bytes.len() as u8;
        } else {
            self.0[..2].copy_from_slice(&long.add(id).to_le_bytes());
            self.0[SHORT] = LONG;
        }
    }

    /// Removes the id.
    pub(crate) fn clear(&mut self, long: &LongIds) {
        if self.0[SHORT] == LONG {
            long.remove(self.number());
        }
        *self = Self::default();
    }

    /// Whether this id is stored.
    #[inline]
    pub(crate) fn equals(&self, id: &DriverId, long: &LongIds) -> bool {
        let len = self.0[SHORT];
        if len == LONG {
            return long.equals(self.number(), id);
        }
        // An id is not empty, so the length 0 equals none.
        self.0[..usize::from(len)] == *id.as_str().as_bytes()
    }

    /// Returns the id; `None` without a driver.
    pub(crate) fn get(&self, long: &LongIds) -> Option<DriverId> {
        match self.0[SHORT] {
            0 => None,
            LONG => long.get(self.number()),
            len => {
                let text = std::str::from_utf8(&self.0[..usize::from(len)]);
                let text = text.expect("the bytes of an id are text");
                Some(DriverId::new(text).expect("the text of an id is one"))
            }
        }
    }

    fn number(self) -> u16 {
        u16::from_le_bytes([self.0[0], self.0[1]])
    }
}

impl LongIds {
    fn add(&self, id: &DriverId) -> u16 {
        let mut numbered = self.0.lock();
        if let Some(number) = numbered.free.pop() {
            numbered.ids[usize::from(number)] = Some(id.clone());
            return number;
        }
        numbered.ids.push(Some(id.clone()));
        // Cannot lose: a chunk has 4,096 entries.
        (numbered.ids.len() - 1) as u16
    }

    fn remove(&self, number: u16) {
        let mut numbered = self.0.lock();
        numbered.ids[usize::from(number)] = None;
        numbered.free.push(number);
    }

    fn equals(&self, number: u16, id: &DriverId) -> bool {
        self.0.lock().ids[usize::from(number)].as_ref() == Some(id)
    }

    fn get(&self, number: u16) -> Option<DriverId> {
        self.0.lock().ids[usize::from(number)].clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_every_length_are_stored_and_removed() {
        let long = LongIds::default();
        let all: Vec<_> = (1..=64).map(|len| DriverId::new(&"ß".repeat(32)[..len / 2 * 2]).ok()).collect();
        let ids: Vec<_> =
            all.into_iter().flatten().chain([DriverId::new("123456789012345").unwrap()]).collect();
        let mut inline = vec![InlineId::default(); ids.len()];
        for _ in 0..2 {
            for (stored, id) in inline.iter_mut().zip(&ids) {
                assert_eq!(stored.get(&long), None);
                assert!(!stored.equals(id, &long));
                stored.set(id, &long);
            }
            for (i, stored) in inline.iter().enumerate() {
                assert_eq!(stored.get(&long).as_ref(), Some(&ids[i]));
                for id in &ids {
                    assert_eq!(stored.equals(id, &long), *id == ids[i], "{id} in the place of {}", ids[i]);
                }
            }
            for stored in &mut inline {
                stored.clear(&long);
            }
        }
        let numbers = long.0.lock().ids.len();
        assert_eq!(
            numbers,
            ids.iter().filter(|id| id.as_str().len() > SHORT).count(),
            "numbers are used again"
        );
    }
}
