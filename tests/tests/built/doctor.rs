//! What a trace lacks is told from what is in it, and nothing is lacking where it is all there.

use ais_analyzer::filter::{Filter, Selection};
use ais_analyzer::report::{Cost, Diagnosis, Lack, LackKind, diagnosis};
use ais_analyzer::source::Ending;
use ais_analyzer::waits::verdict;
use ais_analyzer::{Source, Trace};
use ais_format::event::{
    AwaitEnter, AwaitPoint, Escape, Foreign, Function, FutureBegin, Location, ResourceNew, TaskNew,
    Unseen, Wake, function_flag, operation_kind, resource_flag, resource_kind, task_flag,
};
use ais_tests::build::Build;

const DROP_IN: &str = "the recorded tokio, in the crates that name it";

fn trace(build: Build) -> Trace {
    let source = Source::from_bytes("built.ais".as_ref(), build.finish()).unwrap();
    let mut trace = Trace::from_source(source).unwrap();
    DROP_IN.clone_into(&mut trace.source.header.way_in);
    trace
}

fn all(trace: &Trace) -> Diagnosis {
    diagnosis(trace, &Selection::everything())
}

fn kinds(trace: &Trace) -> Vec<LackKind> {
    all(trace).lacks.iter().map(|lack| lack.kind).collect()
}

/// The only thing that a trace lacks.
#[track_caller]
fn only(trace: &Trace) -> Lack {
    let mut lacks = all(trace).lacks;
    assert_eq!(lacks.len(), 1, "{lacks:#?}");
    lacks.remove(0)
}

/// Line 10 of a file of the program, line 20 of one of a library; a function with one await point in line 30.
fn build() -> Build {
    let mut build = Build::new();
    for (id, text) in [
        (1, "src/main.rs"),
        (2, "axum-0.8.9/src/serve.rs"),
        (3, "bank::transfer"),
        (4, "axum::serve"),
        (5, "to.lock()"),
        (6, "my::macro"),
        (7, "bank::main::{{closure}}::{{closure}}"),
    ] {
        build.text(id, text);
    }
    for (id, file, line) in [(1, 1, 10), (2, 2, 20), (3, 1, 30)] {
        build.define(&Location {
            id,
            file,
            line,
            column: 5,
        });
    }
    build.define(&Function {
        id: 1,
        name: 3,
        location: 1,
        points: 1,
        flags: function_flag::HAS_POINTS,
    });
    build.define(&AwaitPoint {
        function: 1,
        index: 0,
        expression: 5,
        location: 3,
    });
    build
}

/// A task with this name, spawned at this place.
fn task(build: &mut Build, task: u64, name: u64, location: u64, flags: u64) {
    build.event(&TaskNew {
        task,
        name,
        location,
        flags,
        ..TaskNew::default()
    });
}

/// What an executor waits for: a mutex that somebody has.
fn mutex(build: &mut Build) {
    build.resource(1, resource_kind::MUTEX, 1);
    build.acquire(1, 1);
}

/// A future of the function, at its await point.
fn traced(build: &mut Build, future: u64) {
    build.event(&FutureBegin {
        future,
        function: 1,
        parent: 0,
    });
    build.event(&AwaitEnter { future, point: 0 });
}

/// Waits for the mutex for some time.
fn waits(build: &mut Build, task: u64, future: u64) {
    build.poll(task, 1, |build| {
        if future != 0 {
            traced(build, future);
        }
        build.wait(operation_kind::LOCK, 1, 1);
    });
    build.pass(1_000);
}

#[test]
fn a_trace_in_which_all_is_recorded_lacks_nothing() {
    let mut build = build();
    mutex(&mut build);
    task(&mut build, 1, 3, 1, 0);
    waits(&mut build, 1, 1);
    let diagnosis = all(&trace(build));
    assert_eq!(diagnosis.lacks, []);
    let looked_at = diagnosis.looked_at;
    assert!(looked_at.contains("what 1 task waited for"), "{looked_at}");
}

