//! What of the program was recorded, and what was not: whoever reads a verdict has to know what it rests on.

use serde::Serialize;

use crate::Trace;
use crate::time::Nanos;

/// A recording that begins sooner than this after its program has seen it from its beginning.
const PROMPT: Nanos = Nanos(1_000_000_000);

/// What of the program was recorded, and what was not: the `coverage` object in the `trace` object of every JSON answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Coverage {
    /// What the program was recorded through, in words: `the recorded tokio, in all crates`. Null where the trace does not say it.
    pub way_in: Option<String>,
    /// How long after the program the recording began, where that is more than a second. Null where it is less, or not known.
    #[serde(rename = "began_late_ns")]
    pub began_late: Option<Nanos>,
    /// Tasks that existed before they were first seen: what they had done until then is not recorded.
    pub late_tasks: usize,
    /// The same of locks, channels and other resources.
    pub late_resources: usize,
    /// Where the trace begins in the middle of the recording (a ring, a flight recorder): when. What had ended before then is not kept.
    /// Null where it begins with the recording.
    #[serde(rename = "begins_at_ns")]
    pub begins_at: Option<Nanos>,
    /// Whether all that was alive at that moment is known. Null where the trace begins with the recording.
    pub begins_whole: Option<bool>,
    /// Where only the last part of a trace was rebuilt: when it begins. What was alive then is told there, and known.
    #[serde(rename = "read_from_ns")]
    pub read_from: Option<Nanos>,
    /// Where a stretch of time was asked for: what was over before this moment is left out.
    #[serde(rename = "shown_from_ns")]
    pub shown_from: Option<Nanos>,
    /// Where a stretch of time was asked for: everything is as of this moment.
    #[serde(rename = "shown_to_ns")]
    pub shown_to: Option<Nanos>,
    /// Events that the recorder could not keep, over the whole recording, as a share of all. Null where the trace begins in the middle:
    /// how many there were before is not kept.
    pub dropped_share: Option<f64>,
    /// Whether everything that was alive was told again after the last thing that is missing. Null where nothing is missing.
    pub is_healed: Option<bool>,
    /// What identifies the build of the program, in hexadecimal. Null where the trace does not say it.
    pub build_id: Option<String>,
    /// The machine. Null where it was not asked for.
    pub host: Option<String>,
}

/// What of the program is in a trace.
pub(super) fn coverage(trace: &Trace) -> Coverage {
    let (header, history) = (&trace.source.header, &trace.history);
    let said = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let began_late = match header.process_started_unix_ns {
        0 => None,
        started => Some(Nanos(header.started_unix_ns.saturating_sub(started))),
    };
    let loss = trace.loss();
    let dropped = loss.events_dropped;
    let all = (history.before.events + history.events).saturating_add(dropped);
    let has_gap = loss.is_gap() || history.begins_whole == Some(false);
    // What is missing comes before the last part, which begins with what was alive.
    let is_healed =
        history.is_healed || (history.begins_whole == Some(true) && !history.loss.is_gap());
    Coverage {
        way_in: said(&header.way_in),
        began_late: began_late.filter(|&late| late > PROMPT),
        late_tasks: history.before.late_tasks
            + history.own_tasks().filter(|task| task.late).count(),
        late_resources: history.before.late_resources
            + history.own_resources().filter(|of| of.late).count(),
        begins_at: trace
            .source
            .begins_late
            .then_some(trace.source.whole().from),
        read_from: (!history.part.is_first()).then_some(history.part.from),
        shown_from: Some(history.from).filter(|&from| from > Nanos(0)),
        shown_to: history.part.until.map(|_| history.end),
        begins_whole: history.begins_whole.filter(|_| trace.source.begins_late),
        dropped_share: (!trace.source.begins_late && all > 0).then(|| dropped as f64 / all as f64),
        is_healed: has_gap.then_some(is_healed),
        build_id: said(&header.build_id),
        host: said(&header.host),
    }
}
