//! The order of a batch while it is collected: the kind and the tick of each event.
//!
//! A table like any other in the file, but every event has a row in it, so it is worth a way of its own: kinds are bytes from the
//! start, and of the ticks the smallest and the largest are wanted too.

use super::builder::write_head;
use crate::column::{BLOCK, Encoding, Values, Writer, place};
use crate::event::Kind;
use crate::msgpack::{head_len, write_array_len};

/// Collects the [`crate::event::Order`] of a batch.
#[derive(Debug)]
pub(crate) struct OrderWriter {
    /// How many events are in the blocks.
    pending: usize,
    kinds: [u8; BLOCK],
    ticks: Values,
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
        self.extend(1, || Some((kind as u8, tick)));
    }

    /// Adds the next events that `next` gives, at least one block's and not more than `most`; how many it gave.
    #[inline]
    pub(crate) fn extend(
        &mut self,
        most: usize,
        mut next: impl FnMut() -> Option<(u8, u64)>,
    ) -> usize {
        let from = self.pending;
        let to = from + most.min(BLOCK - from);
        let mut at = from;
        while at < to {
            let Some((kind, tick)) = next() else { break };
            self.kinds[usize::from(at as u8)] = kind;
            self.ticks[place(at as u8)] = tick;
            at += 1;
        }
        self.pending = at;
        if at == BLOCK {
            self.flush();
        }
        at - from
    }

    #[inline(never)]
    fn flush(&mut self) {
        let (rows, ticks) = (self.pending, &self.ticks);
        if rows == 0 {
            return;
        }
        self.kind_bytes.extend_from_slice(&self.kinds[..rows]);
        self.tick_writer.add(ticks, ticks, rows, Encoding::Delta);
        // Steps so small, from a tick that is not near the end of all numbers, never fall.
        let rises = rows == BLOCK && self.tick_writer.steps() >> 48 == 0 && ticks[0] >> 63 == 0;
        let span = if rises {
            Some((ticks[0], ticks[BLOCK - 1]))
        } else {
            span(ticks, rows)
        };
        self.span = union(self.span, span);
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

/// The smallest and the largest of the first ticks of a block.
fn span(ticks: &Values, rows: usize) -> Span {
    let ticks = || (0..=u8::MAX).take(rows).map(|row| ticks[place(row)]);
    Some((ticks().min()?, ticks().max()?))
}

/// The smallest and the largest tick of both.
pub(super) fn union(a: Span, b: Span) -> Span {
    match (a, b) {
        (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
        _ => a.or(b),
    }
}
