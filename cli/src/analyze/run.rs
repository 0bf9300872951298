//! From arguments to reports, and to an exit status.

use std::fs;
use std::path::Path;

use ais_analyzer::findings::{Confidence, Thresholds};
use ais_analyzer::history::{History, Task, TaskId};
use ais_analyzer::profile::Profile;
use ais_analyzer::render::Theme;
use ais_analyzer::render::graph::Graph;
use ais_analyzer::report::{self, TaskPanel};
use ais_analyzer::{Access, Source, Trace, Window, render};
use anyhow::{Context, bail};

use crate::analysis::Analysis;
use crate::output;
use crate::progress::Progress;
use crate::text;

use super::NAME;
use super::args::{Args, At, Format};
use super::json;

/// So many tasks of one name are shown at once.
const SAME_NAME: usize = 10;
/// There are findings.
const FOUND: u8 = 1;

/// Does what was asked for; the exit status.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    if let Some(kind) = args.explain {
        output::print_raw(kind.explanation())?;
        return Ok(0);
    }
    let path = args.trace.as_deref().context("name a trace")?;
    check_request(args, path)?;
    let is_all = !args.deadlocks && !args.stuck && !args.doctor && args.task.is_empty();
    let has_picture = args.timeline.is_some() || args.graph.is_some();
    // Where time goes can be told without rebuilding anything.
    let is_perf_alone =
        args.needs_profile() && is_all && !has_picture && args.format == Format::Text;
    let read = read(args, path, is_perf_alone)?;
    let (mut analysis, profile) = match read {
        (Some(analysis), profile) => (analysis, profile),
        (None, profile) => {
            let profile = profile.context("it was asked for")?;
            draw_diagram(args, &profile)?;
            output::print(&counted(args, &profile)?.join("\n"))?;
            return Ok(0);
        }
    };
    analysis.select(&args.filter);
    let panels = panels(&analysis, &args.task)?;
    for note in &analysis.trace.loss().notes {
        output::complain(NAME, &format!("{}: {note}", path.display()));
    }
    if let Some(no_match) = text::no_match(&analysis) {
        output::complain(NAME, &no_match);
    }

    // Before anything is printed: a picture that cannot be written is an error, not the end of a report.
    if let Some(picture) = &args.timeline {
        draw_timeline(picture, &analysis)?;
    }
    if let Some(file) = &args.graph {
        draw_graph(file, &analysis)?;
    }
    if let Some(profile) = &profile {
        draw_diagram(args, profile)?;
    }
    // A summary is what is asked for by asking for nothing.
    let summary = is_all && !args.needs_profile() && !has_picture;
    let stuck = args.stuck.then(|| {
        let history = &analysis.trace.history;
        report::stuck(history, &analysis.verdict, &analysis.selection)
    });
    let doctor = args
        .doctor
        .then(|| report::diagnosis(&analysis.trace, &analysis.selection));
    match args.format {
        Format::Text => {
            let mut parts = Vec::new();
            if summary {
                parts.push(text::summary(&analysis));
            }
            if args.deadlocks {
                parts.push(text::findings(&analysis));
            }
            if let Some(groups) = &stuck {
                parts.push(text::stuck(&analysis, groups));
            }
            if let Some(diagnosis) = &doctor {
                parts.push(text::doctor(diagnosis));
            }
            if let Some(profile) = &profile {
                parts.extend(counted(args, profile)?);
            }
            if args.deadlocks || args.stuck {
                parts.extend(text::left_out(&analysis));
            }
            parts.extend(
                panels
                    .iter()
                    .map(|panel| text::panel(panel, &analysis.trace.history)),
            );
            output::print(&parts.join("\n"))?;
        }
        Format::Json => output::print_raw(&json::answer(
            &analysis,
            summary,
            stuck.as_deref(),
            doctor.as_ref(),
            profile.as_ref(),
            &panels,
        )?)?,
    }
    let has_findings = analysis
        .findings
        .iter()
        .any(|finding| finding.confidence >= Confidence::Likely);
    Ok(
        if has_findings && (summary || args.deadlocks || args.stuck) {
            FOUND
        } else {
            0
        },
    )
}

