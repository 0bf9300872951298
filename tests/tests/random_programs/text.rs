//! Programs as text: a line on the resources, and a line a task. What is written can be read again.

use std::fmt;
use std::str::FromStr;

use super::program::{Oneshot, Pool, Program, Step, Wait};

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pools = self.pools.iter().map(|pool| match pool {
            Pool::Mutex => "mutex".to_owned(),
            Pool::RwLock(readers) => format!("rwlock {readers}"),
            Pool::Semaphore(permits) => format!("semaphore {permits}"),
        });
        let channels = self.channels.iter().map(|room| format!("channel {room}"));
        let owned = self.owned.then(|| "owned-guards".to_owned());
        let oneshots = self.oneshots.iter().map(|oneshot| match oneshot {
            Oneshot::Recorded => "oneshot".to_owned(),
            Oneshot::Hidden => "hidden-oneshot".to_owned(),
        });
        let notifies = (0..self.notifies).map(|_| "notify".to_owned());
        let all: Vec<String> = owned
            .into_iter()
            .chain(pools)
            .chain(channels)
            .chain(oneshots)
            .chain(notifies)
            .collect();
        writeln!(f, "with: {}", all.join(", "))?;
        for (task, steps) in self.tasks.iter().enumerate() {
            let steps: Vec<String> = steps.iter().map(ToString::to_string).collect();
            writeln!(f, "{task}: {}", steps.join(", "))?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Wait(wait) => write!(f, "{wait}"),
            Step::Release(pool) => write!(f, "release {pool}"),
            Step::Forget(pool) => write!(f, "forget {pool}"),
            Step::Add(pool, units) => write!(f, "add {pool} {units}"),
            Step::DropSender(channel) => write!(f, "drop-sender {channel}"),
            Step::DropReceiver(channel) => write!(f, "drop-receiver {channel}"),
            Step::Answer(oneshot) => write!(f, "answer {oneshot}"),
            Step::DropAnswer(oneshot) => write!(f, "drop-answer {oneshot}"),
            Step::DropQuestion(oneshot) => write!(f, "drop-question {oneshot}"),
            Step::NotifyOne(notify) => write!(f, "notify-one {notify}"),
            Step::NotifyAll(notify) => write!(f, "notify-all {notify}"),
            Step::Select(one, two) => write!(f, "select {one} | {two}"),
            Step::Keep(one, two) => write!(f, "keep {one} | {two}"),
            Step::Resume => write!(f, "resume"),
            Step::DropKept => write!(f, "drop-kept"),
            Step::Both(one, two) => write!(f, "both {one} | {two}"),
            Step::Yield => write!(f, "yield"),
            Step::Spawn(task) => write!(f, "spawn {task}"),
            Step::SpawnWith(task, pool) => write!(f, "spawn-with {task} {pool}"),
        }
    }
}

impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Lock(pool) => write!(f, "lock {pool}"),
            Wait::Read(pool) => write!(f, "read {pool}"),
            Wait::Write(pool) => write!(f, "write {pool}"),
            Wait::Acquire(pool, units) => write!(f, "acquire {pool} {units}"),
            Wait::Send(channel) => write!(f, "send {channel}"),
            Wait::Recv(channel) => write!(f, "recv {channel}"),
            Wait::Question(oneshot) => write!(f, "question {oneshot}"),
            Wait::Join(task) => write!(f, "join {task}"),
            Wait::Notified(notify) => write!(f, "notified {notify}"),
        }
    }
}

impl FromStr for Program {
    type Err = String;

    fn from_str(text: &str) -> Result<Program, String> {
        let mut program = Program::default();
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        for line in lines {
            let (name, list) = line.split_once(':').ok_or("a line is `name: a, b`")?;
            let items = list.split(',').map(str::trim).filter(|s| !s.is_empty());
            if name == "with" {
                for item in items {
                    program.add(item)?;
                }
            } else {
                let steps: Result<_, String> = items.map(str::parse).collect();
                program.tasks.push(steps?);
            }
        }
        match program.fault() {
            Some(fault) => Err(fault),
            None => Ok(program),
        }
    }
}

