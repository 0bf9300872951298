//! Memory for segments.
//!
//! Fresh memory of the operating system is zero already. Safe code would write zeros into it once more, by a program's thread that is in
//! the middle of a record: some 40 instructions for each lock and unlock until all segments have been used once.

use std::sync::atomic::AtomicU64;

/// `N` words that are zero, for the rest of the process. Never on the stack: threads may have one too small for them.
#[cfg(not(feature = "portable"))]
#[allow(unsafe_code)]
pub(crate) fn zeroed_words<const N: usize>() -> &'static [AtomicU64; N] {
    let layout = std::alloc::Layout::new::<[AtomicU64; N]>();
    assert!(layout.size() > 0, "memory of no size is not to be had");
    // SAFETY: the layout has a size.
    let words = unsafe { std::alloc::alloc_zeroed(layout) }.cast::<[AtomicU64; N]>();
    if words.is_null() {
        std::alloc::handle_alloc_error(layout);
    }
    // SAFETY: it has the layout of `N` atomics, and zeros are valid ones; it is nobody else's, and never freed.
    unsafe { &*words }
}

/// The same, in safe code.
#[cfg(feature = "portable")]
pub(crate) fn zeroed_words<const N: usize>() -> &'static [AtomicU64; N] {
    let words: Vec<AtomicU64> = (0..N).map(|_| AtomicU64::new(0)).collect();
    let words = <Box<[AtomicU64; N]>>::try_from(words.into_boxed_slice());
    Box::leak(words.unwrap_or_else(|_| unreachable!("it was made with this length")))
}
