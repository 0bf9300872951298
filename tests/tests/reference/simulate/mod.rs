//! Random programs: legal interleavings of tasks on several threads, event by event.
//!
//! A program is a list of numbers, one for each step; a step's number alone decides what is tried in it, so that a list without some of
//! its steps is a smaller program, and a failing one can be made small. What cannot be done at a moment (to end a poll where none is
//! open) is left out. Legal means what the numbers of a recorder guarantee: no more units are taken than there are, no end of a channel
//! is used that is gone, a task is polled by one thread at a time. Whether the program makes sense is of no interest here.

mod channels;
mod futures;
mod operations;
mod tasks;
mod units;
mod world;

use ais_format::event;

use crate::model::Story;
use crate::rng::Rng;
use world::World;

/// What decides a program.
#[derive(Clone)]
pub(crate) struct Program {
    /// How many threads it has.
    pub(crate) threads: u64,
    /// By how many nanoseconds their clocks disagree at most.
    pub(crate) jitter: u64,
    /// One number for each step.
    pub(crate) steps: Vec<u16>,
}

/// What the program does.
pub(crate) fn simulate(program: &Program) -> Story {
    let mut world = World::new(program.threads, program.jitter, 0);
    for &step in &program.steps {
        world.rng = Rng::new(u64::from(step));
        let thread = world.rng.below(world.threads.len());
        if world.current(thread).is_some() {
            inside_of_a_poll(&mut world, thread);
        } else {
            outside_of_polls(&mut world, thread);
        }
    }
    world.finish()
}

fn outside_of_polls(world: &mut World, thread: usize) {
    match world.rng.below(100) {
        0..10 if world.has_few_tasks() => world.spawn(thread),
        0..61 => world.begin_poll(thread),
        61..69 => world.wake(thread),
        69..72 => world.drop_task(thread),
        72..74 => world.abort(thread),
        74..78 => world.act_on_units(thread),
        78..82 => world.act_on_a_channel(thread),
        82..84 if world.has_few_resources() => world.make_resource(thread),
        82..86 => world.section(thread),
        86..89 => {
            let task = 1 + world.rng.below(5) as u64;
            world.happens(thread, event::Foreign { task });
        }
        89..91 => world.block(thread),
        91..93 => world.future_outside(thread),
        93..97 => world.wakers_gone(thread),
        _ => world.pass(),
    }
}

fn inside_of_a_poll(world: &mut World, thread: usize) {
    match world.rng.below(100) {
        0..4 if world.has_few_tasks() => world.spawn(thread),
        0..6 => world.begin_poll(thread),
        6..23 => world.end_poll(thread),
        23..31 => world.wake(thread),
        31..32 => world.abort(thread),
        32..33 => world.drop_task(thread),
        33..38 if world.has_few_resources() => world.make_resource(thread),
        33..52 => world.act_on_units(thread),
        52..64 => world.act_on_a_channel(thread),
        64..78 => world.act_on_a_future(thread),
        78..84 => world.begin_operation(thread),
        84..88 => world.poll_operation(thread),
        88..93 => world.end_operation(thread),
        93..95 => world.section(thread),
        95..96 => world.give_way(thread),
        96..97 => world.in_poll(thread),
        97..98 => world.wakers_gone(thread),
        98..99 => world.set_timer(thread),
        _ => world.pass(),
    }
}
