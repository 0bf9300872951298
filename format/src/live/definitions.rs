//! Definitions in a live file: those that events already speak of while no chunk has them yet.
//!
//! One after the other: a word with the kind and how many words follow; the columns of its row; for a text its number, its length in
//! bytes, and the bytes.

use crate::chunk::ChunkBuilder;
use crate::event::{AwaitPoint, Function, Kind, Location, Row, Thread, Unseen};

/// Appends the definition of a string.
pub fn write_text(words: &mut Vec<u64>, id: u64, text: &str) {
    let bytes = text.as_bytes();
    words.push(head(Kind::Text, 2 + bytes.len().div_ceil(8)));
    words.extend([id, bytes.len() as u64]);
    words.extend(bytes.chunks(8).map(|part| {
        let mut word = [0; 8];
        word[..part.len()].copy_from_slice(part);
        u64::from_le_bytes(word)
    }));
}

/// Appends another definition.
pub fn write_row<R: Row>(words: &mut Vec<u64>, row: &R) {
    words.push(head(R::KIND, R::COLUMNS.len()));
    row.each(|_, value| words.push(value));
}

fn head(kind: Kind, words: usize) -> u64 {
    (words as u64) << 8 | kind as u64
}

/// Moves the definition that `words` begin with into a chunk; what follows it. None where no whole one stands there.
pub fn move_definition<'a>(chunk: &mut ChunkBuilder, words: &'a [u64]) -> Option<&'a [u64]> {
    let (&first, rest) = words.split_first()?;
    let (content, rest) = rest.split_at_checked((first >> 8) as usize)?;
    let column = |index: usize| content.get(index).copied().unwrap_or(0);
    match Kind::from_number(first as u8)? {
        Kind::Text => {
            let (&[id, len], text) = content.split_first_chunk::<2>()?;
            let bytes: Vec<u8> = text.iter().flat_map(|word| word.to_le_bytes()).collect();
            let text = std::str::from_utf8(bytes.get(..len as usize)?).ok()?;
            chunk.text(id, text);
        }
        Kind::Location => chunk.define(&Location::from_columns(column)),
        Kind::Function => chunk.define(&Function::from_columns(column)),
        Kind::AwaitPoint => chunk.define(&AwaitPoint::from_columns(column)),
        Kind::Thread => chunk.define(&Thread::from_columns(column)),
        Kind::Unseen => chunk.define(&Unseen::from_columns(column)),
        _ => return None,
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chunk::Chunk;

    #[test]
    fn definitions_come_back_as_they_were() {
        let mut words = Vec::new();
        let location = Location {
            id: 7,
            file: 9,
            line: 3,
            column: 5,
        };
        write_text(&mut words, 9, "src/größe.rs");
        write_row(&mut words, &location);
        let unseen = Unseen {
            function: 4,
            name: 9,
            location: 7,
        };
        write_row(&mut words, &unseen);
        write_text(&mut words, 10, "");
        let mut builder = ChunkBuilder::new();
        let mut rest = words.as_slice();
        while let Some(next) = move_definition(&mut builder, rest) {
            rest = next;
        }
        assert!(rest.is_empty());
        let chunk = Chunk::decode(&builder.finish().bytes).unwrap();
        assert_eq!(
            chunk.texts,
            [(9, "src/größe.rs".into()), (10, String::new())]
        );
        assert_eq!(
            chunk.definitions::<Location>().collect::<Vec<_>>(),
            [location]
        );
        assert_eq!(chunk.definitions::<Unseen>().collect::<Vec<_>>(), [unseen]);
    }

    #[test]
    fn words_that_are_no_definition_end_the_reading() {
        let mut builder = ChunkBuilder::new();
        for words in [
            &[][..],
            &[head(Kind::Location, 4), 1, 2],
            &[head(Kind::Text, 2), 1, 9],
            &[head(Kind::Text, 3), 1, 2, 0xffff],
            &[head(Kind::Wake, 0)],
            &[u64::MAX],
        ] {
            assert!(move_definition(&mut builder, words).is_none(), "{words:?}");
        }
        assert!(builder.is_empty());
    }
}
