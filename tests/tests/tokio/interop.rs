//! Side by side with the real tokio: tasks that are not recorded, and types that change sides.

use ais_analyzer::filter::Selection;
use ais_analyzer::report::{LackKind, diagnosis};
use ais_format::event::{Acquire, Foreign, Kind, resource_kind};
use ais_tests::events_of;
use recorded_tokio::sync::Mutex;
use recorded_tokio::task::JoinHandle;
use std::sync::Arc;

#[test]
fn what_an_unrecorded_task_does_is_told_by_its_number() {
    let events = events_of(|| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        recorded_tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let mutex = Arc::new(Mutex::new(0));
            let task = |mutex: Arc<Mutex<i32>>| async move {
                *mutex.lock().await += 1;
            };
            tokio::spawn(task(Arc::clone(&mutex))).await.unwrap();
            tokio::spawn(task(Arc::clone(&mutex))).await.unwrap();
        });
    })
    .unwrap();
    let takers: Vec<u64> = events
        .told::<Acquire>()
        .iter()
        .map(|(told, _)| told.foreign)
        .collect();
    assert_eq!(takers.len(), 2);
    assert!(takers[0] != 0 && takers[1] != 0 && takers[0] != takers[1]);
    assert!(!events.rows::<Foreign>().is_empty());
    let mutex = events.resource(resource_kind::MUTEX).resource;
    let kinds: Vec<Kind> = events.changes(mutex).iter().map(|c| c.0).collect();
    let expected = [Kind::Acquire, Kind::Release, Kind::Acquire, Kind::Release];
    assert_eq!(kinds, expected);
}

#[test]
fn types_change_sides_both_ways() {
    let events = events_of(|| {
        let runtime: tokio::runtime::Runtime =
            recorded_tokio::runtime::Builder::new_current_thread()
                .build()
                .unwrap()
                .into_inner();
        let runtime = recorded_tokio::runtime::Runtime::from(runtime);
        let real: tokio::runtime::Handle = runtime.handle().clone().into();
        assert_eq!(real.id(), runtime.handle().id());
        runtime.block_on(async {
            let handle: JoinHandle<i32> = tokio::spawn(async { 4 }).into();
            assert_eq!(handle.await.unwrap(), 4);
            let handle: tokio::task::JoinHandle<i32> = recorded_tokio::spawn(async { 5 }).into();
            assert_eq!(handle.await.unwrap(), 5);
            let mutex: tokio::sync::Mutex<i32> = Mutex::new(6).into();
            assert_eq!(*Mutex::<i32>::from(mutex).lock().await, 6);
        });
    })
    .unwrap();
    events.assert_complete();
}

#[test]
fn the_doctor_asks_for_all_crates_where_some_are_not_recorded_and_only_there() {
    let lacks = |is_recorded: bool| {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trace.ais");
        let program = || {
            let runtime = recorded_tokio::runtime::Builder::new_current_thread();
            let runtime = { runtime }.build().unwrap();
            runtime.block_on(async {
                let mutex = Arc::new(Mutex::new(0));
                let shared = Arc::clone(&mutex);
                let task = async move { *shared.lock().await += 1 };
                if is_recorded {
                    recorded_tokio::spawn(task).await.unwrap();
                } else {
                    tokio::spawn(task).await.unwrap();
                    let (_sender, receiver) = recorded_tokio::sync::mpsc::channel::<i32>(1);
                    let _: tokio::sync::mpsc::Receiver<i32> = receiver.into_inner();
                }
            });
        };
        ais_tests::record(&path, program).unwrap();
        let trace = ais_analyzer::Trace::open(&path).unwrap();
        let told = diagnosis(&trace, &Selection::everything()).lacks;
        let mut kinds: Vec<LackKind> = told.iter().map(|lack| lack.kind).collect();
        kinds.retain(|kind| {
            matches!(
                kind,
                LackKind::CratesUnrecorded | LackKind::ResourcesEscaped
            )
        });
        kinds
    };
    let both = [LackKind::CratesUnrecorded, LackKind::ResourcesEscaped];
    assert_eq!(lacks(false), both);
    assert_eq!(lacks(true), []);
}
