//! Traces that have lost something: events that a recorder had to leave out, chunks that are missing or damaged, a tail that is cut off.
//! Nothing that is said contradicts what happened, and that something is lost is said.

use ais_analyzer::time::Nanos;
use ais_analyzer::{Ending, History, Trace};
use ais_tests::profile::makes_nothing_up;

use crate::compare::{self, Agreement, same};
use crate::expected::expected;
use crate::layout::{Layout, Written, write};
use crate::model::Story;
use crate::rng::Rng;
use crate::simulate::simulate;
use crate::{read, sound, try_all};

/// Whether it is said that something is missing, or may be.
fn tells_of_loss(trace: &Trace) -> bool {
    let loss = &trace.history.loss;
    loss.is_gap() || loss.bytes > 0 || trace.source.ending != Ending::Finished
}

/// Nothing that is said is wrong; and where not everything is said, that is said.
fn is_sound(trace: &Trace, story: &Story, written: &Written) -> Agreement {
    // Without two readings of the clock nobody can tell when anything was.
    if trace
        .source
        .chunks
        .iter()
        .all(|chunk| chunk.header.clock_ns == 0)
    {
        return Ok(());
    }
    let happened = expected(&story.events);
    sound::history(&trace.history, &happened, None)?;
    let polls = happened.tasks.values().map(|task| task.polls.len() as u64);
    makes_nothing_up(trace, happened.tasks.len() as u64, polls.sum());
    if tells_of_loss(trace) {
        return Ok(());
    }
    let everything = compare::history(&trace.history, &expected(&story.events[..written.known]));
    everything.map_err(|told| format!("no loss is told, but {told}"))
}

fn parts(header: &[u8], chunks: &[&Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.iter().copied().flatten();
    header.iter().chain(chunks).copied().collect()
}

fn open(bytes: Vec<u8>) -> Result<Trace, String> {
    read(bytes).map_err(|error| error.to_string())
}

/// Tries traces of whole programs that are damaged so.
fn try_damaged(damage: impl Fn(&mut Rng, &Story, &Written) -> Agreement) {
    try_all(400, |program, seed| {
        let story = simulate(program);
        let written = write(
            &story,
            Layout {
                seed,
                ..Layout::default()
            },
        );
        damage(&mut Rng::new(seed), &story, &written)
    });
}

fn nothing_is_missing(history: &History) -> Agreement {
    same("how many chunks are missing", history.loss.chunks, 0)?;
    same(
        "how many events are missing",
        history.loss.events_dropped,
        0,
    )
}

#[test]
fn of_dropped_events_nothing_is_made_up() {
    try_all(400, |program, seed| {
        let story = simulate(program);
        let layout = Layout {
            seed,
            drops: 20,
            ..Layout::default()
        };
        let written = write(&story, layout);
        let trace = open(written.bytes())?;
        let told = trace.history.loss.events_dropped;
        same("how many events were dropped", told, written.dropped)?;
        same(
            "how many events there are",
            trace.history.events,
            written.events,
        )?;
        is_sound(&trace, &story, &written)
    });
}

#[test]
fn of_missing_chunks_nothing_is_made_up() {
    try_damaged(|rng, story, written| {
        let kept: Vec<usize> = (0..written.chunks.len())
            .filter(|_| !rng.percent(20))
            .collect();
        let chunks: Vec<_> = kept.iter().map(|&i| &written.chunks[i]).collect();
        let trace = open(parts(&written.header, &chunks))?;
        let missing = kept.last().map_or(0, |last| last + 1 - kept.len());
        same(
            "how many chunks are missing",
            trace.history.loss.chunks,
            missing as u64,
        )?;
        let is_whole = kept.last() == Some(&(written.chunks.len() - 1));
        let is_finished = trace.source.ending == Ending::Finished;
        same("whether it ended in good order", is_finished, is_whole)?;
        is_sound(&trace, story, written)
    });
}

#[test]
fn of_a_tail_that_is_cut_off_nothing_is_made_up() {
    try_damaged(|rng, story, written| {
        let bytes = written.bytes();
        let from = written.header.len();
        let cut = from + rng.below(bytes.len() - from);
        let trace = open(bytes[..cut].to_vec())?;
        same("how it ended", trace.source.ending, Ending::Unknown)?;
        nothing_is_missing(&trace.history)?;
        is_sound(&trace, story, written)
    });
}

#[test]
fn of_a_damaged_byte_nothing_is_made_up() {
    try_damaged(|rng, story, written| {
        let mut bytes = written.bytes();
        let from = written.header.len();
        let at = from + rng.below(bytes.len() - from);
        bytes[at] ^= 1 << rng.below(8);
        // Where it is the only chunk, there is nothing to read.
        let Ok(trace) = read(bytes) else {
            return same(
                "whether there is another chunk",
                written.chunks.len() > 2,
                false,
            );
        };
        same("whether loss is told", tells_of_loss(&trace), true)?;
        is_sound(&trace, story, written)
    });
}

#[test]
fn a_chunk_that_stands_twice_is_read_once() {
    try_damaged(|rng, story, written| {
        let mut chunks: Vec<_> = written.chunks.iter().collect();
        let again = rng.below(chunks.len());
        let to = again + 1 + rng.below(chunks.len() - again);
        chunks.insert(to, chunks[again]);
        let trace = open(parts(&written.header, &chunks))?;
        nothing_is_missing(&trace.history)?;
        same("what is said of it", trace.history.loss.notes.len(), 1)?;
        compare::history(&trace.history, &expected(&story.events))
    });
}

#[test]
fn of_chunks_out_of_order_nothing_is_made_up() {
    try_damaged(|rng, story, written| {
        let mut chunks: Vec<_> = written.chunks.iter().collect();
        let one = rng.below(chunks.len());
        let other = rng.below(chunks.len());
        chunks.swap(one, other);
        let trace = open(parts(&written.header, &chunks))?;
        same(
            "whether a loss is told",
            one == other || tells_of_loss(&trace),
            true,
        )?;
        is_sound(&trace, story, written)
    });
}

#[test]
fn of_what_was_before_a_trace_that_begins_with_a_later_generation_nothing_is_made_up() {
    try_all(400, |program, seed| {
        let story = simulate(program);
        let layout = Layout {
            seed,
            generations: 50,
            ..Layout::default()
        };
        let written = write(&story, layout);
        let mut rng = Rng::new(seed);
        let Some(&first) = written
            .generations
            .get(rng.below(written.generations.len().max(1)))
        else {
            return Ok(());
        };
        let chunks: Vec<_> = written.chunks[first..].iter().collect();
        let trace = open(parts(&written.header, &chunks))?;
        same(
            "whether it begins late",
            trace.source.begins_late,
            first > 0,
        )?;
        let told = trace
            .source
            .chunks
            .first()
            .map(|chunk| Nanos(chunk.header.clock_ns));
        sound::history(&trace.history, &expected(&story.events), told)
    });
}