/// What cannot be done is told before the trace is read.
fn check_request(args: &Args, path: &Path) -> anyhow::Result<()> {
    if let Some(picture) = &args.timeline {
        check_picture_path("--timeline", "svg", picture, path)?;
    }
    if let Some(graph) = &args.graph {
        check_picture_path("--graph", "svg", graph, path)?;
    }
    if let Some(diagram) = &args.diagram {
        check_picture_path("--diagram", "svg", diagram, path)?;
        if args.call_graph == args.states.is_some() {
            bail!("--diagram draws one thing: ask for --states FN or for --call-graph");
        }
    }
    if let Some(filter) = args
        .filter
        .iter()
        .find(|filter| args.needs_profile() && filter.asks_for_state())
    {
        bail!(
            "--filter {filter}: --perf, --states and --call-graph count what tasks did over time, and know no state of theirs: leave the state out"
        );
    }
    Ok(())
}

/// Opens the trace.
fn open(args: &Args, path: &Path, progress: &Progress) -> anyhow::Result<Source> {
    let access = if args.no_mmap {
        Access::Read
    } else {
        Access::Auto
    };
    let source = Source::open_metered(path, access, progress.meter())?;
    check_times(args, &source)?;
    Ok(source)
}

/// The stretch of time that is asked for.
fn window(args: &Args) -> Window {
    Window {
        from: args.from,
        to: args.to,
    }
}

/// Reads what is asked for and looks at it, or only at where time goes; how far that is is gone from the terminal when this returns.
fn read(
    args: &Args,
    path: &Path,
    is_perf_alone: bool,
) -> anyhow::Result<(Option<Analysis>, Option<Profile>)> {
    let progress = Progress::start();
    let source = open(args, path, &progress)?;
    let profile = args
        .needs_profile()
        .then(|| Profile::of(&source, window(args), &args.filter));
    let profile = profile.transpose()?;
    if is_perf_alone {
        return Ok((None, profile));
    }
    Ok((Some(analyse(args, source)?), profile))
}

/// The reports on where time goes that are asked for.
fn counted(args: &Args, profile: &Profile) -> anyhow::Result<Vec<String>> {
    let mut parts = Vec::new();
    if args.perf {
        parts.push(text::perf(profile));
    }
    if let Some(names) = &args.states {
        let states = text::states(profile, names.first().map(String::as_str));
        parts.push(states.map_err(anyhow::Error::msg)?);
    }
    if args.call_graph {
        parts.push(text::calls(profile).map_err(anyhow::Error::msg)?);
    }
    Ok(parts)
}

/// Looks at what is asked for.
fn analyse(args: &Args, source: Source) -> anyhow::Result<Analysis> {
    let mut thresholds = Thresholds::default();
    for threshold in &args.threshold {
        threshold.set(&mut thresholds);
    }
    let window = window(args);
    // What is asked for needs all that happened.
    let is_whole = args.timeline.is_some() || !args.task.is_empty();
    Ok(match args.at {
        Some(At::End) => Analysis::with(Trace::end_of(source)?, &thresholds),
        Some(At::Time(at)) => Analysis::with(Trace::at(source, at)?, &thresholds),
        None if is_whole => Analysis::with(Trace::in_window(source, window)?, &thresholds),
        None => Analysis::read(source, window, &thresholds)?,
    })
}

/// Nobody asks for what is not in a trace but by mistake.
fn check_times(args: &Args, source: &Source) -> anyhow::Result<()> {
    let end = source.known_until();
    let at = match args.at {
        Some(At::Time(at)) => Some(at),
        _ => None,
    };
    for (option, time) in [("--at", at), ("--from", args.from)] {
        if let Some(time) = time.filter(|&time| time > end) {
            bail!(
                "{option} {time}: what is known of {} ends {end} after its start",
                source.path().display()
            );
        }
    }
    if let (Some(from), Some(to)) = (args.from, args.to)
        && from >= to
    {
        bail!("--from {from} --to {to}: there is no time between them");
    }
    Ok(())
}

/// A mistyped name must not cost the trace.
fn check_picture_path(
    option: &str,
    extension: &str,
    picture: &Path,
    trace: &Path,
) -> anyhow::Result<()> {
    if picture == Path::new("-") {
        bail!("{option} writes a picture: name a file, for instance picture.{extension}");
    }
    if let (Ok(picture), Ok(trace)) = (picture.canonicalize(), trace.canonicalize())
        && picture == trace
    {
        bail!(
            "{option} {} would overwrite the trace: name another file",
            picture.display()
        );
    }
    if picture
        .extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("ais"))
    {
        bail!(
            "{option} {}: an .ais file is a trace; name a file ending in .{extension}",
            picture.display()
        );
    }
    Ok(())
}

