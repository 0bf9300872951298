//! How far the work is, shown to who waits for it: one line on standard error, written over again and again, and gone in the end.
//!
//! It is there for people only: where standard error is a terminal that can go back to the start of a line, and only once they have
//! waited for half a second. It is in no colour, and holds nothing of a trace. Spaces erase it, so that terminals need not know more
//! than `\r`. Whoever prints something ends it first.

use std::env;
use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use ais_analyzer::meter::{Count, Level, Meter, Stage};

/// Nobody is told of what takes no longer.
const PATIENCE: Duration = Duration::from_millis(500);
/// The line is as old as this, at most.
const EVERY: Duration = Duration::from_millis(100);
/// A rate needs so much time to be believed.
const RATE_AFTER: Duration = Duration::from_millis(200);
/// A bar is between so many and so many columns wide.
const BAR: std::ops::RangeInclusive<usize> = 8..=20;
/// Where a terminal does not tell how wide it is.
const WIDTH: usize = 80;

/// Shows how far a meter is as long as it is there, where somebody looks.
pub(crate) struct Progress {
    meter: Arc<Meter>,
    drawer: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Of work that begins now.
    pub(crate) fn start() -> Progress {
        let meter = Arc::new(Meter::new());
        let drawer = is_wanted().then(|| {
            let (end, ended) = channel();
            let meter = Arc::clone(&meter);
            // Where no thread can be had there is no line.
            let thread = std::thread::Builder::new()
                .name("progress".to_owned())
                .spawn(move || draw_until(&ended, &meter));
            thread.ok().map(|thread| (end, thread))
        });
        Progress {
            meter,
            drawer: drawer.flatten(),
        }
    }

    /// What the work advances.
    pub(crate) fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }
}

impl Drop for Progress {
    /// The line is gone when this returns.
    fn drop(&mut self) {
        if let Some((end, thread)) = self.drawer.take() {
            drop(end);
            let _ = thread.join();
        }
    }
}

/// Whether somebody looks, at a terminal that can do it. What runs unattended may have a terminal, too, and keep all that it shows.
fn is_wanted() -> bool {
    let can_go_back = match env::var_os("TERM") {
        Some(term) => term != "dumb" && !term.is_empty(),
        None => cfg!(windows),
    };
    can_go_back && env::var_os("CI").is_none() && io::stderr().is_terminal()
}

fn draw_until(ended: &Receiver<()>, meter: &Meter) {
    let start = Instant::now();
    let mut last_look = start;
    let mut pace = Pace::new(&meter.level(), start);
    let mut drawn = 0;
    while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
        let now = Instant::now();
        let level = meter.level();
        if level.begun != pace.begun {
            pace = Pace::new(&level, last_look);
        }
        last_look = now;
        if now - start < PATIENCE {
            continue;
        }
        let width = terminal_size::terminal_size_of(io::stderr())
            .map_or(WIDTH, |(columns, _)| usize::from(columns.0));
        let text = pace.line(&level, now, width);
        // What is left of the one before is overwritten, as far as it is in the same line of the terminal.
        let padding = drawn.min(width.saturating_sub(1));
        put(&format!("\r{text:padding$}"));
        drawn = text.chars().count();
    }
    if drawn > 0 {
        put(&format!("\r{:drawn$}\r", ""));
    }
}

