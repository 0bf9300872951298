//! What is known of this process and of the machine it runs on.

use std::time::{Duration, SystemTime};

/// The build id that the linker put into the program, in hexadecimal; empty where there is none.
pub(crate) fn build_id() -> String {
    std::fs::File::open("/proc/self/exe")
        .ok()
        .and_then(|mut program| read_build_id(&mut program))
        .map_or_else(String::new, |id| {
            id.iter().map(|byte| format!("{byte:02x}")).collect()
        })
}

/// From a 64-bit little-endian ELF file: the note of kind 3 of the owner "GNU", in a segment of notes (System V ABI, "Program Header" and
/// "Note Section").
fn read_build_id(program: &mut (impl std::io::Read + std::io::Seek)) -> Option<Vec<u8>> {
    const HEADER: usize = 64;
    const ENTRY: usize = 56;
    const NOTES: u32 = 4;
    const BUILD_ID: u32 = 3;
    /// Larger ones hold something else.
    const MAX: u64 = 1 << 16;
    let mut at = |offset: u64, len: usize| {
        let mut bytes = vec![0; len];
        program.seek(std::io::SeekFrom::Start(offset)).ok()?;
        program.read_exact(&mut bytes).ok()?;
        Some(bytes)
    };
    let header = at(0, HEADER)?;
    if !header.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let entries = (long(&header, 32)?, u64::from(short(&header, 56)?));
    for index in 0..entries.1 {
        let entry = at(entries.0 + index * ENTRY as u64, ENTRY)?;
        let (offset, len) = (long(&entry, 8)?, long(&entry, 32)?);
        if int(&entry, 0)? != NOTES || len > MAX {
            continue;
        }
        let notes = at(offset, len as usize)?;
        let mut left = notes.as_slice();
        while let (Some(name), Some(content), Some(kind)) =
            (int(left, 0), int(left, 4), int(left, 8))
        {
            let name_end = 12 + (name as usize).next_multiple_of(4);
            let end = name_end + content as usize;
            let content = left.get(name_end..end)?;
            if kind == BUILD_ID && left.get(12..15) == Some(b"GNU") {
                return Some(content.to_vec());
            }
            left = left.get(end.next_multiple_of(4)..)?;
        }
    }
    None
}

fn short(bytes: &[u8], at: usize) -> Option<u16> {
    let (&bytes, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u16::from_le_bytes(bytes))
}

fn int(bytes: &[u8], at: usize) -> Option<u32> {
    let (&bytes, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u32::from_le_bytes(bytes))
}

fn long(bytes: &[u8], at: usize) -> Option<u64> {
    let (&bytes, _) = bytes.get(at..)?.split_first_chunk()?;
    Some(u64::from_le_bytes(bytes))
}

/// When this process began, in nanoseconds since 1970 UTC; zero where that cannot be told.
pub(crate) fn started_unix_ns() -> u64 {
    let since = || {
        let status = std::fs::read_to_string("/proc/self/stat").ok()?;
        // The name of the program, in parentheses, may hold anything. The first field after it is number 3; 22 is the start.
        let (_, fields) = status.rsplit_once(')')?;
        let started: u64 = fields.split_whitespace().nth(22 - 3)?.parse().ok()?;
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let uptime: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        // In hundredths of a second since the machine was started, whatever the kernel itself counts in.
        let age = Duration::try_from_secs_f64(uptime - started as f64 / 100.0).ok()?;
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        Some(now.checked_sub(age)?.as_nanos() as u64)
    };
    since().unwrap_or(0)
}

/// The name of the machine; empty where it cannot be told.
pub(crate) fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_or_else(|_| String::new(), |name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// An ELF file with one segment of notes.
    fn elf(notes: &[u8]) -> Vec<u8> {
        let mut file = b"\x7fELF\x02\x01\x01".to_vec();
        file.resize(64, 0);
        file[32..40].copy_from_slice(&64u64.to_le_bytes());
        file[56..58].copy_from_slice(&1u16.to_le_bytes());
        let mut entry = vec![0; 56];
        entry[..4].copy_from_slice(&4u32.to_le_bytes());
        entry[8..16].copy_from_slice(&120u64.to_le_bytes());
        entry[32..40].copy_from_slice(&(notes.len() as u64).to_le_bytes());
        file.extend(entry);
        file.extend(notes);
        file
    }

    fn note(kind: u32, name: [u8; 4], content: &[u8]) -> Vec<u8> {
        let head = [4, content.len() as u32, kind]
            .map(u32::to_le_bytes)
            .concat();
        let mut note = [&head, &name[..], content].concat();
        note.resize(note.len().next_multiple_of(4), 0);
        note
    }

    #[test]
    fn the_build_id_is_found_among_other_notes() {
        let notes = [
            note(1, *b"GNU\0", &[9; 5]),
            note(3, *b"GNU\0", &[0xab, 1, 2]),
        ]
        .concat();
        assert_eq!(
            read_build_id(&mut Cursor::new(elf(&notes))),
            Some(vec![0xab, 1, 2])
        );
        let none = note(1, *b"GNU\0", &[9; 16]);
        assert_eq!(read_build_id(&mut Cursor::new(elf(&none))), None);
    }

    #[test]
    fn a_program_that_is_damaged_has_no_build_id() {
        let whole = elf(&note(3, *b"GNU\0", &[1; 20]));
        for len in 0..whole.len() {
            assert_eq!(read_build_id(&mut Cursor::new(&whole[..len])), None);
        }
        let mut endless = whole;
        endless[64 + 56 + 4..][..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read_build_id(&mut Cursor::new(endless)), None);
    }
}
