//! Memory for segments.
//!
//! Fresh memory of the operating system is zero already. Safe code would write zeros into it once more, by a program's thread that is in
//! the middle of a record: some 40 instructions for each lock and unlock until all segments have been used once.

use std::sync::atomic::AtomicU64;

/// `M` times `N` words that are zero, for the rest of the process. Never on the stack: threads may have one too small for them.
#[cfg(not(feature = "portable"))]
#[allow(unsafe_code)]
pub(crate) fn zeroed_words<const N: usize, const M: usize>() -> &'static [[AtomicU64; N]; M] {
    let layout = std::alloc::Layout::new::<[[AtomicU64; N]; M]>();
    assert!(layout.size() > 0, "memory of no size is not to be had");
    // SAFETY: the layout has a size.
    let words = unsafe { std::alloc::alloc_zeroed(layout) }.cast::<[[AtomicU64; N]; M]>();
    if words.is_null() {
        std::alloc::handle_alloc_error(layout);
    }
    // SAFETY: it has the layout of so many atomics, and zeros are valid ones; it is nobody else's, and never freed.
    unsafe { &*words }
}

/// The same, in safe code.
#[cfg(feature = "portable")]
pub(crate) fn zeroed_words<const N: usize, const M: usize>() -> &'static [[AtomicU64; N]; M] {
    let zeros = |_| (0..N).map(|_| AtomicU64::new(0)).collect::<Vec<_>>();
    let words: Vec<AtomicU64> = (0..M).flat_map(zeros).collect();
    let (rows, _) = words.leak().as_chunks::<N>();
    rows.try_into()
        .unwrap_or_else(|_| unreachable!("there are so many"))
}
