//! Traces whose checksums are right and whose content is nonsense: no recorder writes them, somebody may. Reading them ends, without
//! a panic, in reports of any kind.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::Cursor;
use std::path::PathBuf;

use ais_analyzer::filter::Selection;
use ais_analyzer::profile::Profile;
use ais_analyzer::render::timeline;
use ais_analyzer::report::{panel, summary};
use ais_analyzer::{Analysis, Event, Source, Trace, Window};
use ais_format::chunk::ChunkBuilder;
use ais_format::event;
use ais_format::frame::{FileHeader, flag};
use ais_format::write::{ClockPair, TraceWriter};
use proptest::prelude::*;

/// Small numbers, so that events hit each other; now and then one at the border.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![20 => 0..6u64, 1 => Just(u64::MAX), 1 => Just(u64::from(u32::MAX)), 1 => Just(1u64 << 63)]
}

/// As many as the widest kind has columns.
type Fields = [u64; 10];

fn add(chunk: &mut ChunkBuilder, kind: u8, tick: u64, f: Fields) {
    macro_rules! events {
        ($($number:literal => $row:ident;)*) => {
            match kind {
                $($number => chunk.event(tick, &<event::$row as event::Row>::from_columns(|i| f[i])),)*
                _ => {}
            }
        };
    }
    events! {
        0 => TaskNew; 1 => PollBegin; 2 => PollEnd; 3 => TaskDrop; 4 => Wake; 5 => FutureNew; 6 => FutureBegin;
        7 => AwaitEnter; 8 => AwaitLeave; 9 => FutureEnd; 10 => ResourceNew; 11 => ResourceDrop; 12 => OperationBegin;
        13 => OperationPoll; 14 => OperationFired; 15 => OperationEnd; 16 => Acquire; 17 => Release; 18 => Send;
        19 => SendFailed; 20 => Receive; 21 => Close; 22 => HandleNew; 23 => HandleDrop; 24 => TaskAbort; 25 => Yield;
        26 => Foreign; 27 => HoldSplit; 28 => HoldMerge; 29 => Forget; 30 => Add; 31 => Notify; 32 => Arrive; 33 => MemberNew;
        34 => MemberGone; 35 => Escape; 36 => SectionBegin; 37 => SectionEnd; 38 => TimerSet; 39 => Lag; 40 => WakersGone;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn nonsense_is_analysed_without_a_panic(
        batches in proptest::collection::vec(
            (number(), number(), proptest::collection::vec((0u8..41, number(), proptest::array::uniform10(number())), 1..60)),
            1..6,
        ),
        definitions in proptest::collection::vec((number(), number(), number(), number()), 0..8),
        clocks in proptest::collection::vec((number(), number()), 1..4),
    ) {
        let mut writer = TraceWriter::new(Cursor::new(Vec::new()), &FileHeader::default()).unwrap();
        for (tick, ns) in clocks {
            let mut chunk = ChunkBuilder::new();
            for &(id, a, b, c) in &definitions {
                chunk.text(id, "</text><script>\u{202e}\u{1b}[2J");
                chunk.define(&event::Location { id, file: a, line: b, column: c });
                chunk.define(&event::Function { id, name: a, location: b, points: c, flags: 1 });
                chunk.define(&event::AwaitPoint { function: id, index: a, expression: b, location: c });
                chunk.define(&event::Thread { id, name: a });
                chunk.define(&event::Unseen { function: id, name: b, location: c });
            }
            for (thread, first, events) in &batches {
                for &(kind, tick, fields) in events {
                    add(&mut chunk, kind, tick, fields);
                }
                chunk.end_batch(*thread, *first, *first);
            }
            writer.chunk(&chunk.finish(), ClockPair { tick, ns }, 0, if ns % 2 == 0 { flag::CUT } else { 0 }).unwrap();
        }
        let bytes = writer.finish(ClockPair::default(), 0).unwrap().into_inner();
        let trace = Source::from_bytes(&PathBuf::from("hostile.ais"), bytes).and_then(Trace::from_source).unwrap();
        let events: Vec<Event> = trace.events_in_order().collect();
        prop_assert_eq!(events.len() as u64, trace.history.events);
        prop_assert!(events.is_sorted_by_key(|event| event.at));
        for task in &trace.history.tasks {
            let states = task.states();
            for event in &events {
                let last = states.iter().rfind(|state| state.since() < event.at);
                prop_assert_eq!(task.state_at(event.at), last.copied(), "at {} {:#?} {:?}", event.at.0, task, states);
            }
        }
        let profile = Profile::of(&trace.source, Window::default(), &[]).unwrap();
        prop_assert!(profile.events <= trace.history.events);
        let Analysis { verdict, findings } = Analysis::of(&trace);
        let _ = summary(&trace.history, &verdict.progress, &Selection::everything());
        for task in &trace.history.tasks {
            prop_assert!(panel(&trace.history, &verdict.progress, task.id).is_some());
        }
        let picture = timeline::svg(&timeline::timeline(&trace, &verdict, &findings, &Selection::everything()));
        let acts = picture.contains("<script") || picture.contains('\u{1b}');
        prop_assert!(!acts, "a name was drawn as it is");
    }
}
