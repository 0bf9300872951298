//! The resources of a program, and the ends of channels that a task has: the recorded types themselves.

use std::cell::RefCell;
use std::sync::Arc;

use ais_recorder::JoinHandle;
use recorded_tokio::sync::{
    Mutex, MutexGuard, Notify, OwnedMutexGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard,
    OwnedSemaphorePermit, RwLock, RwLockReadGuard, RwLockWriteGuard, Semaphore, SemaphorePermit,
    mpsc, oneshot,
};

use crate::executor::Handle;
use crate::model::Model;
use crate::program::{self, MOST, Wait};

/// What all tasks share.
pub(crate) struct World {
    pub(crate) pools: Vec<Pool>,
    pub(crate) notifies: Vec<Notify>,
    owned: bool,
}

pub(crate) enum Pool {
    Mutex(Arc<Mutex<()>>),
    RwLock(Arc<RwLock<()>>),
    Semaphore(Arc<Semaphore>),
}

/// What was taken of a pool: it comes back when this is dropped.
pub(crate) enum Guard<'a> {
    #[expect(dead_code, reason = "it is held")]
    Lock(MutexGuard<'a, ()>),
    #[expect(dead_code, reason = "it is held")]
    Read(RwLockReadGuard<'a, ()>),
    #[expect(dead_code, reason = "it is held")]
    Write(RwLockWriteGuard<'a, ()>),
    Permit(SemaphorePermit<'a>),
    Owned(OwnedGuard),
}

/// The same, borrowed from nobody.
#[expect(dead_code, reason = "most of it is just held")]
pub(crate) enum OwnedGuard {
    Lock(OwnedMutexGuard<()>),
    Read(OwnedRwLockReadGuard<()>),
    Write(OwnedRwLockWriteGuard<()>),
    Permit(OwnedSemaphorePermit),
}

/// A sender of one message.
pub(crate) enum Answer {
    Recorded(oneshot::Sender<()>),
    Hidden(tokio::sync::oneshot::Sender<()>),
}

/// A receiver of one message.
pub(crate) enum Question {
    Recorded(oneshot::Receiver<()>),
    Hidden(tokio::sync::oneshot::Receiver<()>),
}

impl Answer {
    /// Whether there is still somebody who asks makes no difference.
    pub(crate) fn give(self) {
        let _ = match self {
            Answer::Recorded(sender) => sender.send(()),
            Answer::Hidden(sender) => sender.send(()),
        };
    }
}

/// A thing that may be there, in the memory of the task itself.
type Place<T> = [RefCell<Option<T>>; MOST];

/// What a task has.
pub(crate) struct Env {
    pub(crate) world: Arc<World>,
    pub(crate) senders: Place<mpsc::Sender<()>>,
    pub(crate) receivers: Place<mpsc::Receiver<()>>,
    pub(crate) answers: Place<Answer>,
    pub(crate) questions: Place<Question>,
    pub(crate) handles: Place<JoinHandle<Handle>>,
}

impl World {
    /// Made by the current task.
    fn new(program: &program::Program) -> World {
        let pools = program.pools.iter().map(|pool| match *pool {
            program::Pool::Mutex => Pool::Mutex(Arc::new(Mutex::new(()))),
            program::Pool::RwLock(readers) => {
                Pool::RwLock(Arc::new(RwLock::with_max_readers((), readers)))
            }
            program::Pool::Semaphore(permits) => {
                Pool::Semaphore(Arc::new(Semaphore::new(permits as usize)))
            }
        });
        World {
            pools: pools.collect(),
            owned: program.owned,
            notifies: (0..program.notifies).map(|_| Notify::new()).collect(),
        }
    }

    pub(crate) fn semaphore(&self, pool: usize) -> &Arc<Semaphore> {
        match &self.pools[pool] {
            Pool::Semaphore(semaphore) => semaphore,
            Pool::Mutex(_) | Pool::RwLock(_) => panic!("pool {pool} is no semaphore"),
        }
    }

    fn rwlock(&self, pool: usize) -> &Arc<RwLock<()>> {
        match &self.pools[pool] {
            Pool::RwLock(lock) => lock,
            Pool::Mutex(_) | Pool::Semaphore(_) => panic!("pool {pool} is no read and write lock"),
        }
    }

    fn mutex(&self, pool: usize) -> &Arc<Mutex<()>> {
        match &self.pools[pool] {
            Pool::Mutex(mutex) => mutex,
            Pool::RwLock(_) | Pool::Semaphore(_) => panic!("pool {pool} is no mutex"),
        }
    }
}

impl Env {
    fn new(world: Arc<World>) -> Env {
        Env {
            world,
            senders: Place::default(),
            receivers: Place::default(),
            answers: Place::default(),
            questions: Place::default(),
            handles: Place::default(),
        }
    }
}

/// Makes all resources, and gives to each task what is its own.
pub(crate) fn make(model: &Model) -> Vec<Env> {
    let world = Arc::new(World::new(&model.program));
    let tasks = &model.program.tasks;
    let mut envs: Vec<Env> = tasks.iter().map(|_| Env::new(Arc::clone(&world))).collect();
    for (channel, &room) in model.program.channels.iter().enumerate() {
        let (sender, receiver) = mpsc::channel(room);
        *envs[model.owners.receivers[channel]].receivers[channel].get_mut() = Some(receiver);
        if let Some((&last, others)) = model.owners.senders[channel].split_last() {
            for &task in others {
                *envs[task].senders[channel].get_mut() = Some(sender.clone());
            }
            *envs[last].senders[channel].get_mut() = Some(sender);
        }
    }
    for (oneshot, kind) in model.program.oneshots.iter().enumerate() {
        let (sender, receiver) = match kind {
            program::Oneshot::Recorded => {
                let (sender, receiver) = oneshot::channel();
                (Answer::Recorded(sender), Question::Recorded(receiver))
            }
            program::Oneshot::Hidden => {
                let (sender, receiver) = tokio::sync::oneshot::channel();
                (Answer::Hidden(sender), Question::Hidden(receiver))
            }
        };
        *envs[model.owners.answers[oneshot]].answers[oneshot].get_mut() = Some(sender);
        *envs[model.owners.questions[oneshot]].questions[oneshot].get_mut() = Some(receiver);
    }
    envs
}

/// Waits. What has become of an end that is not there any more is known: there is nothing to wait for.
#[allow(
    clippy::await_holding_refcell_ref,
    reason = "a program never uses an end while a wait has it"
)]
pub(crate) async fn wait(wait: Wait, env: &Env) -> Option<Guard<'_>> {
    if env.world.owned
        && let Some(guard) = wait_owned(wait, &env.world).await
    {
        return Some(Guard::Owned(guard));
    }
    match wait {
        Wait::Lock(pool) => Some(Guard::Lock(env.world.mutex(pool).lock().await)),
        Wait::Read(pool) => Some(Guard::Read(env.world.rwlock(pool).read().await)),
        Wait::Write(pool) => Some(Guard::Write(env.world.rwlock(pool).write().await)),
        Wait::Acquire(pool, units) => {
            let permit = env.world.semaphore(pool).acquire_many(units).await;
            permit.ok().map(Guard::Permit)
        }
        Wait::Send(channel) => {
            if let Some(sender) = &*env.senders[channel].borrow() {
                let _ = sender.send(()).await;
            }
            None
        }
        Wait::Recv(channel) => {
            if let Some(receiver) = &mut *env.receivers[channel].borrow_mut() {
                receiver.recv().await;
            }
            None
        }
        Wait::Question(oneshot) => {
            let mut question = env.questions[oneshot].borrow_mut();
            match &mut *question {
                None => return None,
                Some(Question::Recorded(receiver)) => drop(receiver.await),
                Some(Question::Hidden(receiver)) => drop(receiver.await),
            }
            *question = None;
            None
        }
        Wait::Join(task) => {
            let mut handle = env.handles[task].borrow_mut();
            if let Some(joined) = &mut *handle {
                joined.await;
                *handle = None;
            }
            None
        }
        Wait::Notified(notify) => {
            env.world.notifies[notify].notified().await;
            None
        }
    }
}

/// Waits for what can be owned; gives nothing where that is not the question.
async fn wait_owned(wait: Wait, world: &World) -> Option<OwnedGuard> {
    Some(match wait {
        Wait::Lock(pool) => OwnedGuard::Lock(Arc::clone(world.mutex(pool)).lock_owned().await),
        Wait::Read(pool) => OwnedGuard::Read(Arc::clone(world.rwlock(pool)).read_owned().await),
        Wait::Write(pool) => OwnedGuard::Write(Arc::clone(world.rwlock(pool)).write_owned().await),
        Wait::Acquire(pool, units) => {
            let semaphore = Arc::clone(world.semaphore(pool));
            OwnedGuard::Permit(semaphore.acquire_many_owned(units).await.ok()?)
        }
        _ => return None,
    })
}