#[test]
fn a_task_that_waits_and_is_not_traced_lacks_await_points_where_it_was_spawned() {
    let mut build = build();
    mutex(&mut build);
    task(&mut build, 1, 3, 1, task_flag::UNNAMED);
    task(&mut build, 2, 3, 1, task_flag::UNNAMED);
    task(&mut build, 3, 4, 2, task_flag::UNNAMED);
    waits(&mut build, 3, 0);
    waits(&mut build, 1, 0);
    waits(&mut build, 2, 1);
    // It has not waited.
    task(&mut build, 4, 3, 1, 0);
    let lack = only(&trace(build));
    assert_eq!(
        (lack.kind, lack.costs),
        (LackKind::NoAwaitPoints, Cost::Places)
    );
    assert_eq!(lack.title, "the await points of 2 of 3 tasks");
    let places: Vec<String> = lack
        .places
        .iter()
        .filter_map(|place| place.location.as_ref())
        .map(ToString::to_string)
        .collect();
    // The library's waited longer, and cannot be changed.
    assert_eq!(places, ["src/main.rs:10:5", "axum-0.8.9/src/serve.rs:20:5"]);
    assert_eq!(
        lack.change,
        "put #[ais_recorder::trace] on the async fn bank::transfer, which is spawned at src/main.rs:10:5"
    );
}

#[test]
fn an_async_block_and_a_task_of_a_library_are_traced_elsewhere() {
    let change = |name, location| {
        let mut build = build();
        mutex(&mut build);
        task(&mut build, 1, name, location, task_flag::UNNAMED);
        waits(&mut build, 1, 0);
        let change = only(&trace(build)).change;
        // Nothing in the program is traced yet.
        let manifest = ", with `ais-recorder = { path = \"../ais/recorder\" }` in Cargo.toml";
        change.strip_suffix(manifest).unwrap().to_owned()
    };
    assert_eq!(
        change(7, 1),
        "put #[ais_recorder::trace] on the function bank::main, whose async block is spawned at src/main.rs:10:5"
    );
    assert_eq!(
        change(4, 2),
        "put #[ais_recorder::trace] on your own async functions that the tasks spawned at axum-0.8.9/src/serve.rs:20:5 call"
    );
}

#[test]
fn a_type_that_is_no_function_is_not_called_one() {
    let mut build = build();
    build.text(9, "&mut dyn core::future::future::Future");
    mutex(&mut build);
    task(&mut build, 1, 9, 1, task_flag::UNNAMED);
    waits(&mut build, 1, 0);
    let change = only(&trace(build)).change;
    assert!(
        change.starts_with("put #[ais_recorder::trace] on the async fn that is spawned at"),
        "{change}"
    );
}

/// A traced task that waits and no operation tells for what, with so many clones of its waker alive.
fn waits_outside(wakers: u64) -> Trace {
    let mut build = build();
    task(&mut build, 1, 3, 1, 0);
    build.poll(1, wakers, |build| traced(build, 1));
    build.pass(5_000);
    build.event(&Wake {
        task: 1,
        waker: 1,
        number: 1,
    });
    build.last_poll(1, |_| ());
    trace(build)
}

#[test]
fn a_wait_for_something_unrecorded_is_told_with_the_place_of_the_await() {
    let mut trace = waits_outside(1);
    let lack = only(&trace);
    assert_eq!(
        (lack.kind, lack.costs),
        (LackKind::WaitsUnrecorded, Cost::Details)
    );
    let place = lack.places[0].location.as_ref().unwrap();
    assert_eq!(place.to_string(), "src/main.rs:30:5");
    assert!(lack.change.contains(".traced("), "{}", lack.change);
    // Where the timers and locks of tokio are not recorded, that can be changed.
    "what the program itself marks".clone_into(&mut trace.source.header.way_in);
    let lack = only(&trace);
    assert_eq!(lack.costs, Cost::Verdicts);
    assert!(
        lack.change.contains("inspect-record cargo run"),
        "{}",
        lack.change
    );
}

#[test]
fn a_runtime_in_the_trace_shows_that_tokio_is_recorded() {
    let costs = |is_recorded: bool| {
        let mut build = build();
        if is_recorded {
            build.resource(1, resource_kind::RUNTIME, 2);
        }
        task(&mut build, 1, 3, 1, 0);
        build.poll(1, 1, |build| traced(build, 1));
        build.pass(1_000);
        let mut trace = trace(build);
        trace.source.header.way_in.clear();
        only(&trace).costs
    };
    assert_eq!(costs(true), Cost::Details);
    assert_eq!(costs(false), Cost::Verdicts);
}

