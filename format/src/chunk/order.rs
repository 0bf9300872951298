//! The order of a batch while it is collected: the kind and the tick of each event.
//!
//! A table like any other in the file, but every event has a row in it, so it is worth a way of its own: kinds are bytes from the
//! start, and of the ticks the smallest and the largest are wanted too.

use super::builder::write_head;
use crate::column::{BLOCK, Encoding, Writer};
use crate::event::Kind;
use crate::msgpack::{head_len, write_array_len};

/// Collects the [`crate::event::Order`] of a batch.
#[derive(Debug)]
pub(crate) struct OrderWriter {
    /// How many events are in the blocks.
    pending: usize,
    kinds: [u8; BLOCK],
    ticks: [u64; BLOCK],
    /// The kinds of the events that are no longer in the blocks.
    kind_bytes: Vec<u8>,
    tick_writer: Writer,
    span: Span,
}

/// The smallest and the largest tick of some events; none where there are none.
pub(crate) type Span = Option<(u64, u64)>;

impl OrderWriter {
    pub(super) fn new() -> OrderWriter {
        OrderWriter {
            pending: 0,
            kinds: [0; BLOCK],
            ticks: [0; BLOCK],
            kind_bytes: Vec::new(),
            tick_writer: Writer::default(),
            span: None,
        }
    }

    /// How many events there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.kind_bytes.len() + self.pending
    }

    /// Adds an event.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, tick: u64) {
        if let Some((to_kind, to_tick)) = self.room(1).next() {
            (*to_kind, *to_tick) = (kind as u8, tick);
        }
        self.advance(1);
    }

    /// Room for the next events, at least one and not more than `most`, kinds and ticks. [`OrderWriter::advance`] must follow.
    #[inline]
    pub(crate) fn room(&mut self, most: usize) -> impl Iterator<Item = (&mut u8, &mut u64)> {
        let end = self.pending + most.min(BLOCK - self.pending);
        let kinds = self.kinds[self.pending..end].iter_mut();
        kinds.zip(&mut self.ticks[self.pending..end])
    }

    /// Takes so many events into account that were put into the room.
    #[inline]
    pub(crate) fn advance(&mut self, events: usize) {
        self.pending += events;
        if self.pending == BLOCK {
            self.flush();
        }
    }

    #[inline(never)]
    fn flush(&mut self) {
        let ticks = &self.ticks[..self.pending];
        self.kind_bytes
            .extend_from_slice(&self.kinds[..self.pending]);
        self.span = union(self.span, span(ticks));
        self.tick_writer.add(ticks, ticks, Encoding::Delta);
        self.pending = 0;
    }

    /// Appends the table, if there are events, and begins the next one. The smallest and the largest tick.
    pub(super) fn write(&mut self, out: &mut Vec<u8>) -> Span {
        self.flush();
        let rows = self.kind_bytes.len();
        let &first = self.kind_bytes.first()?;
        let is_constant = rows > 1 && self.kind_bytes.iter().all(|&kind| kind == first);
        let encoding = if is_constant {
            self.kind_bytes.truncate(1);
            Encoding::Constant
        } else {
            Encoding::Plain
        };
        let elements = self.kind_bytes.len();
        let kinds = (encoding, head_len(elements as u32) + elements);
        write_head(out, Kind::Order, rows, &[kinds, self.tick_writer.end()]);
        write_array_len(out, elements as u32);
        out.append(&mut self.kind_bytes);
        self.tick_writer.write(out);
        self.span.take()
    }
}

/// A kind is written as it is: a number that MessagePack writes in one byte.
const _: () = assert!((Kind::ALL[Kind::ALL.len() - 1] as u8) < 0x80);

/// The smallest and the largest of some ticks.
fn span(ticks: &[u64]) -> Span {
    let (&first, &last) = (ticks.first()?, ticks.last()?);
    // Of neighbours that never fall, which can be told by bits alone for many at once, they are the first and the last.
    let large = ticks.iter().fold(0, |bits, tick| bits | tick);
    let falls = ticks
        .windows(2)
        .fold(0, |bits, pair| bits | pair[1].wrapping_sub(pair[0]));
    if (large | falls).cast_signed() >= 0 {
        return Some((first, last));
    }
    Some((*ticks.iter().min()?, *ticks.iter().max()?))
}

/// The smallest and the largest tick of both.
pub(super) fn union(a: Span, b: Span) -> Span {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        _ => a.or(b),
    }
}
