//! Random programs.
#![forbid(unsafe_code)]
#![allow(dead_code)]

mod executor;
mod features;
mod generate;
mod interpreter;
mod judge;
mod model;
mod program;
mod rng;
mod shrink;
mod simulate;
mod text;
mod truth;
mod world;

use std::collections::BTreeMap;

#[test]
fn measure() {
    let begin = std::time::Instant::now();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut shown = 0;
    let n: u64 = std::env::var("AIS_TEST_PROGRAMS").map_or(1000, |n| n.parse().unwrap());
    for seed in 0..n {
        let program = generate::program(seed);
        let polls = if seed % 2 == 0 { 1 + rng::Rng::new(seed).below(10) } else { usize::MAX };
        let schedule = simulate::Schedule { polls, ..simulate::Schedule::seeded(seed) };
        let judged = judge::judge(&program, &schedule);
        for count in &judged.counts { *counts.entry(count.clone()).or_default() += 1; }
        for (&fault, _) in &judged.faults {
            *counts.entry(format!("{fault:?}")).or_default() += 1;
            if shown < 4 && fault != judge::Fault::Accused(ais_analyzer::findings::Confidence::Possible) {
                shown += 1;
                let (program, schedule) = shrink::shrink(program.clone(), schedule.clone(), fault);
                let judged = judge::judge(&program, &schedule);
                println!("{seed} {fault:?}\n{program}{schedule:?} {:?}\n{}\n{:?}", judged.polled, judged.faults.get(&fault).map_or("", |s|s), judged.found);
            }
        }
    }
    println!("{:?} {counts:#?}", begin.elapsed());
}
