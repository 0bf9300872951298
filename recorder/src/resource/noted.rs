//! What is noted of a resource in its cell.

use crate::cells::at::NOW;

/// How many changes there were, above how many messages they left.
pub(crate) const CHANGES: usize = NOW;
/// The hold of whoever has all of it: the first word of its record, zero where there is none …
pub(crate) const HOLD: usize = 6;
/// … who took it, and the other words of the record after the resource.
pub(crate) const HOLD_REST: [usize; 5] = [7, 8, NOW + 1, NOW + 2, NOW + 3];
/// What has become of it: [`IS_CLOSED`], …; above those, units that were added, less those that are gone for good.
pub(crate) const STATUS: usize = NOW + 4;

/// So many bits of [`CHANGES`] count messages, from [`NO_MESSAGES`].
pub(crate) const MESSAGE_BITS: u32 = 20;
/// No message: as far from what cannot be counted on both sides, since some are received that were sent unrecorded.
pub(crate) const NO_MESSAGES: u64 = 1 << (MESSAGE_BITS - 1);

/// It was closed.
pub(crate) const IS_CLOSED: u64 = 1;
/// What is waited for was set.
pub(crate) const IS_SET: u64 = 2;
/// It is used unrecorded, too.
pub(crate) const IS_ESCAPED: u64 = 4;
/// One unit more.
pub(crate) const UNIT: u64 = 1 << 16;