/// All of it at once. Where that fails there is nobody to tell.
fn put(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// How fast a stage goes.
struct Pace {
    /// Its number.
    begun: u64,
    /// It began no earlier.
    since: Instant,
}

impl Pace {
    fn new(level: &Level, since: Instant) -> Pace {
        let begun = level.begun;
        Pace { begun, since }
    }

    /// What there is to say of it, in less than `width` columns.
    fn line(&self, level: &Level, at: Instant, width: usize) -> String {
        let time = at - self.since;
        let rate = |count: Count| {
            let is_known = time >= RATE_AFTER && count.done > 0;
            is_known.then(|| count.done as f64 / time.as_secs_f64())
        };
        let count = if level.bytes == Count::default() {
            level.events
        } else {
            level.bytes
        };
        let part = count.part();

        // What matters most comes first: the last ones may find no room.
        let mut parts = Vec::new();
        if let (Some(..1.0), Some(rate)) = (part, rate(count)) {
            let left = (count.total - count.done) as f64 / rate;
            parts.push(format!("{} left", duration(left.ceil())));
        }
        if let (None, 1..) = (part, count.done) {
            parts.push(amount(count.done as f64, "B"));
        }
        parts.extend(rate(level.bytes).map(|rate| amount(rate, "B/s")));
        parts.extend(rate(level.events).map(|rate| amount(rate, "events/s")));
        if part.is_none() && time.as_secs() > 0 {
            parts.push(duration(time.as_secs_f64()));
        }
        let name = level.stage.map_or("beginning", Stage::name);
        layout(name, part, &parts, width.saturating_sub(1))
    }
}

/// One line of at most `width` columns: the name, how much is done, and as many of the parts as there is room for.
fn layout(name: &str, part: Option<f64>, parts: &[String], width: usize) -> String {
    let percent = part.map_or_else(String::new, |part| {
        format!(" {:>3.0} %", (part * 100.0).floor())
    });
    let head = format!("{name}{percent}");
    let tail = (0..=parts.len())
        .rev()
        .map(|shown| match shown {
            0 => String::new(),
            _ => format!("  {}", parts[..shown].join(", ")),
        })
        .find(|tail| head.len() + tail.len() <= width);
    let Some(tail) = tail else {
        return head.chars().take(width).collect();
    };
    // Two spaces before it, and its two ends.
    let room = width - head.len() - tail.len();
    let bar = match (part, room.saturating_sub(4).min(*BAR.end())) {
        (Some(part), width) if BAR.contains(&width) => {
            let done = (part * width as f64) as usize;
            format!("  [{:-<width$}]", "=".repeat(done))
        }
        _ => String::new(),
    };
    head + &bar + &tail
}

/// A number in three digits or so, and its unit, in thousands of which it is counted.
fn amount(mut number: f64, unit: &str) -> String {
    let mut letter = "";
    for next in ["k", "M", "G"] {
        if number < 999.5 {
            break;
        }
        number /= 1000.0;
        letter = next;
    }
    let digits = usize::from(number < 99.95 && !letter.is_empty());
    // `5 MB`, but `5M events`.
    match unit {
        "B" | "B/s" => format!("{number:.digits$} {letter}{unit}"),
        _ => format!("{number:.digits$}{letter} {unit}"),
    }
}

/// A time in whole seconds, as many as have passed.
fn duration(seconds: f64) -> String {
    match seconds as u64 {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds @ 60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(stage: Stage, bytes: (u64, u64), events: (u64, u64)) -> Level {
        let meter = Meter::new();
        meter.begin(stage);
        meter.advance(bytes.0, events.0);
        meter.expect(bytes.1, events.1);
        meter.level()
    }

    /// What is shown two seconds after a stage began.
    fn shown(level: &Level, width: usize) -> String {
        let since = Instant::now();
        Pace::new(level, since).line(level, since + Duration::from_secs(2), width)
    }

    #[test]
    fn how_much_is_done_how_fast_and_how_long_it_will_take() {
        let reading = level(Stage::Glancing, (10_000_000, 40_000_000), (5_000, 20_000));
        assert_eq!(
            shown(&reading, 80),
            "reading  25 %  [=====---------------]  6 s left, 5.0 MB/s, 2.5k events/s"
        );
        let rebuilding = level(Stage::Rebuilding, (0, 0), (3_000_000, 3_500_000));
        assert_eq!(
            shown(&rebuilding, 80),
            "rebuilding  85 %  [=================---]  1 s left, 1.5M events/s"
        );
    }

    #[test]
    fn of_work_without_a_known_end_it_is_said_how_long_it_goes_on() {
        let pipe = level(Stage::Loading, (1_000_000, 0), (0, 0));
        assert_eq!(shown(&pipe, 80), "loading  1.0 MB, 500 kB/s, 2 s");
        let judging = level(Stage::Judging, (0, 0), (0, 0));
        assert_eq!(shown(&judging, 80), "looking for deadlocks  2 s");
    }

    #[test]
    fn the_line_is_shorter_than_the_terminal_is_wide() {
        let reading = level(Stage::Glancing, (10_000_000, 40_000_000), (5_000, 20_000));
        for width in 0..200 {
            let line = shown(&reading, width);
            assert!(line.len() < width.max(1), "{width}: {line}");
        }
        for (width, line) in [
            (5, "read"),
            (20, "reading  25 %"),
            (30, "reading  25 %  6 s left"),
            (45, "reading  25 %  6 s left, 5.0 MB/s"),
            (
                65,
                "reading  25 %  [===---------]  6 s left, 5.0 MB/s, 2.5k events/s",
            ),
        ] {
            assert_eq!(shown(&reading, width), line, "{width}");
        }
    }

    #[test]
    fn nothing_is_said_of_a_rate_before_it_can_be_known() {
        let since = Instant::now();
        let reading = level(Stage::Glancing, (1, 4), (0, 0));
        let pace = Pace::new(&reading, since);
        let line = pace.line(&reading, since + Duration::from_millis(1), 30);
        assert_eq!(line, "reading  25 %  [===---------]");
    }

    #[test]
    fn numbers_are_short_and_times_are_whole() {
        for (number, text) in [
            (0.4, "0 B"),
            (999.4, "999 B"),
            (999.6, "1.0 kB"),
            (99_960.0, "100 kB"),
            (1.25e9, "1.2 GB"),
            (5e13, "50000 GB"),
        ] {
            assert_eq!(amount(number, "B"), text);
        }
        assert_eq!(amount(1_200_000.0, "events/s"), "1.2M events/s");
        assert_eq!(duration(1.9), "1 s");
        assert_eq!(duration(61.0), "1 min 1 s");
        assert_eq!(duration(7_290.0), "2 h 1 min");
    }
}
