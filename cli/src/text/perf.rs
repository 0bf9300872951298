//! Where time goes, as text.

use ais_analyzer::number::{counted, grouped, often};
use ais_analyzer::profile::{
    FunctionTimes, LongPoll, Profile, ResourceTimes, Share, TaskTimes, WaitTimes, Worker,
};
use ais_analyzer::time::Nanos;

use super::columns::{clean_line, head, line, percent, place, short};
use super::{BOLD, DIM, WARN, styled};
use crate::output::clean;

/// So many rows of a table are shown; JSON has all.
const ROWS: usize = 10;
/// So many parts of a row.
const SHARES: usize = 3;

/// What takes so long is worth a look.
const LONG: Nanos = Nanos(10_000_000);

/// All of it.
pub(crate) fn perf(profile: &Profile) -> String {
    let long = profile.to.since(profile.from);
    let mut text = format!(
        "where {long} went ({} to {} after the start): {}, {} on {}\n",
        profile.from,
        profile.to,
        counted(profile.events, "event"),
        counted(profile.polls, "poll"),
        counted(profile.workers.len() as u64, "thread"),
    );
    for note in &profile.loss.notes {
        text += &format!("{} {}\n", styled(WARN, "not counted:"), clean(note));
    }
    if profile.loss.events_dropped > 0 {
        text += &format!(
            "{} {} that the recorder had to leave out\n",
            styled(WARN, "not counted:"),
            counted(profile.loss.events_dropped, "event")
        );
    }
    if profile.is_restricted {
        text += if profile.tasks.is_empty() {
            "no task matches the filter; threads and numbers of events are those of all\n"
        } else {
            "what tasks did that match the filter; threads and numbers of events are those of all\n"
        };
    }
    let first = look_at_first(profile);
    if !first.is_empty() {
        text += &format!("\n{}\n", styled(BOLD, "look at first"));
        for line in first {
            text += &format!("  {}\n", clean(&line));
        }
    }
    text += &table("tasks, by what they did", &profile.tasks, tasks);
    text += &table("what tasks waited for", &profile.waits, waits);
    text += &table(
        "locks, channels, …",
        &busy_ones(&profile.resources),
        resources,
    );
    text += &table(
        "functions, from the first poll to the end",
        &profile.functions,
        functions,
    );
    text += &table("longest polls", &profile.longest_polls, long_polls);
    text + &table("threads", &profile.workers, |workers| {
        threads(workers, long)
    })
}

/// A heading, with what is below it; nothing where nothing is.
fn table<T>(name: &str, rows: &[T], tell: impl Fn(&[T]) -> String) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let shown = &rows[..rows.len().min(ROWS)];
    let mut text = format!("\n{}\n{}", styled(BOLD, name), tell(shown));
    if let Some(more) = rows.len().checked_sub(ROWS).filter(|&more| more > 0) {
        let more = grouped(more as u64);
        text += &styled(
            DIM,
            &format!("  and {more} more rows: --format json has all\n"),
        );
    }
    text
}

/// What stands out.
fn look_at_first(profile: &Profile) -> Vec<String> {
    let mut lines: Vec<String> = slow_function(&profile.functions).into_iter().collect();
    let waited = profile.resources.iter().filter(|of| of.waits.count > 0);
    // A channel that is waited for is mostly one that has nothing to do.
    let mut locks = waited.filter(|of| of.held.count > 0);
    if let Some(of) = locks.next() {
        let mut line = format!(
            "{} was waited for {}, {} in all, up to {}",
            called(of),
            often(of.waits.count),
            of.waits.total,
            of.waits.max
        );
        if let Some(holder) = of
            .holders
            .first()
            .filter(|holder| holder.location.is_some())
        {
            line += &format!(
                "; most of the time who took it at {} had it: {} in all, up to {}",
                place(holder.location.as_ref()),
                holder.total,
                holder.max
            );
        }
        lines.push(line);
    }
    if let Some(poll) = profile
        .longest_polls
        .first()
        .filter(|poll| poll.long >= LONG)
    {
        lines.push(format!(
            "a poll of task #{} ({}) kept its thread for {}, from {} on",
            poll.task.0,
            named(&poll.kind),
            poll.long,
            poll.began
        ));
    }
    let mut late: Vec<&TaskTimes> = profile
        .tasks
        .iter()
        .filter(|of| of.scheduled.p99 >= LONG)
        .collect();
    late.sort_by_key(|of| std::cmp::Reverse(of.scheduled.p99));
    if let Some(of) = late.first() {
        lines.push(format!(
            "{} had to wait for a thread: one time in a hundred for {} or longer",
            named(&of.kind),
            of.scheduled.p99
        ));
    }
    lines
}

