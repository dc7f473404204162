//! The id of an entry's driver, in 16 bytes of the entry: up to 15 bytes in place, a longer one beside in its chunk. A
//! pointer to a profile of its own would cost an entry as much memory again, and whoever looks a driver up another cache miss.

use kerb_types::DriverId;
use parking_lot::Mutex;

/// Bytes of an id in place.
const SHORT: usize = 15;
/// The last byte of a name has the length of a short id; 0: nobody's. This: a long one, whose number stands in front.
const LONG: u8 = u8::MAX;

/// See the module.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Name([u8; SHORT + 1]);

/// The long ids of a chunk, by number.
#[derive(Debug, Default)]
pub(crate) struct LongIds(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    ids: Vec<Option<DriverId>>,
    free: Vec<u16>,
}

impl Name {
    /// Puts an id into a name that is nobody's.
    pub(crate) fn set(&mut self, id: &DriverId, long: &LongIds) {
        let bytes = id.as_str().as_bytes();
        if bytes.len() <= SHORT {
            self.0[..bytes.len()].copy_from_slice(bytes);
            self.0[SHORT] = bytes.len() as u8;
        } else {
            self.0[..2].copy_from_slice(&long.add(id).to_le_bytes());
            self.0[SHORT] = LONG;
        }
    }

    /// From now on nobody's.
    pub(crate) fn clear(&mut self, long: &LongIds) {
        if self.0[SHORT] == LONG {
            long.remove(self.number());
        }
        *self = Self::default();
    }

    /// Whether it is this id.
    #[inline]
    pub(crate) fn is(&self, id: &DriverId, long: &LongIds) -> bool {
        let len = self.0[SHORT];
        if len == LONG {
            return long.is(self.number(), id);
        }
        // An id is not empty, so nobody's name is none's.
        self.0[..usize::from(len)] == *id.as_str().as_bytes()
    }

    /// The id; `None`: nobody's.
    pub(crate) fn id(&self, long: &LongIds) -> Option<DriverId> {
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
        (numbered.ids.len() - 1) as u16
    }

    fn remove(&self, number: u16) {
        let mut numbered = self.0.lock();
        numbered.ids[usize::from(number)] = None;
        numbered.free.push(number);
    }

    fn is(&self, number: u16, id: &DriverId) -> bool {
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
    fn ids_of_every_length_are_kept_and_let_go() {
        let long = LongIds::default();
        let all: Vec<_> = (1..=64).map(|len| DriverId::new(&"ß".repeat(32)[..len / 2 * 2]).ok()).collect();
        let ids: Vec<_> =
            all.into_iter().flatten().chain([DriverId::new("123456789012345").unwrap()]).collect();
        let mut names = vec![Name::default(); ids.len()];
        for _ in 0..2 {
            for (name, id) in names.iter_mut().zip(&ids) {
                assert_eq!(name.id(&long), None);
                assert!(!name.is(id, &long));
                name.set(id, &long);
            }
            for (i, name) in names.iter().enumerate() {
                assert_eq!(name.id(&long).as_ref(), Some(&ids[i]));
                for id in &ids {
                    assert_eq!(name.is(id, &long), *id == ids[i], "{id} in the place of {}", ids[i]);
                }
            }
            for name in &mut names {
                name.clear(&long);
            }
        }
        let given = long.0.lock().ids.len();
        assert_eq!(
            given,
            ids.iter().filter(|id| id.as_str().len() > SHORT).count(),
            "numbers are given again"
        );
    }
}
