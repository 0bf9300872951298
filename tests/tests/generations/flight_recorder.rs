//! A flight recorder in memory.

use std::time::{Duration, Instant};

use ais_analyzer::{Ending, Trace};
use ais_recorder::Recorder;

use super::{assert_deadlock_is_proven, deadlock, recorded, runtime, storm, turn};

#[test]
fn what_is_dumped_knows_what_was_alive_before_all_that_it_has() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().flight_recorder(256 << 10);
    let (trace, recorder) = recorded(builder, &path, async |_| {
        deadlock().await;
        storm("storm", 2_000_000).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    });
    assert_eq!(trace.source.ending, Ending::Snapshot);
    assert!(trace.history.begins_late, "the oldest is forgotten");
    assert_deadlock_is_proven(&trace);
    assert!(path.metadata().unwrap().len() < 512 << 10);
    // It goes on, and can be dumped again, elsewhere.
    let again = folder.path().join("again.ais");
    assert_eq!(recorder.dump(&again).unwrap(), again);
    assert_deadlock_is_proven(&Trace::open(&again).unwrap());
    // To the same place: the dump before is kept.
    assert_eq!(recorder.dump(&again).unwrap(), again);
    let previous = folder.path().join("again.previous.ais");
    assert_deadlock_is_proven(&Trace::open(&previous).unwrap());
    recorder.stop().unwrap();
}

#[test]
fn nothing_is_written_where_nobody_asks() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let builder = Recorder::builder().path(folder.path().join("trace.ais"));
    let recorder = builder.flight_recorder(1 << 20).start().unwrap();
    runtime().block_on(ais_recorder::task("main", async {}));
    recorder.stop().unwrap();
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_panic_has_it_written() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().path(&path).flight_recorder(1 << 20);
    let recorder = builder.dump_on_panic().start().unwrap();
    let panics = async {
        assert!(std::hint::black_box(false), "on purpose");
    };
    let runtime = runtime();
    let handle = ais_recorder::spawn("panics", panics, |task| runtime.spawn(task));
    assert!(runtime.block_on(handle).is_err());
    let trace = Trace::open(&path).unwrap();
    assert_eq!(trace.source.ending, Ending::Snapshot);
    let task = &trace.history.tasks[0];
    assert_eq!(&*task.name, "panics");
    assert!(task.state().is_live(), "it is written while it panics");
    recorder.stop().unwrap();
}

#[cfg(unix)]
#[test]
fn a_signal_has_it_written() {
    let _turn = turn();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let builder = Recorder::builder().path(&path).flight_recorder(1 << 20);
    let recorder = builder
        .dump_on_signal(signal_hook::consts::SIGUSR1)
        .start()
        .unwrap();
    runtime().block_on(ais_recorder::task("main", async {}));
    signal_hook::low_level::raise(signal_hook::consts::SIGUSR1).unwrap();
    let since = Instant::now();
    let trace = loop {
        match Trace::open(&path) {
            Ok(trace) if trace.source.ending == Ending::Snapshot => break trace,
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
        assert!(
            since.elapsed() < Duration::from_secs(10),
            "it is not written"
        );
    };
    assert_eq!(&*trace.history.tasks[0].name, "main");
    recorder.stop().unwrap();
}
