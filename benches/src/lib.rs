//! What the benchmarks share: children and what they say, medians, tables of text.
//!
//! They are plain programs, since what they measure is seldom a function: whole child processes, files, instructions.
//! `benches/RESULTS.md` has the results, with the machine and the commands.
#![forbid(unsafe_code)]

pub mod callgrind;
pub mod cost;
pub mod options;
pub mod peers;
pub mod programs;
pub mod sample;
pub mod storms;
pub mod traces;
pub mod usage;

use std::time::Instant;

/// The middle of `values` (of the two middle ones the lower); zero where there are none.
pub fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len().saturating_sub(1) / 2;
    values.get(middle).copied().unwrap_or_default()
}

/// How long `work` takes, in nanoseconds, and what it gives.
pub fn time<T>(work: impl FnOnce() -> T) -> (f64, T) {
    let start = Instant::now();
    let result = work();
    (start.elapsed().as_nanos() as f64, result)
}

/// The arguments that were given to a benchmark, without those that cargo adds.
pub fn arguments() -> Vec<String> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    arguments.retain(|argument| argument != "--bench");
    arguments
}

/// Prints rows as a Markdown table, columns aligned; the first row is the heading.
pub fn print_table(rows: &[Vec<String>]) {
    let Some(heading) = rows.first() else { return };
    let widths: Vec<usize> = (0..heading.len())
        .map(|i| {
            rows.iter()
                .filter_map(|row| row.get(i))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        })
        .collect();
    for (number, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(&widths)
            .enumerate()
            .map(|(i, (cell, &width))| {
                if i == 0 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            })
            .collect();
        println!("| {} |", cells.join(" | "));
        if number == 0 {
            let rule: Vec<String> = widths.iter().map(|&width| "-".repeat(width)).collect();
            println!("|-{}-|", rule.join("-|-"));
        }
    }
}