/// The function that takes longest one time in a hundred, and where.
fn slow_function(functions: &[FunctionTimes]) -> Option<String> {
    /// Of fewer calls one in a hundred says nothing.
    const CALLS: u64 = 20;
    let often = functions.iter();
    let often = often.filter(|of| of.calls >= CALLS && of.open * 2 < of.calls);
    let of = often
        .filter(|of| of.elapsed.p99 >= LONG)
        .max_by_key(|of| of.elapsed.p99)?;
    let mut line = format!(
        "one call in a hundred of {}() takes {} or longer (half of them no more than {})",
        of.function, of.elapsed.p99, of.elapsed.p50
    );
    if let Some(point) = of.points.iter().max_by_key(|point| point.elapsed.total) {
        line += &format!(
            "; {} of the time of all calls is in {}.await at {}",
            percent(point.elapsed.total, of.elapsed.total),
            short(&point.expression),
            place(point.location.as_ref())
        );
    }
    Some(line)
}

fn tasks(rows: &[TaskTimes]) -> String {
    let mut text = head("");
    for of in rows {
        text += &format!(
            "  {}{}\n",
            styled(BOLD, &clean(&named(&of.kind))),
            clean(&beside(of))
        );
        text += &line("running", &of.running);
        text += &line("due to run", &of.scheduled);
        text += &line("waiting", &of.waiting);
        for share in of.waits.iter().take(SHARES) {
            text += &clean_line(&format!(
                "      {:>4} of it for {}",
                percent(share.total, of.waiting.total),
                at(&share.what, share)
            ));
        }
        let own = (of.wakes_by_itself, "by itself");
        let needless = (of.needless_wakes, "when it was due to run already");
        let of_them: Vec<String> = [own, needless]
            .iter()
            .filter(|(n, _)| n * 10 >= of.wakes && *n > 0)
            .map(|(n, what)| format!("{} {what}", grouped(*n)))
            .collect();
        if !of_them.is_empty() {
            text += &format!(
                "    {}: {}\n",
                counted(of.wakes, "wake"),
                of_them.join(", ")
            );
        }
    }
    text
}

/// What else is known of a kind of task.
fn beside(of: &TaskTimes) -> String {
    let mut parts = vec![counted(of.tasks, "task")];
    if of.most_alive > 1 && of.most_alive < of.tasks {
        parts.push(format!("up to {} at once", grouped(of.most_alive)));
    }
    for (n, how) in [
        (of.alive, "alive"),
        (of.cancelled, "cancelled"),
        (of.panicked, "panicked"),
    ] {
        if n > 0 {
            parts.push(format!("{} {how}", grouped(n)));
        }
    }
    parts.extend(of.what.map(str::to_owned));
    if of.life.count > 0 {
        parts.push(format!(
            "lived {} (p50), {} (p99)",
            of.life.p50, of.life.p99
        ));
    }
    let spawned = of.spawned_at.as_ref();
    let spawned = spawned.map_or_else(String::new, |place| format!(", spawned at {place}"));
    format!("  {}{spawned}", parts.join(", "))
}

fn waits(rows: &[WaitTimes]) -> String {
    let mut text = head("");
    for of in rows {
        let place = of.location.as_ref();
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        text += &format!(
            "  {}{}\n",
            styled(BOLD, &clean(&short(&of.what))),
            clean(&place)
        );
        let mut parts: Vec<String> = of.resource.clone().into_iter().collect();
        parts.push(format!("tasks waited {} for it", of.tasks_waited));
        for (n, what) in [
            (of.open, "still waiting in the end"),
            (of.given_up, "given up"),
            (of.closed, "ended by a close"),
        ] {
            if n > 0 {
                parts.push(format!("{} {what}", grouped(n)));
            }
        }
        text += &clean_line(&format!("    {}", parts.join(", ")));
        text += &line("until it was ready", &of.ready);
    }
    text
}

/// Those that somebody waited for, or held.
fn busy_ones(all: &[ResourceTimes]) -> Vec<ResourceTimes> {
    let is_busy = |of: &&ResourceTimes| of.waits.count > 0 || of.held.count > 0 || of.given_up > 0;
    all.iter().filter(is_busy).cloned().collect()
}

