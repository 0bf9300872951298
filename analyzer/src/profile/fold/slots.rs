//! What is alive, by number.

use std::collections::{HashMap, HashSet, VecDeque};

use rustc_hash::FxBuildHasher;

/// Things that come and go, by their numbers. The place of one stays the same while it lives, and is given to another one after that.
#[derive(Debug)]
pub(super) struct Slots<T> {
    by_number: HashMap<u64, u32, FxBuildHasher>,
    all: Vec<Option<T>>,
    free: Vec<u32>,
}

/// The numbers of what ended last: what is told of one of these comes late.
#[derive(Debug, Default)]
pub(super) struct Ended {
    all: HashSet<u64, FxBuildHasher>,
    order: VecDeque<u64>,
}

impl Ended {
    pub(super) fn add(&mut self, number: u64) {
        /// Far more than can end while a thread is behind the others.
        const MOST: usize = 4096;
        if self.all.insert(number) {
            self.order.push_back(number);
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }

    pub(super) fn has(&self, number: u64) -> bool {
        self.all.contains(&number)
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots {
            by_number: HashMap::default(),
            all: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<T> Slots<T> {
    #[inline]
    pub(super) fn place(&self, number: u64) -> Option<u32> {
        self.by_number.get(&number).copied()
    }

    #[inline]
    pub(super) fn at(&mut self, place: u32) -> Option<&mut T> {
        self.all.get_mut(place as usize)?.as_mut()
    }

    #[inline]
    pub(super) fn get(&mut self, number: u64) -> Option<&mut T> {
        let place = self.place(number)?;
        self.at(place)
    }

    /// One that was not there, or is another one under the number of one whose end was lost.
    pub(super) fn insert(&mut self, number: u64, of: T) -> u32 {
        if let Some(place) = self.place(number) {
            self.all[place as usize] = Some(of);
            return place;
        }
        let place = match self.free.pop() {
            Some(place) => {
                self.all[place as usize] = Some(of);
                place
            }
            None => {
                self.all.push(Some(of));
                // So many things do not fit into memory.
                (self.all.len() - 1) as u32
            }
        };
        self.by_number.insert(number, place);
        place
    }

    pub(super) fn remove(&mut self, number: u64) -> Option<(u32, T)> {
        let place = self.by_number.remove(&number)?;
        self.free.push(place);
        Some((place, self.all[place as usize].take()?))
    }

    /// Keeps those that `is_left` says are.
    pub(super) fn retain(&mut self, mut is_left: impl FnMut(u64) -> bool) {
        let Slots {
            by_number,
            all,
            free,
        } = self;
        by_number.retain(|&number, place| {
            let stays = is_left(number);
            if !stays {
                all[*place as usize] = None;
                free.push(*place);
            }
            stays
        });
    }

    pub(super) fn all(&mut self) -> impl Iterator<Item = (u32, &mut T)> {
        let slots = (0..).zip(&mut self.all);
        slots.filter_map(|(place, slot)| Some((place, slot.as_mut()?)))
    }
}
