//! The first look that is taken at the parts of a long trace: where it shows nothing, nothing is found.

use ais_analyzer::findings::{Thresholds, broken_findings, lock_order_inversions, slow_findings};
use ais_analyzer::{Analysis, Trace};

/// Checks that a trace is not passed over in which something is found, if it is taken for a part of a longer one.
///
/// # Panics
/// It is.
pub fn misses_nothing(mut trace: Trace) {
    let thresholds = Thresholds::default();
    trace.history.goes_on = true;
    let mut found = slow_findings(&trace.history, &thresholds);
    found.extend(broken_findings(&trace));
    found.extend(lock_order_inversions(&trace.history));
    if Analysis::is_dull(&trace.source, &thresholds) {
        let titles: Vec<_> = found.iter().map(|finding| &finding.title).collect();
        assert!(titles.is_empty(), "a first look misses {titles:#?}");
    }
}
