//! Which addresses are static memory of the program.
//!
//! A lock in a `static` gives out guards that may be kept anywhere, so that less can be proven about who holds it; a lock in the
//! memory of its users cannot be outlived by its guards. The difference is an address range, read once from `/proc/self/maps`.

use std::sync::atomic::{AtomicUsize, Ordering};

static START: AtomicUsize = AtomicUsize::new(0);
static END: AtomicUsize = AtomicUsize::new(0);

/// Whether an address is in static memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Statics {
    /// It is not: heap or stack.
    Outside,
    /// It is.
    Inside,
    /// It cannot be told on this platform.
    Unknown,
}

/// Reads the memory map; without it every address is [`Statics::Unknown`]. Called when a recording starts.
pub(crate) fn find() {
    let Some((start, end)) = image_range() else {
        return;
    };
    START.store(start, Ordering::Relaxed);
    END.store(end, Ordering::Relaxed);
}

/// Whether the value at `address` lies in the program's static memory.
pub(crate) fn lies_in_static_memory(address: usize) -> Statics {
    let (start, end) = (START.load(Ordering::Relaxed), END.load(Ordering::Relaxed));
    if end == 0 {
        Statics::Unknown
    } else if (start..end).contains(&address) {
        Statics::Inside
    } else {
        Statics::Outside
    }
}

#[cfg(any(not(target_os = "linux"), feature = "portable"))]
fn image_range() -> Option<(usize, usize)> {
    None
}

/// From the first mapping of the executable to the end of the last one, zero-initialised memory included (it follows the last
/// file-backed mapping without a gap and without a name).
#[cfg(all(target_os = "linux", not(feature = "portable")))]
fn image_range() -> Option<(usize, usize)> {
    let program = std::fs::read_link("/proc/self/exe").ok()?;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    range_of(program.to_str()?, &maps)
}

#[cfg(all(target_os = "linux", not(feature = "portable")))]
fn range_of(program: &str, maps: &str) -> Option<(usize, usize)> {
    /// The parts of an executable lie one after the other, with no more than what they are aligned to between them.
    const MAX_GAP: usize = 4 << 20;
    let mut range: Option<(usize, usize)> = None;
    for line in maps.lines() {
        let (addresses, rest) = line.split_once(' ')?;
        let (start, end) = addresses.split_once('-')?;
        let (start, end) = (
            usize::from_str_radix(start, 16).ok()?,
            usize::from_str_radix(end, 16).ok()?,
        );
        // Columns: permissions, offset, device, inode, path (which may hold spaces, and may be absent).
        let path = rest.splitn(5, ' ').nth(4).unwrap_or_default().trim_start();
        match &mut range {
            None if path == program => range = Some((start, end)),
            // Elsewhere the same file may be mapped once more: by what looks up names for a backtrace, for instance.
            Some((_, last))
                if (path == program && start - *last <= MAX_GAP)
                    || (path.is_empty() && *last == start) =>
            {
                *last = end;
            }
            _ => {}
        }
    }
    range
}

#[cfg(all(test, target_os = "linux", not(feature = "portable")))]
mod tests {
    use super::*;

    #[test]
    fn an_executable_that_is_mapped_once_more_for_a_backtrace_does_not_make_the_heap_static() {
        let maps = "\
            1000-2000 r--p 00000000 fe:00 7    /usr/bin/bank\n\
            2000-3000 r-xp 00001000 fe:00 7    /usr/bin/bank\n\
            3000-4000 rw-p 00002000 fe:00 7    /usr/bin/bank\n\
            4000-6000 rw-p 00000000 00:00 0\n\
            9000-a000 rw-p 00000000 00:00 0    [heap]\n\
            7f0000001000-7f0000009000 r--p 00000000 fe:00 7    /usr/bin/bank\n\
            7f0000009000-7f000000a000 rw-p 00000000 00:00 0\n";
        assert_eq!(range_of("/usr/bin/bank", maps), Some((0x1000, 0x6000)));
    }

    #[test]
    fn statics_are_told_from_heap_and_stack() {
        static INITIALISED: AtomicUsize = AtomicUsize::new(7);
        static ZEROED: AtomicUsize = AtomicUsize::new(0);
        find();
        let address = |value: &AtomicUsize| std::ptr::from_ref(value) as usize;
        assert_eq!(
            lies_in_static_memory(address(&INITIALISED)),
            Statics::Inside
        );
        assert_eq!(lies_in_static_memory(address(&ZEROED)), Statics::Inside);
        assert_eq!(
            lies_in_static_memory(address(&AtomicUsize::new(1))),
            Statics::Outside
        );
        assert_eq!(
            lies_in_static_memory(address(&Box::new(AtomicUsize::new(1)))),
            Statics::Outside
        );
    }
}