fn resources(rows: &[ResourceTimes]) -> String {
    let mut text = head("");
    for of in rows {
        let mut parts = Vec::new();
        if of.made > 1 {
            parts.push(format!("{} of them", grouped(of.made)));
        }
        for (n, what) in [(of.taken, "taken"), (of.messages, "received")] {
            if n > 0 {
                parts.push(format!("{what} {}", often(n)));
            }
        }
        if of.given_up > 0 {
            parts.push(format!("given up {}", often(of.given_up)));
        }
        if of.longest_queue > 1 {
            parts.push(format!(
                "up to {} in the queue, at {}",
                grouped(of.longest_queue),
                of.longest_queue_at
            ));
        }
        let parts = parts.join(", ");
        text += &format!(
            "  {}  {}\n",
            styled(BOLD, &clean(&called(of))),
            clean(&parts)
        );
        text += &line("waited for", &of.waits);
        text += &line("held", &of.held);
        for share in of.holders.iter().take(SHARES) {
            text += &clean_line(&format!(
                "      {:>4} of it {}",
                percent(share.total, of.held.total),
                at("taken", share)
            ));
        }
    }
    text
}

fn functions(rows: &[FunctionTimes]) -> String {
    let mut text = head("");
    for of in rows {
        let place = of.location.as_ref();
        let mut parts = vec![format!("ran {} itself", of.busy)];
        for (n, what) in [
            (of.open, "under way"),
            (of.dropped, "dropped"),
            (of.panicked, "panicked"),
            (of.never_polled, "made and never polled"),
        ] {
            if n > 0 {
                parts.push(format!("{} {what}", grouped(n)));
            }
        }
        match of.suspended {
            0 => parts.push("never had to wait".to_owned()),
            n if n < of.calls => parts.push(format!(
                "{} of {} had to wait",
                grouped(n),
                grouped(of.calls)
            )),
            _ => {}
        }
        let place = place.map_or_else(String::new, |place| format!(" at {place}"));
        text += &format!(
            "  {}{}\n",
            styled(BOLD, &clean(&format!("{}()", of.function))),
            clean(&[vec![place], parts].concat().join(", "))
        );
        text += &line("calls", &of.elapsed);
        let mut points: Vec<_> = of
            .points
            .iter()
            .filter(|point| point.elapsed.count > 0)
            .collect();
        points.sort_by_key(|point| std::cmp::Reverse(point.elapsed.total));
        for point in points.into_iter().take(SHARES) {
            text += &clean_line(&format!(
                "      {:>4} of it in {}.await{}, had to wait {} of {}",
                percent(point.elapsed.total, of.elapsed.total),
                short(&point.expression),
                point
                    .location
                    .as_ref()
                    .map_or_else(String::new, |place| format!(" at {place}")),
                often(point.suspended),
                grouped(point.elapsed.count)
            ));
        }
    }
    text
}

fn long_polls(rows: &[LongPoll]) -> String {
    let mut text = String::new();
    for poll in rows {
        text += &clean_line(&format!(
            "  {:>10}  at {:<10}  task #{} {}, on thread {}",
            poll.long.to_string(),
            poll.began.to_string(),
            poll.task.0,
            named(&poll.kind),
            thread_named(poll.thread_name.as_ref(), poll.thread.0)
        ));
    }
    text
}

fn threads(rows: &[Worker], long: Nanos) -> String {
    let mut text = String::new();
    for worker in rows {
        text += &clean_line(&format!(
            "  {:<28}{:>10} in polls ({}), {}",
            thread_named(worker.name.as_ref(), worker.thread.0),
            worker.busy.to_string(),
            percent(worker.busy, long),
            counted(worker.polls, "poll")
        ));
    }
    text
}

fn thread_named(name: Option<&String>, number: u64) -> String {
    match name {
        Some(name) => format!("{name} ({number})"),
        None => format!("number {number}"),
    }
}

/// `mutex "accounts" (src/bank.rs:12:18)`.
fn called(of: &ResourceTimes) -> String {
    let name = of
        .name
        .as_ref()
        .map_or_else(String::new, |name| format!(" {name:?}"));
    let place = of.created_at.as_ref();
    let place = place.map_or_else(String::new, |place| format!(" ({place})"));
    format!("{}{name}{place}", of.kind)
}

fn named(kind: &str) -> String {
    match kind {
        "" => "tasks of unknown kind".to_owned(),
        kind => kind.to_owned(),
    }
}

/// `lock() at src/bank.rs:41:22, 12 times, up to 3 ms`.
fn at(what: &str, share: &Share) -> String {
    let place = share.location.as_ref();
    let place = place.map_or_else(String::new, |place| format!(" at {place}"));
    format!(
        "{}{place}, {}, up to {}",
        short(what),
        often(share.times),
        share.max
    )
}
