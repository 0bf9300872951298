//! What recording costs here and with others: the same storms, recorded by this recorder and by dial9.
//!
//! ```text
//! cargo bench -p ais-benches --bench peer_cost                      time and bytes: 9 interleaved rounds, medians
//! cargo bench -p ais-benches --bench peer_cost -- --rounds 3 yield-ct
//! cargo bench -p ais-benches --bench peer_cost -- --instructions    instructions, counted by valgrind's callgrind
//! ```
//!
//! Four children take turns in each round: this workspace's plain and recorded one, and those of `benches/peers`, which is a workspace of
//! its own, built here when it is not: dial9 needs a tokio with `tokio_unstable`, which has costs of its own. So each recorder is held
//! against the plain child of its own build. Both write a file, with the settings that they have by themselves.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::process::Command;

use ais_benches::callgrind::{self, Counts};
use ais_benches::cost::{self, MEMORY};
use ais_benches::options::{Options, STORMS, Workload};
use ais_benches::sample::Sample;
use ais_benches::{arguments, median, peers, print_table};
use anyhow::{Context as _, Result};

fn main() -> Result<()> {
    let arguments = arguments();
    if let Some(("--once", once)) = arguments.split_first().map(|(a, rest)| (a.as_str(), rest)) {
        return cost::run_once(once, cost::run_storm);
    }
    let options = Options::parse(arguments, &STORMS)?;
    let peers = Peers(peers::program("ais-peers")?);
    if options.instructions {
        count_instructions(&peers, &options.workloads)
    } else {
        measure_times(&peers, &options)
    }
}

/// The program in which others record.
struct Peers(PathBuf);

impl Peers {
    fn child(&self, workload: Workload, mode: &str, count: u64) -> Command {
        let mut command = Command::new(&self.0);
        command.args([workload.name, mode, &count.to_string()]);
        command
    }

    fn sample(&self, workload: Workload, mode: &str) -> Result<Sample> {
        let output = self.child(workload, mode, workload.rounds).output()?;
        Sample::of(&output).with_context(|| format!("{} {mode}", workload.name))
    }

    fn instructions(&self, workload: Workload, mode: &str) -> Result<Counts> {
        callgrind::per_round(workload.counted_rounds(), |count| {
            let child = self.child(workload, mode, count);
            Ok(callgrind::run(&child, &["dial9_core::flush_loop::run_flush_loop"])?.0)
        })
    }
}

/// A recorder's two children of one round.
#[derive(Clone, Copy)]
struct Pair {
    plain: Sample,
    recorded: Sample,
}

impl Pair {
    fn added(&self, of: fn(&Sample) -> f64) -> f64 {
        of(&self.recorded) - of(&self.plain)
    }
}

fn measure_times(peers: &Peers, options: &Options) -> Result<()> {
    println!(
        "{} interleaved runs, medians; ns per round, added by recording to the plain child of the same build\n",
        options.rounds
    );
    let heading = "workload|rounds|plain wall|with tokio_unstable|wall: ais|dial9|cpu: ais|dial9|ais/dial9|\
                   B/event: ais|dial9|events: ais|dial9|dropped: ais|dial9";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for &workload in &options.workloads {
        let mut rounds = Vec::new();
        for _ in 0..options.rounds {
            let ours = Pair {
                plain: cost::sample(workload, "plain", MEMORY[0])?,
                recorded: cost::sample(workload, "on", MEMORY[0])?,
            };
            let theirs = Pair {
                plain: peers.sample(workload, "plain")?,
                recorded: peers.sample(workload, "dial9")?,
            };
            rounds.push([ours, theirs]);
        }
        table.push(row(workload, &rounds));
    }
    print_table(&table);
    Ok(())
}

fn row(workload: Workload, rounds: &[[Pair; 2]]) -> Vec<String> {
    const OURS: usize = 0;
    const THEIRS: usize = 1;
    let count = workload.rounds as f64;
    let middle = |of: &dyn Fn(&[Pair; 2]) -> f64| median(rounds.iter().map(of));
    let mut row = vec![workload.what.to_owned(), workload.rounds.to_string()];
    for who in [OURS, THEIRS] {
        row.push(format!("{:.1}", middle(&|r| r[who].plain.wall / count)));
    }
    for of in [|s: &Sample| s.wall, |s: &Sample| s.cpu] {
        for who in [OURS, THEIRS] {
            row.push(format!("{:.1}", middle(&|r| r[who].added(of) / count)));
        }
    }
    let ratio = middle(&|r| r[OURS].added(|s| s.cpu) / r[THEIRS].added(|s| s.cpu));
    row.push(format!("{ratio:.2}"));
    for who in [OURS, THEIRS] {
        let recorded = |r: &[Pair; 2]| r[who].recorded.bytes / r[who].recorded.events;
        row.push(format!("{:.2}", middle(&recorded)));
    }
    for who in [OURS, THEIRS] {
        row.push(format!(
            "{:.2}",
            middle(&|r| r[who].recorded.events / count)
        ));
    }
    for who in [OURS, THEIRS] {
        let share = |s: &Sample| 100.0 * s.dropped / (s.events + s.dropped);
        row.push(format!("{:.0} %", middle(&|r| share(&r[who].recorded))));
    }
    row
}

fn count_instructions(peers: &Peers, workloads: &[Workload]) -> Result<()> {
    println!("instructions per round, added by recording to the plain child of the same build\n");
    let heading = "workload|runs|plain|with tokio_unstable|ais: program|recorder's thread|total|dial9: program|flush thread|total|ais/dial9";
    let mut table = vec![heading.split('|').map(str::to_owned).collect::<Vec<_>>()];
    for &workload in workloads {
        let [short, long] = workload.counted_rounds();
        let plain = [
            cost::instructions(workload, "plain")?,
            peers.instructions(workload, "plain")?,
        ];
        let added = [
            cost::instructions(workload, "on")? - plain[0],
            peers.instructions(workload, "dial9")? - plain[1],
        ];
        let mut row = vec![workload.what.to_owned(), format!("{short}, {long}")];
        row.extend(plain.map(|plain| format!("{:.0}", plain.total())));
        for added in added {
            row.push(format!("{:.0}", added.program));
            row.push(format!("{:.0}", added.recorder));
            row.push(format!("{:.0}", added.total()));
        }
        row.push(format!("{:.2}", added[0].total() / added[1].total()));
        table.push(row);
    }
    print_table(&table);
    Ok(())
}