#[test]
fn who_has_no_waker_left_does_not_wait_for_something_outside() {
    assert_eq!(kinds(&waits_outside(0)), []);
}

#[test]
fn awaits_that_a_macro_hides_are_named_with_the_call() {
    let mut build = build();
    mutex(&mut build);
    build.define(&Unseen {
        function: 1,
        name: 6,
        location: 3,
    });
    task(&mut build, 1, 3, 1, 0);
    waits(&mut build, 1, 1);
    let lack = only(&trace(build));
    assert_eq!(lack.kind, LackKind::AwaitsUnseen);
    assert_eq!(lack.title, "the awaits in 1 macro call");
    assert_eq!(lack.places[0].what, "my::macro! in transfer()");
    assert!(
        lack.change
            .starts_with("await before my::macro! at src/main.rs:30:5"),
        "{}",
        lack.change
    );
}

#[test]
fn unrecorded_tasks_that_use_a_recorded_lock_ask_for_all_crates() {
    let mut build = build();
    build.resource(1, resource_kind::MUTEX, 1);
    for foreign in [41, 42, 41] {
        build.event(&Foreign { task: foreign });
        let hold = build.acquire_as(1, 1, 0);
        build.release(1, hold, 1);
    }
    let lack = only(&trace(build));
    assert_eq!(
        (lack.kind, lack.costs),
        (LackKind::CratesUnrecorded, Cost::Verdicts)
    );
    assert_eq!(lack.title, "2 unrecorded tasks");
    assert!(lack.evidence.contains("1 recorded resource, 3 times"));
    assert!(lack.evidence.contains(DROP_IN));
    assert_eq!(lack.places[0].what, "mutex #1");
    assert!(lack.change.contains("inspect-record cargo run"));
}

#[test]
fn what_a_cancelled_task_drops_shows_no_unrecorded_task() {
    let mut build = build();
    build.resource(1, resource_kind::MUTEX, 1);
    let hold = build.acquire_as(1, 1, 0);
    build.event(&Foreign { task: 41 });
    build.release(1, hold, 1);
    let trace = trace(build);
    let mut changes = trace.history.resources[0].changes.iter();
    assert!(changes.any(|change| change.foreign.is_some()));
    assert_eq!(kinds(&trace), []);
}

#[test]
fn what_was_unwrapped_has_escaped() {
    let mut build = build();
    build.resource(1, resource_kind::MUTEX, 1);
    build.resource(2, resource_kind::MUTEX, 1);
    let sequence = build.change(2);
    build.event(&Escape {
        resource: 2,
        sequence,
    });
    let lack = only(&trace(build));
    assert_eq!(lack.kind, LackKind::ResourcesEscaped);
    assert_eq!(lack.title, "1 escaped resource");
    assert_eq!(lack.places[0].what, "mutex #2");
}

#[test]
fn what_existed_before_the_recording_asks_to_begin_sooner() {
    let mut build = build();
    build.event(&ResourceNew {
        resource: 1,
        kind: resource_kind::MUTEX,
        capacity: 1,
        location: 1,
        flags: resource_flag::LATE,
        ..ResourceNew::default()
    });
    task(&mut build, 1, 3, 2, task_flag::LATE);
    let mut trace = trace(build);
    let lack = only(&trace);
    assert_eq!(lack.kind, LackKind::BeganLate);
    assert_eq!(lack.title, "the beginning of 1 task and 1 resource");
    assert_eq!(lack.places.len(), 2);
    assert!(lack.change.contains("first line of main"));
    trace.source.header.process_started_unix_ns = 1_000_000_000;
    trace.source.header.started_unix_ns = 4_000_000_000;
    let evidence = only(&trace).evidence;
    assert!(
        evidence.contains("began 3.00 s after the program"),
        "{evidence}"
    );
}

#[test]
fn a_program_that_makes_its_runtime_late_lacks_nothing() {
    let mut build = build();
    task(&mut build, 1, 3, 1, 0);
    let mut trace = trace(build);
    trace.source.header.process_started_unix_ns = 1_000_000_000;
    trace.source.header.started_unix_ns = 4_000_000_000;
    assert_eq!(kinds(&trace), []);
}