/// Writes the timeline.
fn draw_timeline(file: &Path, analysis: &Analysis) -> anyhow::Result<()> {
    let model = render::timeline::timeline(
        &analysis.trace,
        &analysis.verdict,
        &analysis.findings,
        &analysis.selection,
    );
    fs::write(file, render::timeline::svg(&model))
        .with_context(|| format!("cannot write the timeline {}", file.display()))?;
    output::note(&format!("wrote {}", file.display()));
    Ok(())
}

/// Writes the state machine of a function, or who calls whom, where that is asked for.
fn draw_diagram(args: &Args, profile: &Profile) -> anyhow::Result<()> {
    let Some(file) = &args.diagram else {
        return Ok(());
    };
    let graph = if args.call_graph {
        render::call_graph(profile)
    } else {
        let name = args.states.iter().flatten().next().map(String::as_str);
        let mut called = text::called(profile, name);
        let (Some(of), None) = (called.next(), called.next()) else {
            bail!("--diagram draws the states of one function: name one, as in --states FN");
        };
        render::states_graph(of)
    };
    write_graph("diagram", file, &graph)
}

/// Writes who waits for whom.
fn draw_graph(file: &Path, analysis: &Analysis) -> anyhow::Result<()> {
    let graph = render::wait_graph(&analysis.trace, &analysis.verdict, &analysis.selection);
    write_graph("graph", file, &graph)
}

/// Writes a graph, in the format that the name of the file ends in.
fn write_graph(what: &str, file: &Path, graph: &Graph) -> anyhow::Result<()> {
    let is_dot = file.extension().is_some_and(|extension| {
        extension.eq_ignore_ascii_case("dot") || extension.eq_ignore_ascii_case("gv")
    });
    let picture = if is_dot {
        render::graph::dot(graph)
    } else {
        render::graph::svg(graph, Theme::Light)
    };
    fs::write(file, picture)
        .with_context(|| format!("cannot write the {what} {}", file.display()))?;
    output::note(&format!("wrote {}", file.display()));
    Ok(())
}

fn panels(analysis: &Analysis, wanted: &[String]) -> anyhow::Result<Vec<TaskPanel>> {
    let history = &analysis.trace.history;
    let mut panels = Vec::new();
    for name in wanted {
        let ids = tasks_called(history, name);
        if ids.is_empty() {
            let (first, last) = (history.tasks.first(), history.tasks.last());
            match (first, last) {
                (Some(first), Some(last)) => bail!(
                    "there is no task {name:?} in {}: it has tasks #{} to #{}; the summary names those that live",
                    analysis.trace.source.path().display(),
                    first.id.0,
                    last.id.0
                ),
                _ => bail!(
                    "there is no task {name:?} in {}: it has no tasks",
                    analysis.trace.source.path().display()
                ),
            }
        }
        if ids.len() > SAME_NAME {
            output::complain(
                NAME,
                &format!(
                    "{} tasks are called {name:?}: shown are the first {SAME_NAME}; name others by number",
                    ids.len()
                ),
            );
        }
        let shown = ids.into_iter().take(SAME_NAME);
        panels
            .extend(shown.filter_map(|id| report::panel(history, &analysis.verdict.progress, id)));
    }
    Ok(panels)
}

/// The task with this number (`7` or `#7`), else all tasks with this name, or whose future is of this type, else all whose name ends so:
/// `worker` is `pool::worker`.
fn tasks_called(history: &History, name: &str) -> Vec<TaskId> {
    if let Ok(id) = name.trim_start_matches('#').parse()
        && history.task(TaskId(id)).is_some()
    {
        return vec![TaskId(id)];
    }
    let all = |is_called: &dyn Fn(&Task) -> bool| -> Vec<TaskId> {
        let called = history.tasks.iter().filter(|task| is_called(task));
        called.map(|task| task.id).collect()
    };
    let exactly = all(&|task| &*task.name == name || task.type_name.as_deref() == Some(name));
    if !exactly.is_empty() {
        return exactly;
    }
    let end = format!("::{name}");
    all(&|task| task.name.ends_with(&end))
}
