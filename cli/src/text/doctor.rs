//! What a trace lacks, as text.

use ais_analyzer::number::grouped;
use ais_analyzer::report::{Cost, Diagnosis, Lack};

use super::{BOLD, DIM, WARN, count, row, styled};
use crate::output::clean;

/// All lacks, or that there is none.
pub(crate) fn doctor(diagnosis: &Diagnosis) -> String {
    let looked_at = clean(&diagnosis.looked_at);
    if diagnosis.lacks.is_empty() {
        return format!("nothing is lacking; looked at: {looked_at}\n");
    }
    let mut text = format!(
        "this trace lacks {}:\n",
        count(diagnosis.lacks.len(), "thing")
    );
    for (index, lack) in diagnosis.lacks.iter().enumerate() {
        text += &format!("\n{}", one(index + 1, lack));
    }
    text + &format!("\nlooked at: {looked_at}\n")
}

fn one(number: usize, lack: &Lack) -> String {
    let style = match lack.costs {
        Cost::Verdicts => WARN,
        Cost::Places => BOLD,
        Cost::Details => DIM,
    };
    let mut text = format!(
        "{number}  {} ({})\n",
        styled(style, &clean(&lack.title)),
        lack.costs.in_words()
    );
    let mut line = |name: &str, value: &str| {
        text += &format!(
            "   {}  {}\n",
            styled(DIM, &format!("{name:<7}")),
            clean(value)
        );
    };
    line("because", &lack.evidence);
    for (index, place) in lack.places.iter().enumerate() {
        let at = place.location.as_ref();
        let at = at.map_or_else(String::new, |place| format!(": {place}"));
        let name = if index == 0 { "at" } else { "" };
        line(name, &format!("{}{at}", place.what));
    }
    if lack.more_places > 0 {
        line(
            "",
            &format!("and {} more", grouped(lack.more_places as u64)),
        );
    }
    line("change", &lack.change);
    text
}

/// What is most important of it, as a row of the summary; nothing where only details are lacking.
pub(super) fn brief(diagnosis: &Diagnosis) -> String {
    let lacks = diagnosis.lacks.iter();
    let mut lacks = lacks.filter(|lack| lack.costs != Cost::Details);
    let Some(first) = lacks.next() else {
        return String::new();
    };
    let more = match lacks.count() {
        0 => String::new(),
        n => format!(", and {}", count(n, "more thing")),
    };
    row(
        "doctor",
        &clean(&format!(
            "lacks {}{more}: --doctor tells what to change",
            first.title
        )),
    )
}
