//! Circles of full channels.

use recorded_tokio::sync::mpsc;
use recorded_tokio::task::JoinSet;

use crate::named;
use crate::table::buggy;

buggy! {
    "backpressure-cycle" hangs {
        async two_workers_that_flood_each_other:
            Likely, ["left", "right"], ["channel@to_right", "channel@to_left"];
        async a_port_that_pushes_before_it_reads:
            Likely, ["kernel", "port"], ["channel@incoming", "channel@outgoing"];
        async a_ring_of_stages_that_multiply:
            Likely, ["stage 1", "stage 2", "stage 3"], ["channel@one", "channel@two", "channel@three"];
        async results_read_after_all_jobs_are_submitted:
            Likely, ["execute all", "worker"], ["channel@jobs", "channel@results"];
        async results_read_after_all_tasks_are_joined:
            Likely, ["list", "check", "check"], ["channel@statuses", "task set@set"];
        async an_importer_that_feeds_its_own_queue: Likely, ["importer"], ["channel@blocks"];
    }
}

/// Sends all it has, and only then receives; both ends were used before.
async fn flood(to: mpsc::Sender<u32>, mut from: mpsc::Receiver<u32>) {
    to.send(0).await.unwrap();
    from.recv().await.unwrap();
    for number in 0..4 {
        to.send(number).await.unwrap();
    }
    drop(to);
    while from.recv().await.is_some() {}
}

/// Each of two workers sends into the full mailbox of the other. <https://github.com/build-trust/ockam/issues/1947>
async fn two_workers_that_flood_each_other(fixed: bool) {
    let capacity = if fixed { 8 } else { 1 };
    let (to_right, from_left) = mpsc::channel(capacity);
    let (to_left, from_right) = mpsc::channel(capacity);
    let left = named("left", flood(to_right, from_right));
    let right = named("right", flood(to_left, from_left));
    left.await.unwrap();
    right.await.unwrap();
}

/// A port pushes all its events to the kernel before it reads what the kernel pushes to it.
/// <https://github.com/ce-rust/cerk/issues/96>
async fn a_port_that_pushes_before_it_reads(fixed: bool) {
    let (incoming, mut received) = mpsc::channel(1);
    let (outgoing, mut delivered) = mpsc::channel(if fixed { 8 } else { 1 });
    let kernel = named("kernel", async move {
        while let Some(event) = received.recv().await {
            outgoing.send(event).await.unwrap();
        }
    });
    let port = named("port", async move {
        for event in 0..6 {
            incoming.send(event).await.unwrap();
        }
        drop(incoming);
        while delivered.recv().await.is_some() {}
    });
    kernel.await.unwrap();
    port.await.unwrap();
}

/// A stage that makes two messages out of each, as long as they are not small enough.
async fn multiply(expected: u32, mut from: mpsc::Receiver<u32>, to: mpsc::Sender<u32>) {
    for _ in 0..expected {
        let size = from.recv().await.unwrap();
        if size > 0 {
            to.send(size - 1).await.unwrap();
            to.send(size - 1).await.unwrap();
        }
    }
}

/// The last stage of a pipeline feeds the first one, and each makes more out of what it gets.
/// <https://github.com/near/mpc/issues/13>
async fn a_ring_of_stages_that_multiply(fixed: bool) {
    let capacity = if fixed { 32 } else { 1 };
    let (one, from_one) = mpsc::channel(capacity);
    let (two, from_two) = mpsc::channel(capacity);
    let (three, from_three) = mpsc::channel(capacity);
    one.send(4).await.unwrap();
    let stages = [
        named("stage 1", multiply(9, from_one, two)),
        named("stage 2", multiply(18, from_two, three)),
        named("stage 3", multiply(4, from_three, one)),
    ];
    for stage in stages {
        stage.await.unwrap();
    }
}

/// All jobs are submitted before the first result is read, and the worker waits until it can get rid of one.
/// <https://github.com/ubugeeei-prod/corsa-bind/issues/94>
async fn results_read_after_all_jobs_are_submitted(fixed: bool) {
    let (jobs, mut submitted) = mpsc::channel(1);
    let (results, mut read) = mpsc::channel(if fixed { 8 } else { 1 });
    let worker = named("worker", async move {
        while let Some(job) = submitted.recv().await {
            results.send(job * 2).await.unwrap();
        }
    });
    let execute = named("execute all", async move {
        for job in 0..6 {
            jobs.send(job).await.unwrap();
        }
        drop(jobs);
        while read.recv().await.is_some() {}
    });
    worker.await.unwrap();
    execute.await.unwrap();
}

/// All tasks are joined before the first of their messages is read, for which there is not enough room.
/// <https://github.com/yukimemi/rvpm/issues/247>
async fn results_read_after_all_tasks_are_joined(fixed: bool) {
    let list = named("list", async move {
        let (statuses, mut read) = mpsc::channel(if fixed { 4 } else { 2 });
        let mut set = JoinSet::new();
        for plugin in 0..4 {
            let statuses = statuses.clone();
            let check = async move { statuses.send(plugin).await.unwrap() };
            set.build_task().name("check").spawn(check).unwrap();
        }
        drop(statuses);
        while set.join_next().await.is_some() {}
        while read.recv().await.is_some() {}
    });
    list.await.unwrap();
}

/// What handles the messages of a channel sends into that channel. <https://github.com/autonomys/subspace/issues/1316>
async fn an_importer_that_feeds_its_own_queue(fixed: bool) {
    let (blocks, mut imported) = mpsc::channel(if fixed { 8 } else { 1 });
    blocks.send(2).await.unwrap();
    let importer = named("importer", async move {
        let mut imports = 0;
        while imports < 7 {
            let depth = imported.recv().await.unwrap();
            imports += 1;
            for _ in 0..2 {
                if depth > 0 {
                    blocks.send(depth - 1).await.unwrap();
                }
            }
        }
    });
    importer.await.unwrap();
}