#[test]
fn dropped_events_ask_for_more_memory_and_come_first() {
    let mut build = build();
    task(&mut build, 1, 3, 1, 0);
    mutex(&mut build);
    waits(&mut build, 1, 0);
    build.task(2);
    let mut trace = trace(build);
    trace.history.loss.events_dropped = 40;
    let lacks = all(&trace).lacks;
    assert_eq!(lacks[0].kind, LackKind::EventsDropped);
    assert!(lacks[0].title.starts_with("40 dropped events, "));
    assert!(lacks[0].change.contains("AIS_TRACE_BUFFER=256MiB"));
    assert_eq!(lacks[1].kind, LackKind::NoAwaitPoints);
}

#[test]
fn chunks_that_are_not_there_are_a_damaged_file() {
    let mut build = build();
    build.task(1);
    let mut trace = trace(build);
    trace.history.loss.chunks = 2;
    trace.history.loss.notes.push("chunk 7 is damaged".into());
    let lack = only(&trace);
    assert_eq!(lack.kind, LackKind::FileDamaged);
    assert_eq!(lack.title, "2 chunks of the file");
    assert!(lack.evidence.ends_with("chunk 7 is damaged"));
}

#[test]
fn a_beginning_that_is_not_kept_asks_for_a_higher_limit() {
    let mut build = build();
    build.task(1);
    let mut trace = trace(build);
    trace.source.begins_late = true;
    trace.history.begins_whole = Some(true);
    let ring = only(&trace);
    assert_eq!(
        (ring.kind, ring.costs),
        (LackKind::BeginningNotKept, Cost::Details)
    );
    assert!(ring.change.contains("AIS_TRACE_LIMIT=1GiB"));
    trace.source.ending = Ending::Snapshot;
    assert!(only(&trace).change.contains("AIS_TRACE_LIMIT=256MiB"));
    // Then who had what is not known.
    trace.history.begins_whole = Some(false);
    assert_eq!(only(&trace).costs, Cost::Verdicts);
}

#[test]
fn a_hundred_tasks_without_names_are_told_of_and_fewer_are_not() {
    let of = |tasks, flags, location| {
        let mut build = build();
        for id in 1..=tasks {
            task(&mut build, id, 3, location, flags);
        }
        trace(build)
    };
    let lack = only(&of(100, task_flag::UNNAMED, 1));
    assert_eq!(
        (lack.kind, lack.costs),
        (LackKind::TasksUnnamed, Cost::Details)
    );
    assert_eq!(lack.title, "names of 100 tasks");
    assert!(lack.change.contains("spawned at src/main.rs:10:5"));
    assert_eq!(kinds(&of(99, task_flag::UNNAMED, 1)), []);
    assert_eq!(kinds(&of(100, 0, 1)), []);
    // Those of a library cannot be named.
    assert_eq!(kinds(&of(100, task_flag::UNNAMED, 2)), []);
}

#[test]
fn a_filter_restricts_what_is_said_of_tasks() {
    let mut build = build();
    mutex(&mut build);
    task(&mut build, 1, 3, 1, 0);
    task(&mut build, 2, 4, 2, 0);
    waits(&mut build, 1, 1);
    waits(&mut build, 2, 0);
    let trace = trace(build);
    let progress = verdict(&trace.history).progress;
    let of = |filter: &str| {
        let filters: [Filter; 1] = [filter.parse().unwrap()];
        let selection = Selection::new(&filters, &trace.history, &progress);
        diagnosis(&trace, &selection)
    };
    assert_eq!(of("task=1").lacks, []);
    assert!(of("task=1").looked_at.contains("1 task that matches"));
    assert_eq!(
        of("task=2").lacks[0].title,
        "the await points of 1 of 1 task"
    );
}

#[test]
fn who_polls_others_waits_for_them_and_not_for_something_unrecorded() {
    let lacks = |is_host: bool| {
        let mut build = build();
        mutex(&mut build);
        task(&mut build, 1, 3, 1, 0);
        task(&mut build, 2, 3, 1, 0);
        build.poll(1, 1, |build| {
            traced(build, 1);
            if is_host {
                waits(build, 2, 2);
            }
        });
        build.pass(1_000);
        kinds(&trace(build))
    };
    assert_eq!(lacks(true), []);
    assert_eq!(lacks(false), [LackKind::WaitsUnrecorded]);
}
