//! Random programs.
#![forbid(unsafe_code)]
#![allow(dead_code)]

mod executor;
mod generate;
mod interpreter;
mod model;
mod program;
mod rng;
mod simulate;
mod text;
mod world;

#[test]
fn measure() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("trace.ais");
    let begin = std::time::Instant::now();
    let mut stuck = 0;
    let mut bad = 0;
    for seed in 0..20000u64 {
        let program = generate::program(seed);
        assert_eq!(program.to_string().parse(), Ok(program.clone()), "{program}");
        match simulate::simulate(&program, simulate::Schedule { seed, polls: 10000 }, &path) {
            Ok(ran) => stuck += usize::from(!ran.state.live().is_empty()),
            Err(e) => { bad += 1; if bad < 6 { println!("{seed} {e}\n{program}"); } }
        }
    }
    println!("{:?} stuck {stuck} bad {bad}", begin.elapsed());
}