impl Program {
    fn add(&mut self, resource: &str) -> Result<(), String> {
        let (kind, numbers) = words(resource)?;
        match (kind, &numbers[..]) {
            ("mutex", []) => self.pools.push(Pool::Mutex),
            ("rwlock", &[readers]) => self.pools.push(Pool::RwLock(readers as u32)),
            ("semaphore", &[permits]) => self.pools.push(Pool::Semaphore(permits as u32)),
            ("channel", &[room]) => self.channels.push(room),
            ("owned-guards", []) => self.owned = true,
            ("oneshot", []) => self.oneshots.push(Oneshot::Recorded),
            ("hidden-oneshot", []) => self.oneshots.push(Oneshot::Hidden),
            ("notify", []) => self.notifies += 1,
            _ => return Err(format!("no resource is `{resource}`")),
        }
        Ok(())
    }
}

impl FromStr for Step {
    type Err = String;

    fn from_str(text: &str) -> Result<Step, String> {
        if let Some((left, two)) = text.split_once('|') {
            let (kind, one) = left.split_once(' ').ok_or("a pair is `kind a | b`")?;
            let pair = (one.parse()?, two.parse()?);
            return match kind {
                "select" => Ok(Step::Select(pair.0, pair.1)),
                "keep" => Ok(Step::Keep(pair.0, pair.1)),
                "both" => Ok(Step::Both(pair.0, pair.1)),
                _ => Err(format!("no pair is `{kind}`")),
            };
        }
        let (kind, numbers) = words(text)?;
        Ok(match (kind, &numbers[..]) {
            ("release", &[pool]) => Step::Release(pool),
            ("forget", &[pool]) => Step::Forget(pool),
            ("add", &[pool, units]) => Step::Add(pool, units as u32),
            ("drop-sender", &[channel]) => Step::DropSender(channel),
            ("drop-receiver", &[channel]) => Step::DropReceiver(channel),
            ("answer", &[oneshot]) => Step::Answer(oneshot),
            ("drop-answer", &[oneshot]) => Step::DropAnswer(oneshot),
            ("drop-question", &[oneshot]) => Step::DropQuestion(oneshot),
            ("notify-one", &[notify]) => Step::NotifyOne(notify),
            ("notify-all", &[notify]) => Step::NotifyAll(notify),
            ("resume", []) => Step::Resume,
            ("drop-kept", []) => Step::DropKept,
            ("yield", []) => Step::Yield,
            ("spawn", &[task]) => Step::Spawn(task),
            ("spawn-with", &[task, pool]) => Step::SpawnWith(task, pool),
            _ => Step::Wait(text.parse()?),
        })
    }
}

impl FromStr for Wait {
    type Err = String;

    fn from_str(text: &str) -> Result<Wait, String> {
        let (kind, numbers) = words(text)?;
        Ok(match (kind, &numbers[..]) {
            ("lock", &[pool]) => Wait::Lock(pool),
            ("read", &[pool]) => Wait::Read(pool),
            ("write", &[pool]) => Wait::Write(pool),
            ("acquire", &[pool, units]) => Wait::Acquire(pool, units as u32),
            ("send", &[channel]) => Wait::Send(channel),
            ("recv", &[channel]) => Wait::Recv(channel),
            ("question", &[oneshot]) => Wait::Question(oneshot),
            ("join", &[task]) => Wait::Join(task),
            ("notified", &[notify]) => Wait::Notified(notify),
            _ => return Err(format!("no step is `{text}`")),
        })
    }
}

/// A word, and the numbers behind it.
fn words(text: &str) -> Result<(&str, Vec<usize>), String> {
    let mut words = text.split_whitespace();
    let kind = words.next().ok_or("a word is missing")?;
    let numbers: Result<_, _> = words.map(str::parse).collect();
    Ok((kind, numbers.map_err(|error| format!("`{text}`: {error}"))?))
}
